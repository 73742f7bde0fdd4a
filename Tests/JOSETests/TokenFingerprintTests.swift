import Testing

@testable import JOSE

@Suite struct TokenFingerprintTests {
    private func fingerprint(_ bytes: [UInt8], by fingerprinter: TokenFingerprinter) -> TokenFingerprint? {
        bytes.withUnsafeBytes { fingerprinter.fingerprint(of: $0) }
    }

    @Test(
        "A fingerprint is AES-128 of GMAC, as Python's cryptography computes it, from one fingerprinter used again"
    )
    func knownFingerprints() throws {
        let fingerprinter = TokenFingerprinter(keys: Array(0..<32))
        for (bytes, hex) in [
            ([], "df1389e164b4f41afb1707d6afac638c"), (Array("abc".utf8), "a23f9eeeac5da797881fcf4a0bfd5f8c"),
            ((0..<1100).map { UInt8($0 % 251) }, "097b978fb3066e91a188a1e7ba0dc3f9"),
        ] {
            let words = try #require(fingerprint(bytes, by: fingerprinter)).words
            let found = [words.0, words.1].map {
                let digits = String($0.byteSwapped, radix: 16)
                return String(repeating: "0", count: 16 - digits.count) + digits
            }
            #expect(found.joined() == hex)
        }
    }

    @Test("Fingerprints are equal where the bytes are, and differ where a bit, an order or a length does")
    func equality() throws {
        let fingerprinter = TokenFingerprinter()
        let bytes = (0..<1000).map { UInt8($0 % 256) }
        var bit = bytes
        bit[999] ^= 1
        let others = [
            bit, bytes + [0], bytes.dropLast(), Array(bytes[16..<32] + bytes[0..<16] + bytes[32...]), [],
        ]
        let fingerprints = try (others + [bytes]).map { try #require(fingerprint($0, by: fingerprinter)) }
        #expect(Set(fingerprints).count == fingerprints.count)
        #expect(fingerprint(bytes, by: fingerprinter) == fingerprints.last)
    }

    @Test("Nobody can foretell a fingerprint: each fingerprinter has keys of its own")
    func ownKeys() throws {
        let fingerprints = try (0..<10).map { _ in
            try #require(fingerprint([1, 2, 3], by: TokenFingerprinter()))
        }
        #expect(Set(fingerprints).count == 10)
    }

    @Test("Without a random key there is no fingerprint")
    func noRandomness() {
        #expect(fingerprint([1, 2, 3], by: TokenFingerprinter(keys: [])) == nil)
    }
}

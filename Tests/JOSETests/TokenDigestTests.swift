import JOSE
import Testing

@Suite struct TokenDigestTests {
    func digest(_ bytes: [UInt8], by digester: TokenDigester) throws -> [UInt8] {
        let digest = try #require(bytes.withUnsafeBytes { digester.digest(of: $0) })
        return withUnsafeBytes(of: digest.words) { Array($0) }
    }

    @Test("The digests of FIPS 180-4's examples come out, from one digester used again")
    func examples() throws {
        let digester = TokenDigester()
        for (text, hex) in [
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ] {
            let expected = stride(from: 0, to: 64, by: 2).map {
                UInt8(hex.dropFirst($0).prefix(2), radix: 16) ?? 0
            }
            #expect(try digest(Array(text.utf8), by: digester) == expected)
        }
    }

    @Test("Digests are equal where the bytes are, and differ where one bit does")
    func equality() throws {
        let digester = TokenDigester()
        func digest(_ bytes: [UInt8]) -> TokenDigest? { bytes.withUnsafeBytes { digester.digest(of: $0) } }
        let bytes = [UInt8](repeating: 5, count: 1000)
        var changed = bytes
        changed[999] ^= 1
        #expect(digest(bytes) == digest(bytes))
        #expect(digest(bytes) != digest(changed))
    }
}

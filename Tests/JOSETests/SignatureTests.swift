import COpenSSL
import TestSupport
import Testing

@testable import JOSE

@Suite struct SignatureTests {
    let mint: Mint
    let key: VerificationKey
    let input: [UInt8]

    init() throws {
        mint = try #require(Mint0.mint)
        key = try #require(Mint0.keys?.keys.first)
        input = Mint.signingInput(Array(mint.header.utf8), Array(#"{"sub":"a"}"#.utf8))
    }

    func isGenuine(_ signature: [UInt8], _ input: [UInt8]? = nil) throws -> Bool {
        try read(Mint.compact(input ?? self.input, signature)).verified(by: key) != nil
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017 §9.2) of a block's parts, padded to the modulus with `fill`.
    func block(type: [UInt8] = [0, 1], fill: UInt8 = 0xFF, separator: [UInt8] = [0], _ tail: [UInt8])
        -> [UInt8]
    {
        let count = 256 - type.count - separator.count - tail.count
        return type + [UInt8](repeating: fill, count: count) + separator + tail
    }

    static let sha256Info: [UInt8] = [
        0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ]

    var hash: [UInt8] {
        get throws {
            let digest = try #require(input.withUnsafeBytes { TokenDigester().digest(of: $0) })
            return withUnsafeBytes(of: digest.words) { Array($0) }
        }
    }

    @Test("The signature of RFC 7515 appendix A.2 verifies, and no other text does")
    func publishedVector() throws {
        let modulus = try #require(Base64URL.decode(Array(PublishedVector.modulus.utf8)))
        let keyID = try #require(KeyID(Array("a2".utf8)))
        let key = try #require(VerificationKey(keyID: keyID, modulus: modulus, exponent: [1, 0, 1]))
        let signature = try #require(Base64URL.decode(Array(PublishedVector.signature.utf8)))
        for (text, isGenuine) in [
            (PublishedVector.signingInput, true), (PublishedVector.signingInput + "A", false),
        ] {
            let digest = try #require(Array(text.utf8).withUnsafeBytes { TokenDigester().digest(of: $0) })
            #expect(key.verifies(signature, digest: digest) == isGenuine)
        }
        #expect(key.modulusBits == 2048)
    }

    @Test("The block that RFC 8017 wants is the one that verifies")
    func rightBlock() throws {
        let good = block(Self.sha256Info + (try hash))
        #expect(try isGenuine(try mint.key.signRaw(good)))
        #expect(try mint.key.signRaw(good) == mint.key.signRS256(input))
    }

    @Test("No other block verifies, though made with the private key")
    func wrongBlocks() throws {
        let hash = try hash
        let info = Self.sha256Info
        // The digest's name without its NULL parameters.
        let noNull: [UInt8] = [0x30, 0x2F, 0x30, 0x0B] + info[4..<15] + [0x04, 0x20]
        // A length in the long form.
        let longLength: [UInt8] = [0x30, 0x81, 0x31] + info[2...]
        let sha1: [UInt8] = [
            0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14,
        ]
        var sha512 = info
        sha512[14] = 3
        var garbageInNull: [UInt8] = info
        garbageInNull[1] += 2
        garbageInNull[3] += 2
        garbageInNull.replaceSubrange(15..<17, with: [0x05, 0x02, 0xAA, 0xBB])
        var holed = block(info + hash)
        holed[100] = 0xFE
        let short: [UInt8] = [0, 1] + [UInt8](repeating: 0xFF, count: 8) + [0] + info + hash
        let noPadding: [UInt8] = [0, 1, 0] + info + hash
        let wrong: [String: [UInt8]] = [
            "block type 2": block(type: [0, 2], fill: 0xAA, info + hash),
            "block type 0": block(type: [0, 0], info + hash),
            "leading byte 1": block(type: [1, 1], info + hash).map { $0 == 1 ? 0 : $0 },
            "zero fill": block(fill: 0, info + hash),
            "one byte of the fill": holed,
            "no separator": block(separator: [], info + hash),
            "separator 1": block(separator: [1], info + hash),
            "garbage behind a short fill": short + [UInt8](repeating: 0xCC, count: 256 - short.count),
            "zeros behind a short fill": short + [UInt8](repeating: 0, count: 256 - short.count),
            "garbage behind no fill": noPadding + [UInt8](repeating: 0xCC, count: 256 - noPadding.count),
            "one byte behind": block(info + hash + [0]),
            "no digest info": block(hash),
            "no NULL": block(noNull + hash),
            "garbage in NULL": block(garbageInNull + hash),
            "long length": block(longLength + hash),
            "SHA-1's name": block(sha1 + hash.prefix(20)),
            "SHA-512's name": block(sha512 + hash),
            "another hash": block(info + hash.reversed()),
            "a hash cut short": block(info + hash.dropLast()),
            "all zeros": [UInt8](repeating: 0, count: 256),
            "one": [UInt8](repeating: 0, count: 255) + [1],
        ]
        for (name, block) in wrong {
            #expect(block.count == 256, "\(name)")
            #expect(try isGenuine(try mint.key.signRaw(block)) == false, "\(name)")
        }
    }

    @Test("A signature padded with PSS does not verify")
    func otherPadding() throws {
        // EMSA-PSS ends in 0xBC and begins below the modulus (RFC 8017 §9.1); any such block will do.
        var block = [UInt8](repeating: 0x5A, count: 256)
        block[0] = 0
        block[255] = 0xBC
        #expect(try isGenuine(try mint.key.signRaw(block)) == false)
    }

    @Test("A signature must be as long as the modulus, to the byte")
    func length() throws {
        let signature = try mint.key.signRS256(input)
        #expect(try isGenuine(signature))
        #expect(try isGenuine(signature + [0]) == false)
        #expect(try isGenuine([0] + signature) == false)
        #expect(try isGenuine([UInt8](repeating: 0, count: 256) + signature) == false)
        #expect(flawOf(token: Mint.compact(input, Array(signature.dropLast()))) == .signatureLength(255))
        #expect(flawOf(token: Mint.compact(input, [UInt8](repeating: 1, count: 1024))) == nil)
        #expect(
            flawOf(token: Mint.compact(input, [UInt8](repeating: 1, count: 1025))) == .signatureLength(1025))
    }

    @Test("A signature plus the modulus, which stands for the same number, does not verify")
    func aboveModulus() throws {
        // Not every sum fits the modulus's length; one of these payloads gives one that does.
        for number in 0..<2_000 {
            let input = Mint.signingInput(Array(mint.header.utf8), Array("{\"n\":\(number)}".utf8))
            let signature = try mint.key.signRS256(input)
            var sum = [UInt8](repeating: 0, count: 256)
            var carry = 0
            for place in (0..<256).reversed() {
                carry += Int(signature[place]) + Int(key.modulus[place])
                sum[place] = UInt8(truncatingIfNeeded: carry)
                carry >>= 8
            }
            guard carry == 0 else { continue }
            #expect(try isGenuine(signature, input))
            #expect(try isGenuine(sum, input) == false)
            return
        }
        Issue.record("no sum fits")
    }

    @Test("The modulus itself, one less, zero and all ones are no signatures")
    func extremes() throws {
        var less = key.modulus
        less[255] -= 1
        for signature in [
            key.modulus, less, [UInt8](repeating: 0, count: 256), [UInt8](repeating: 0xFF, count: 256),
        ] {
            #expect(try isGenuine(signature) == false)
        }
    }

    @Test("A change of any single bit of the signature or of the signed bytes is noticed")
    func bitFlips() throws {
        let signature = try mint.key.signRS256(input)
        for place in stride(from: 0, to: 256, by: 5) {
            var changed = signature
            changed[place] ^= 1 << UInt8(place % 8)
            #expect(try isGenuine(changed) == false)
        }
        let other = Mint.signingInput(Array(mint.header.utf8), Array(#"{"sub":"b"}"#.utf8))
        #expect(try isGenuine(signature, other) == false)
    }

    @Test("A key verifies only tokens that name it, even where another name has the same numbers")
    func otherName() throws {
        let renamed = try #require(Mint(0, keyID: "key-2"))
        let keys = try JSONWebKeySet(parsing: Mint.keySet([renamed.jwk]))
        let token = try read(try mint.token())
        #expect(token.verified(by: try #require(keys.keys.first)) == nil)
        #expect(token.verified(by: key) != nil)
    }

    @Test("After a failed verification the same key still verifies, and no error is left behind")
    func recovery() throws {
        let signature = try mint.key.signRS256(input)
        for _ in 0..<50 {
            #expect(try isGenuine([UInt8](repeating: 0, count: 256)) == false)
            #expect(try isGenuine(signature))
        }
        #expect(ERR_peek_error() == 0)
    }

    @Test("One key verifies on many threads at once, right and wrong signatures mixed")
    func concurrency() async throws {
        let good = try read(try mint.token())
        let bad = try read(Mint.compact(input, [UInt8](repeating: 7, count: 256)))
        let key = key
        let results = await withTaskGroup(of: Int.self) { group in
            for number in 0..<8 {
                group.addTask {
                    (0..<100).count {
                        ($0 + number) % 2 == 0 ? good.verified(by: key) != nil : bad.verified(by: key) == nil
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(results == 800)
    }
}

/// RFC 7515 appendix A.2.
private enum PublishedVector {
    static let modulus = """
        ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC\
        gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6\
        65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
        yuXpoQ
        """
    static let signingInput = """
        eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ
        """
    static let signature = """
        cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t\
        1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j\
        zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ\
        Ge77Rw
        """
}

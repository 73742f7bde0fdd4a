import COpenSSL
import JOSE
import Testing

@Suite struct ES256KeyTests {
    /// PEM of a new private key: of this type, on this curve, PKCS#8 or in the type's own form, with this password.
    private func pem(
        _ type: String = "EC", curve: String? = "P-256", isTraditional: Bool = false, password: String? = nil
    ) throws -> [UInt8] {
        let context = try #require(EVP_PKEY_CTX_new_from_name(nil, type, nil))
        defer { EVP_PKEY_CTX_free(context) }
        var made: OpaquePointer?
        #expect(EVP_PKEY_keygen_init(context) == 1)
        if let curve { #expect(EVP_PKEY_CTX_set_group_name(context, curve) == 1) }
        #expect(EVP_PKEY_generate(context, &made) == 1)
        let key = try #require(made)
        defer { EVP_PKEY_free(key) }
        let bio = try #require(BIO_new(BIO_s_mem()))
        defer { BIO_free(bio) }
        let secret = (password ?? "").utf8.map { CChar(bitPattern: $0) }
        let cipher = password == nil ? nil : EVP_aes_128_cbc()
        let written =
            isTraditional
            ? PEM_write_bio_PrivateKey_traditional(bio, key, nil, nil, 0, nil, nil)
            : secret.withUnsafeBufferPointer {
                PEM_write_bio_PKCS8PrivateKey(
                    bio, key, cipher, cipher == nil ? nil : $0.baseAddress, Int32($0.count), nil, nil)
            }
        #expect(written == 1)
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = BIO_read(bio, &bytes, Int32(bytes.count))
        return Array(bytes.prefix(Int(count)))
    }

    /// Whether the key in `pem` made the signature, found out by OpenSSL's own check of its own form.
    private func isGenuine(_ signature: [UInt8], of bytes: [UInt8], by pem: [UInt8]) throws -> Bool {
        #expect(signature.count == 64)
        func number(_ digits: ArraySlice<UInt8>) -> [UInt8] {
            let short = Array(digits.drop { $0 == 0 })
            let signed = (short.first ?? 0) >= 0x80 ? [0] + short : short
            return [0x02, UInt8(signed.count)] + signed
        }
        let numbers = number(signature.prefix(32)) + number(signature.suffix(32))
        let encoded = [0x30, UInt8(numbers.count)] + numbers
        let bio = BIO_new_mem_buf(pem, Int32(pem.count))
        defer { BIO_free(bio) }
        let key = try #require(PEM_read_bio_PrivateKey(bio, nil, nil, nil))
        defer { EVP_PKEY_free(key) }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        #expect(EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1)
        return EVP_DigestVerify(context, encoded, encoded.count, bytes, bytes.count) == 1
    }

    @Test("A key in either form of PEM signs what its public half verifies, each time anew")
    func signatures() throws {
        for pem in [try pem(), try pem(isTraditional: true)] {
            let key = try ES256Key(pem: pem)
            var seen: Set<[UInt8]> = []
            // So many that halves with zeros in front of them, or with a sign, are among them.
            for number in 0..<600 {
                let bytes = Array("input \(number)".utf8)
                let signature = try #require(key.sign(bytes))
                #expect(try isGenuine(signature, of: bytes, by: pem))
                seen.insert(signature)
            }
            #expect(seen.count == 600)
            let signature = try #require(key.sign([1]))
            #expect(try !isGenuine(signature, of: [2], by: pem))
        }
        #expect(ERR_peek_error() == 0)
    }

    @Test("A key that is made here is read again from its PEM, with the same name")
    func written() throws {
        let key = try ES256Key.generate()
        let text = try key.pem()
        #expect(String(decoding: text, as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        let again = try ES256Key(pem: text)
        #expect(again.keyID == key.keyID && again.publicJWK == key.publicJWK)
        #expect(try ES256Key.generate().keyID != key.keyID)
    }

    @Test("The name of a key is the thumbprint of its public half (RFC 7638)")
    func thumbprint() throws {
        // Made by OpenSSL 3.0, its name by joserfc 1.8.
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSr0YkR437GX9l1Vz
            euYbaiQTpH7kgwJHDUTfM0AOckuhRANCAASSdrPBt2Ys1cB5xg+wP3+gk87PaIpz
            MowUARTjcD3ou5lLnsdrk8C2doSrY1StiR3it5xGB+pUvCJhccrFVTke
            -----END PRIVATE KEY-----

            """
        let key = try ES256Key(pem: Array(pem.utf8))
        #expect(key.keyID == "_7Hgj7CMt6cyrPyGSYM6jFmU2qQM83T6sK682UShHsk")
        #expect(
            key.publicJWK
                == #"{"alg":"ES256","crv":"P-256","kty":"EC","x":"knazwbdmLNXAecYPsD9_oJPOz2iKczKMFAEU43A96Ls","y":"mUuex2uTwLZ2hKtjVK2JHeK3nEYH6lS8ImFxysVVOR4","kid":"_7Hgj7CMt6cyrPyGSYM6jFmU2qQM83T6sK682UShHsk","use":"sig"}"#
        )
    }

    @Test(
        "What is no private key on P-256 in the clear is refused with the reason, and nobody is asked for a password"
    )
    func otherPEM() throws {
        for (pem, failure) in [
            ([], .noKey), (Array("hello".utf8), .noKey), (try pem(password: "secret"), .encrypted),
            (try pem("RSA", curve: nil), .wrongKind("RSA")),
            (try pem("ED25519", curve: nil), .wrongKind("ED25519")),
            (try pem(curve: "P-384"), .wrongCurve("secp384r1")),
            (try pem(curve: "secp256k1"), .wrongCurve("secp256k1")),
        ] as [([UInt8], ES256Key.Failure)] {
            #expect(throws: failure) { try ES256Key(pem: pem) }
        }
        #expect(ERR_peek_error() == 0)
    }
}

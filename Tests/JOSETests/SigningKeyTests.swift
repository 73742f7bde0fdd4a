import COpenSSL
import JOSE
import TestSupport
import Testing

@Suite struct SigningKeyTests {
    /// PEM of a new private key, encrypted where there is a password.
    func pem(_ type: String, password: String? = nil) throws -> [UInt8] {
        let context = try #require(EVP_PKEY_CTX_new_from_name(nil, type, nil))
        defer { EVP_PKEY_CTX_free(context) }
        var made: OpaquePointer?
        #expect(EVP_PKEY_keygen_init(context) == 1)
        if type == "EC" { #expect(EVP_PKEY_CTX_set_group_name(context, "P-256") == 1) }
        #expect(EVP_PKEY_generate(context, &made) == 1)
        let key = try #require(made)
        defer { EVP_PKEY_free(key) }
        let bio = try #require(BIO_new(BIO_s_mem()))
        defer { BIO_free(bio) }
        let cipher = password == nil ? nil : EVP_aes_256_cbc()
        let secret = (password ?? "").utf8.map { CChar(bitPattern: $0) }
        let written = secret.withUnsafeBufferPointer { secret in
            PEM_write_bio_PKCS8PrivateKey(
                bio, key, cipher, cipher == nil ? nil : secret.baseAddress, Int32(secret.count), nil, nil)
        }
        #expect(written == 1)
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = BIO_read(bio, &bytes, Int32(bytes.count))
        return Array(bytes.prefix(Int(count)))
    }

    @Test("A key read from PKCS #8 signs what its public half verifies")
    func pkcs8() throws {
        let key = try SigningKey(pem: try pem("RSA"))
        let set = try JSONWebKeySet(parsing: Mint.keySet([key.publicJWK(keyID: "p")]))
        let input = Mint.signingInput(Array(#"{"alg":"RS256","kid":"p"}"#.utf8), Array("{}".utf8))
        let token = try read(Mint.compact(input, try key.signRS256(input)))
        #expect(token.verified(by: try #require(set.keys.first)) != nil)
    }

    @Test("Text that holds no RSA key in the clear is refused, and nobody is asked for a password")
    func otherPEM() throws {
        for pem in [[], Array("hello".utf8), try pem("EC"), try pem("RSA", password: "secret")] {
            #expect(throws: SigningKey.Failure.self) { try SigningKey(pem: pem) }
        }
        #expect(ERR_peek_error() == 0)
    }

    @Test(
        "A name with quotes, backslashes and control characters is published as one JSON string",
        arguments: [
            "a\"b", "a\\b", "a\u{1}\n", "clé+/=", "\",\"n\":\"x",
        ])
    func names(name: String) throws {
        let mint = try #require(Mint0.mint)
        let set = try JSONWebKeySet(parsing: Mint.keySet([mint.key.publicJWK(keyID: name)]))
        #expect(set.keys.map(\.keyID.bytes) == [Array(name.utf8)])
    }
}

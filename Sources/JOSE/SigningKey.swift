import COpenSSL

/// An RSA private key that signs RS256: for the stand-in pool and for tests.
///
/// A class that owns OpenSSL's key. Sendable without the compiler's proof: the key is never changed after `init`, and
/// each signature has a context of its own.
package final class SigningKey: @unchecked Sendable {
    private let key: OpaquePointer

    /// OpenSSL made or took no key.
    package struct Failure: Error {
        /// What OpenSSL could not do, as half a sentence.
        package let reason: String
    }

    private init(key: OpaquePointer) {
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// A fresh key of `bits`; takes about 100 ms for 2048.
    package static func generateRSA(bits: Int = Limits.signingKeyBits) throws(Failure) -> SigningKey {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else {
            throw Failure(reason: "no RSA")
        }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(truncatingIfNeeded: bits)) == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else { throw Failure(reason: "no key of \(bits) bits could be made") }
        return SigningKey(key: key)
    }

    /// Reads an RSA private key in PEM (RFC 7468 §10), without a password: nobody is asked for one.
    package init(pem: [UInt8]) throws(Failure) {
        let bio = BIO_new_mem_buf(pem, Int32(truncatingIfNeeded: pem.count))
        defer { BIO_free(bio) }
        guard let key = PEM_read_bio_PrivateKey(bio, nil, poolgate_no_password, nil) else {
            ERR_clear_error()
            throw Failure(reason: "no unencrypted private key in PEM")
        }
        guard EVP_PKEY_is_a(key, "RSA") == 1 else {
            EVP_PKEY_free(key)
            throw Failure(reason: "the key is not an RSA key")
        }
        self.key = key
    }

    /// The RSASSA-PKCS1-v1_5 signature with SHA-256 of `bytes`.
    package func signRS256(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
        guard let digest = bytes.withUnsafeBytes({ TokenDigester().digest(of: $0) }) else {
            throw Failure(reason: "no digest")
        }
        return try privateOperation(
            withUnsafeBytes(of: digest.words) { Array($0) }, RSA_PKCS1_PADDING, Algorithm.shared.sha256)
    }

    /// The bare private operation on a block as long as the modulus: for tests of paddings that nobody should make.
    package func signRaw(_ block: [UInt8]) throws(Failure) -> [UInt8] {
        try privateOperation(block, RSA_NO_PADDING, nil)
    }

    private func privateOperation(
        _ input: [UInt8], _ padding: Int32, _ digest: OpaquePointer?
    ) throws(Failure) -> [UInt8] {
        guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else {
            throw Failure(reason: "no context")
        }
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_sign_init(context) == 1, EVP_PKEY_CTX_set_rsa_padding(context, padding) == 1,
            digest == nil || EVP_PKEY_CTX_set_signature_md(context, digest) == 1
        else { throw Failure(reason: "no signing") }
        var length = Int(EVP_PKEY_get_size(key))
        var signature = [UInt8](repeating: 0, count: length)
        guard EVP_PKEY_sign(context, &signature, &length, input, input.count) == 1 else {
            ERR_clear_error()
            throw Failure(reason: "signing failed")
        }
        return Array(signature.prefix(length))
    }

    /// The modulus and the exponent, big-endian.
    package var publicNumbers: (modulus: [UInt8], exponent: [UInt8]) {
        (number("n"), number("e"))
    }

    /// The public half as a JSON Web Key in Cognito's form (RFC 7517 §4).
    package func publicJWK(keyID: String) -> String {
        func text(_ bytes: [UInt8]) -> String { String(decoding: Base64URL.encode(bytes), as: UTF8.self) }
        let (modulus, exponent) = publicNumbers
        return
            #"{"alg":"RS256","e":"\#(text(exponent))","kid":\#(SigningKey.quoted(keyID)),"kty":"RSA","n":"\#(text(modulus))","use":"sig"}"#
    }

    /// `text` as a JSON string.
    private static func quoted(_ text: String) -> String {
        var quoted: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                quoted += Array((byte < 0x10 ? "\\u000" : "\\u00").utf8) + Array(String(byte, radix: 16).utf8)
            } else {
                quoted.append(byte)
            }
        }
        quoted.append(UInt8(ascii: "\""))
        return String(decoding: quoted, as: UTF8.self)
    }

    private func number(_ name: String) -> [UInt8] {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(key, name, &number) == 1, let number else { return [] }
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(number) + 7) / 8)
        BN_bn2bin(number, &bytes)
        return bytes
    }
}

import COpenSSL

/// An RSA public key of a key set, ready to verify RS256 (RFC 7518 §3.3).
///
/// A class that owns OpenSSL's key. Sendable without the compiler's proof: the key is never changed after `init`, and
/// `KeyContexts` gives each verification a context of its own.
package final class VerificationKey: @unchecked Sendable {
    /// The `kid` under which tokens name it.
    package let keyID: KeyID
    /// How long the modulus is, in bits.
    package let modulusBits: Int
    /// Big-endian, without leading zeros.
    let modulus: [UInt8]
    let exponent: [UInt8]

    private let key: OpaquePointer
    private let contexts = KeyContexts { context in
        EVP_PKEY_verify_init(context) == 1
            && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
            && EVP_PKEY_CTX_set_signature_md(context, Algorithm.shared.sha256) == 1
    }

    /// Builds the key once; nil where OpenSSL refuses the numbers.
    init?(keyID: KeyID, modulus: [UInt8], exponent: [UInt8]) {
        guard let key = VerificationKey.build(modulus, exponent) else {
            ERR_clear_error()
            return nil
        }
        self.keyID = keyID
        self.modulus = modulus
        self.exponent = exponent
        self.modulusBits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// Whether both are the same key under the same name.
    package func isSameKey(as other: VerificationKey) -> Bool {
        self === other
            || keyID == other.keyID && modulus == other.modulus && exponent == other.exponent
    }

    /// Whether `signature` is this key's RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017 §8.2.2) of the bytes that
    /// have `digest`: its length is the modulus's, its value is below it, the padding is compared whole.
    func verifies(_ signature: [UInt8], digest: TokenDigest) -> Bool {
        guard signature.count == modulus.count, signature.lexicographicallyPrecedes(modulus) else {
            return false
        }
        let result = contexts.use(for: key) { context in
            withUnsafeBytes(of: digest.words) { digest in
                EVP_PKEY_verify(
                    context, signature, signature.count, digest.bindMemory(to: UInt8.self).baseAddress,
                    digest.count)
            }
        }
        if result != 1 { ERR_clear_error() }
        return result == 1
    }

    private static func build(_ modulus: [UInt8], _ exponent: [UInt8]) -> OpaquePointer? {
        let numbers = [modulus, exponent].map { (bytes: [UInt8]) in
            BN_bin2bn(bytes, Int32(truncatingIfNeeded: bytes.count), nil)
        }
        defer { for number in numbers { BN_free(number) } }
        guard let builder = OSSL_PARAM_BLD_new() else { return nil }
        defer { OSSL_PARAM_BLD_free(builder) }
        // The builder keeps the names' pointers, so they must be static.
        guard OSSL_PARAM_BLD_push_BN(builder, Self.name("n"), numbers[0]) == 1,
            OSSL_PARAM_BLD_push_BN(builder, Self.name("e"), numbers[1]) == 1,
            let parameters = OSSL_PARAM_BLD_to_param(builder)
        else { return nil }
        defer { OSSL_PARAM_free(parameters) }
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_fromdata_init(context) == 1,
            EVP_PKEY_fromdata(context, &key, Int32(POOLGATE_PUBLIC_KEY), parameters) == 1
        else { return nil }
        return key
    }

    private static func name(_ text: StaticString) -> UnsafePointer<CChar> {
        UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

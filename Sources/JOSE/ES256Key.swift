import COpenSSL

/// A private key that signs ES256 (RFC 7518 §3.4): ECDSA on the curve P-256 with SHA-256.
///
/// A class that owns OpenSSL's key. Sendable without the compiler's proof: the key is never changed after `init`, and
/// `KeyContexts` gives each signature a context of its own.
package final class ES256Key: @unchecked Sendable {
    /// The thumbprint of the public key (RFC 7638), by which whoever verifies a signature finds the key.
    package let keyID: String
    /// The public half as a JSON Web Key (RFC 7517 §4, RFC 7518 §6.2).
    package let publicJWK: String

    private let key: OpaquePointer
    private let contexts = KeyContexts { context in
        EVP_PKEY_sign_init(context) == 1
            && EVP_PKEY_CTX_set_signature_md(context, Algorithm.shared.sha256) == 1
    }

    /// Why there is no key that signs.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The text holds no private key in PEM.
        case noKey
        /// The private key is encrypted with a password.
        case encrypted
        /// It is a key of another kind, such as RSA.
        case wrongKind(String)
        /// It lies on another curve, or says its curve in numbers.
        case wrongCurve(String)
        /// OpenSSL makes no key, or no text of it.
        case refused

        /// A sentence without its full stop, which says what to do.
        package var description: String {
            switch self {
            case .noKey: "it holds no private key in PEM: write one with 'poolgate keys new'"
            case .encrypted:
                "its key is encrypted with a password, which nobody is here to give: store it unencrypted, readable by "
                    + "the gateway alone"
            case .wrongKind(let name):
                "its key is of the kind \(name): ES256 needs an EC key on the curve P-256"
            case .wrongCurve(let name): "its key lies on the curve \(name): ES256 needs P-256"
            case .refused: "OpenSSL refuses it"
            }
        }
    }

    /// Reads a private key in PEM, PKCS#8 (`PRIVATE KEY`, RFC 5958) or SEC1 (`EC PRIVATE KEY`, RFC 5915), without a password:
    /// nobody is asked for one.
    package convenience init(pem: [UInt8]) throws(Failure) {
        let bio = BIO_new_mem_buf(pem, Int32(truncatingIfNeeded: pem.count))
        defer { BIO_free(bio) }
        guard let key = PEM_read_bio_PrivateKey(bio, nil, poolgate_no_password, nil) else {
            ERR_clear_error()
            throw String(decoding: pem, as: UTF8.self).contains("ENCRYPTED") ? .encrypted : .noKey
        }
        try self.init(owned: key)
    }

    /// A fresh key.
    package static func generate() throws(Failure) -> ES256Key {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil) else { throw .refused }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, curve) == 1,
            EVP_PKEY_generate(context, &key) == 1, let key
        else {
            ERR_clear_error()
            throw .refused
        }
        return try ES256Key(owned: key)
    }

    /// Takes the key, and frees it where it is of no use.
    private init(owned key: OpaquePointer) throws(Failure) {
        do throws(Failure) {
            let (x, y) = try ES256Key.point(of: key)
            (keyID, publicJWK) = try ES256Key.names(x: x, y: y)
        } catch {
            EVP_PKEY_free(key)
            throw error
        }
        self.key = key
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// The private key in PEM, PKCS#8 without a password.
    package func pem() throws(Failure) -> [UInt8] {
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        guard PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1 else {
            ERR_clear_error()
            throw .refused
        }
        var text = [UInt8](repeating: 0, count: Limits.keyTextBytes)
        let count = BIO_read(bio, &text, Int32(text.count))
        guard count > 0 else { throw .refused }
        return Array(text.prefix(Int(count)))
    }

    /// The signature of `bytes` as JWS has it (RFC 7518 §3.4): R and S, 32 bytes each; nil where the library fails.
    package func sign(_ bytes: [UInt8]) -> [UInt8]? {
        guard let digest = bytes.withUnsafeBytes({ TokenDigester().digest(of: $0) }) else { return nil }
        var encoded = [UInt8](repeating: 0, count: ES256Key.encodedBytes)
        var length = encoded.count
        let isSigned = contexts.use(for: key) { context in
            withUnsafeBytes(of: digest.words) { digest in
                EVP_PKEY_sign(
                    context, &encoded, &length, digest.bindMemory(to: UInt8.self).baseAddress, digest.count)
                    == 1
            }
        }
        guard isSigned == true else {
            ERR_clear_error()
            return nil
        }
        return ES256Key.numbers(in: encoded.prefix(length))
    }

    // MARK: Forms

    /// OpenSSL's name of P-256.
    private static let curve = "prime256v1"
    /// A coordinate, and each half of a signature.
    private static let numberBytes = 32
    /// The longest signature as OpenSSL writes it (RFC 3279 §2.2.3): two numbers with a sign each, in a sequence.
    private static let encodedBytes = 72

    private static func point(of key: OpaquePointer) throws(Failure) -> (x: [UInt8], y: [UInt8]) {
        guard EVP_PKEY_is_a(key, "EC") == 1 else {
            throw .wrongKind(EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "that is unknown")
        }
        var name = [CChar](repeating: 0, count: Limits.curveNameBytes)
        var length = 0
        let isNamed = EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1
        let found = String(decoding: name.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard isNamed, found == curve else {
            ERR_clear_error()
            throw .wrongCurve(isNamed ? found : "that its numbers give")
        }
        guard let x = coordinate("qx", of: key), let y = coordinate("qy", of: key) else { throw .refused }
        return (x, y)
    }

    private static func coordinate(_ name: String, of key: OpaquePointer) -> [UInt8]? {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(key, name, &number) == 1, let number else {
            ERR_clear_error()
            return nil
        }
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: numberBytes)
        return BN_bn2binpad(number, &bytes, Int32(bytes.count)) == Int32(bytes.count) ? bytes : nil
    }

    private static func names(x: [UInt8], y: [UInt8]) throws(Failure) -> (keyID: String, jwk: String) {
        func text(_ bytes: [UInt8]) -> String { String(decoding: Base64URL.encode(bytes), as: UTF8.self) }
        // RFC 7638 §3.2: the members that are required, in their order, without white space.
        let needed = #""crv":"P-256","kty":"EC","x":"\#(text(x))","y":"\#(text(y))""#
        guard let digest = Array("{\(needed)}".utf8).withUnsafeBytes({ TokenDigester().digest(of: $0) })
        else {
            throw .refused
        }
        let keyID = text(withUnsafeBytes(of: digest.words) { Array($0) })
        return (keyID, #"{"alg":"ES256",\#(needed),"kid":"\#(keyID)","use":"sig"}"#)
    }

    /// The two numbers in a signature as OpenSSL writes it, each in 32 bytes.
    private static func numbers(in encoded: ArraySlice<UInt8>) -> [UInt8]? {
        // A sequence whose length fits one byte: two numbers of 33 bytes at most.
        var rest = encoded.dropFirst(2)
        var numbers: [UInt8] = []
        for _ in 0..<2 {
            guard rest.count > 2, rest.first == 0x02, let length = rest.dropFirst().first.map(Int.init),
                rest.count >= 2 + length
            else { return nil }
            let digits = rest.dropFirst(2).prefix(length).drop { $0 == 0 }
            guard digits.count <= numberBytes else { return nil }
            numbers += [UInt8](repeating: 0, count: numberBytes - digits.count) + digits
            rest = rest.dropFirst(2 + length)
        }
        return rest.isEmpty ? numbers : nil
    }
}

import COpenSSL

/// A token that is well-formed and asks for RS256; nobody knows yet whether it is genuine.
package struct UnverifiedToken: Sendable {
    /// The key that the token says it was signed with.
    package let keyID: KeyID
    /// What the token says; not to be believed before it is verified.
    package let claims: JSONObject
    private let signingInput: [UInt8]
    private let signature: [UInt8]

    /// Reads the compact form of a signed token (JWS, RFC 7515 §7.1), of at most 16 KiB.
    package init(compact token: UnsafeRawBufferPointer) throws(TokenFlaw) {
        guard token.count <= Limits.tokenBytes else { throw .tooLong }
        let (first, second) = try UnverifiedToken.dots(in: token)
        let header = try UnverifiedToken.object(in: token[..<first], .header)
        keyID = try TokenHeader(header).keyID
        claims = try UnverifiedToken.object(in: token[(first + 1)..<second], .payload)
        guard let signature = Base64URL.decode(UnsafeRawBufferPointer(rebasing: token[(second + 1)...]))
        else {
            throw .notBase64URL(.signature)
        }
        guard Limits.modulusBits ~= signature.count * 8 else { throw .signatureLength(signature.count) }
        self.signature = signature
        signingInput = Array(token[..<second])
    }

    /// Verifies the signature by `key`; nil where it is not genuine, or `key` is not the one the token names.
    ///
    /// `digester` makes the digest that is signed; who verifies often brings its own.
    package func verified(
        by key: VerificationKey, digester: TokenDigester = TokenDigester()
    ) -> VerifiedToken? {
        guard key.keyID == keyID else { return nil }
        guard let digest = signingInput.withUnsafeBytes({ digester.digest(of: $0) }),
            key.verifies(signature, digest: digest)
        else { return nil }
        return VerifiedToken(claims: claims)
    }

    /// The indices of the two dots.
    private static func dots(in token: UnsafeRawBufferPointer) throws(TokenFlaw) -> (first: Int, second: Int)
    {
        var found = (first: 0, second: 0)
        var count = 0
        var index = 0
        while let dot = token.firstDot(from: index) {
            count += 1
            if count == 1 { found.first = dot }
            if count == 2 { found.second = dot }
            index = dot + 1
        }
        switch count {
        case 2: return found
        case 4: throw .encrypted
        default: throw .partCount(count + 1)
        }
    }

    private static func object(
        in part: Slice<UnsafeRawBufferPointer>, _ name: TokenFlaw.Part
    ) throws(TokenFlaw) -> JSONObject {
        guard let bytes = Base64URL.decode(UnsafeRawBufferPointer(rebasing: part), zeros: 1) else {
            throw .notBase64URL(name)
        }
        do {
            return try JSONObject(terminated: bytes)
        } catch {
            throw .notJSON(name, error)
        }
    }
}

/// A token whose signature was verified: only `UnverifiedToken.verified(by:)` makes one.
package struct VerifiedToken: Sendable {
    /// What the pool says of the caller; issuer, times and the rest are still to be checked.
    package let claims: JSONObject
}

extension UnsafeRawBufferPointer {
    fileprivate func firstDot(from index: Int) -> Int? {
        guard let base = baseAddress, index < count else { return nil }
        guard let dot = memchr(base + index, Int32(UInt8(ascii: ".")), count - index) else { return nil }
        return UnsafeRawPointer(dot) - base
    }
}

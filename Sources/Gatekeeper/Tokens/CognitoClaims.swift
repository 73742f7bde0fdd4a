import HTTPMessage
import JOSE

/// The claims of a Cognito token that the gateway reads, each of its documented type.
///
/// The types are those of the Cognito developer guide, "Understanding the access token" and "Understanding the identity
/// token". Text is kept, and compared, as bytes.
struct CognitoClaims {
    let issuer: [UInt8]
    let tokenUse: TokenUses?
    /// `client_id` of an access token, `aud` of an ID token.
    let client: [UInt8]
    let subject: [UInt8]
    let userName: [UInt8]?
    let groups: [[UInt8]]
    let scopes: [[UInt8]]
    let expires: Instant
    let notBefore: Instant?
    let issuedAt: Instant?
    let email: [UInt8]?
    let emailIsVerified: Bool
    /// Every member, for rules and headers that name claims.
    let members: JSONObject
    let jti: [UInt8]?
    let originJTI: [UInt8]?

    /// Whether a user or an app client on its own behalf is calling (client credentials, no user name).
    var principal: Principal {
        tokenUse == .access && userName == nil && subject == client ? .client : .user
    }

    enum Principal: String {
        case user, client
    }

    /// Reads the claims; throws the name of the first one that is absent though required, or of another type.
    init(_ claims: JSONObject) throws(ClaimFlaw) {
        let reader = ClaimReader(claims: claims)
        members = claims
        issuer = try reader.required(.issuer)
        let use = try reader.required(.tokenUse)
        tokenUse = TokenUses(name: use)
        if tokenUse == .access {
            client = try reader.required(.clientID)
        } else {
            client = tokenUse == .id ? try reader.required(.audience) : []
        }
        subject = try reader.required(.subject)
        guard let expires = try reader.instant(.expiry) else {
            throw ClaimFlaw(name: .expiry, isMissing: true)
        }
        self.expires = expires
        notBefore = try reader.instant(.notBefore)
        issuedAt = try reader.instant(.issuedAt)
        let userName = try reader.text(.userName)
        let cognitoUserName = try reader.text(.cognitoUserName)
        self.userName = userName ?? cognitoUserName
        groups = try reader.texts(.groups)
        let scope = try reader.text(.scope) ?? []
        scopes = scope.split(separator: ASCII.space).map(Array.init)
        email = try reader.text(.email)
        emailIsVerified = reader.saysTrue("email_verified")
        jti = try reader.text(.jti)
        originJTI = try reader.text(.originJTI)
    }
}

/// Reads members by their documented type; null and an empty text count as absent.
private struct ClaimReader {
    let claims: JSONObject

    private func value(_ name: String) -> JSONValue? {
        claims[name].flatMap { $0.kind == .null ? nil : $0 }
    }

    func text(_ name: ClaimName) throws(ClaimFlaw) -> [UInt8]? {
        guard let value = value(name.rawValue) else { return nil }
        guard let text = value.string else { throw ClaimFlaw(name: name, isMissing: false) }
        return text.isEmpty ? nil : text
    }

    func required(_ name: ClaimName) throws(ClaimFlaw) -> [UInt8] {
        guard let text = try text(name) else { throw ClaimFlaw(name: name, isMissing: true) }
        return text
    }

    func texts(_ name: ClaimName) throws(ClaimFlaw) -> [[UInt8]] {
        guard let value = value(name.rawValue) else { return [] }
        guard let elements = value.array else { throw ClaimFlaw(name: name, isMissing: false) }
        var texts: [[UInt8]] = []
        for element in elements {
            guard let text = element.string else { throw ClaimFlaw(name: name, isMissing: false) }
            if !text.isEmpty { texts.append(text) }
        }
        return texts
    }

    func instant(_ name: ClaimName) throws(ClaimFlaw) -> Instant? {
        guard let value = value(name.rawValue) else { return nil }
        guard let date = value.numericDate else { throw ClaimFlaw(name: name, isMissing: false) }
        return Instant(nanoseconds: date.nanoseconds)
    }

    /// Whether it is `true`, or that word in any letter case, as some identity providers map it. Anything else says that
    /// it is not: a claim that only shows an address must not keep its user out.
    func saysTrue(_ name: String) -> Bool {
        guard let value = value(name) else { return false }
        return value.bool ?? value.string.map { $0.map(ASCII.lowered).elementsEqual("true".utf8) } ?? false
    }
}

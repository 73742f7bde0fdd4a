/// What an assertion says (ops/guide/assertion.md), as the members of a JSON object.
enum AssertionClaims {
    /// The members that say who is calling: the same in every assertion for a remembered token. Nothing is percent-encoded,
    /// since JSON carries every text.
    static func caller(_ claims: CognitoClaims, tenant: Tenant, poolIndex: Int) -> [UInt8] {
        var members: [UInt8] = []
        members.reserveCapacity(256)
        append("sub", JSONText.string(claims.subject), to: &members)
        append("tenant", JSONText.string(tenant.name.description.utf8), to: &members)
        append("pool", JSONText.string(tenant.pools[poolIndex].key.poolID.description.utf8), to: &members)
        append("client_id", JSONText.string(claims.client), to: &members)
        append("principal", JSONText.string(claims.principal.rawValue.utf8), to: &members)
        if claims.principal == .user, let userName = claims.userName {
            append("username", JSONText.string(userName), to: &members)
        }
        append("groups", JSONText.array(claims.groups), to: &members)
        return members
    }

    /// The whole object: `caller`'s members, and those that say who asserts it to whom, from when until when. `audience` is
    /// JSON.
    static func payload(
        _ caller: [UInt8], issuer: [UInt8], audience: [UInt8], jti: String, issued: Int64, expires: Int64
    ) -> [UInt8] {
        var payload: [UInt8] = []
        payload.reserveCapacity(caller.count + issuer.count + audience.count + 128)
        append("iss", issuer, to: &payload)
        append("aud", audience, to: &payload)
        append("iat", Array(String(issued).utf8), to: &payload)
        append("exp", Array(String(expires).utf8), to: &payload)
        append("jti", JSONText.string(jti.utf8), to: &payload)
        return [UInt8(ascii: "{")] + payload + [UInt8(ascii: ",")] + caller + [UInt8(ascii: "}")]
    }

    private static func append(_ name: StaticString, _ value: [UInt8], to members: inout [UInt8]) {
        if !members.isEmpty { members.append(UInt8(ascii: ",")) }
        members += Array("\"\(name)\":".utf8)
        members += value
    }
}

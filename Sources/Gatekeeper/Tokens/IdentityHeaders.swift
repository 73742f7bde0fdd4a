import HTTPMessage
import JOSE

/// The header lines by which services learn who is calling (ops/guide/identity-headers.md).
enum IdentityHeaders {
    /// The lines for a caller with these claims, each ended by CRLF. A claim that is absent, null or empty makes no line.
    static func lines(_ claims: CognitoClaims, tenant: Tenant, poolIndex: Int) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(512)
        let pool = tenant.pools[poolIndex].key.poolID.description
        let subject = PercentEncoding.encoded(claims.subject)
        append("X-Poolgate-Subject", subject, to: &lines)
        append("X-Poolgate-Tenant", PercentEncoding.encoded(Array(tenant.name.description.utf8)), to: &lines)
        append("X-Poolgate-Pool", PercentEncoding.encoded(Array(pool.utf8)), to: &lines)
        append("X-Poolgate-Client", PercentEncoding.encoded(claims.client), to: &lines)
        append("X-Poolgate-Principal", Array(claims.principal.rawValue.utf8), to: &lines)
        var user: [UInt8] = []
        if claims.principal == .user, let userName = claims.userName {
            // Where names of two pools meet, only the one between pool and name is a colon.
            let name = PercentEncoding.encoded(userName, also: tenant.pools.count > 1 ? ASCII.colon : nil)
            user = (poolIndex > 0 ? Array("\(pool):".utf8) : []) + name
        }
        append("X-Forwarded-User", user, to: &lines)
        let isShown = claims.emailIsVerified || tenant.allowsUnverifiedEmail
        let email = isShown ? claims.email.map { PercentEncoding.encoded($0) } ?? [] : []
        append("X-Forwarded-Email", email, to: &lines)
        let groups = Array(
            claims.groups.map { PercentEncoding.encoded($0, also: comma) }.joined(separator: [comma]))
        append("X-Forwarded-Groups", groups, to: &lines)
        switch tenant.headerProfile {
        case .poolgate: break
        case .oauth2Proxy:
            append("X-Forwarded-Preferred-Username", user, to: &lines)
            append("X-Auth-Request-User", subject, to: &lines)
            append("X-Auth-Request-Preferred-Username", user, to: &lines)
            append("X-Auth-Request-Email", email, to: &lines)
            append("X-Auth-Request-Groups", groups, to: &lines)
        case .alb: append("X-Amzn-Oidc-Identity", subject, to: &lines)
        case .authelia:
            append("Remote-User", user, to: &lines)
            append("Remote-Groups", groups, to: &lines)
            append("Remote-Email", email, to: &lines)
            let name = claims.members["name"]?.string.map { PercentEncoding.encoded($0) } ?? []
            append("Remote-Name", name.isEmpty ? user : name, to: &lines)
        }
        for header in tenant.claimHeaders {
            append(header.name, value(of: header, in: claims), to: &lines)
        }
        return lines
    }

    /// The names that `lines` may write for callers of a tenant, and that of an assertion, in small letters.
    static func names(of tenant: Tenant) -> [[UInt8]] {
        var names = [
            "x-poolgate-subject", "x-poolgate-tenant", "x-poolgate-pool", "x-poolgate-client",
            "x-poolgate-principal", "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups",
            Assertion.lowercasedName,
        ]
        switch tenant.headerProfile {
        case .poolgate: break
        case .oauth2Proxy:
            names += [
                "x-forwarded-preferred-username", "x-auth-request-user",
                "x-auth-request-preferred-username", "x-auth-request-email", "x-auth-request-groups",
            ]
        case .alb: names.append("x-amzn-oidc-identity")
        case .authelia: names += ["remote-user", "remote-groups", "remote-email", "remote-name"]
        }
        return names.map { Array($0.utf8) } + tenant.claimHeaders.map { $0.name.map(ASCII.lowered) }
    }

    /// The names in `lines`, in small letters.
    static func names(in lines: [UInt8]) -> [[UInt8]] {
        var names: [[UInt8]] = []
        lines.withUnsafeBytes { lines in
            HeaderLines.each(lines) { name, _ in names.append(name.map(ASCII.lowered)) }
        }
        return names
    }

    /// A mapped claim as a header carries it; empty for an absent claim and for objects. An array's elements stand between
    /// commas, those that are no text, number or boolean left out.
    private static func value(of header: ClaimHeader, in claims: CognitoClaims) -> [UInt8] {
        guard let value = header.claim.value(in: claims.members) else { return [] }
        guard let elements = value.array else { return rendered(value) }
        let texts = elements.map { rendered($0, separator: comma) }.filter { !$0.isEmpty }
        return Array(texts.joined(separator: [comma]))
    }

    private static func rendered(_ value: JSONValue, separator: UInt8? = nil) -> [UInt8] {
        if let text = value.string { return PercentEncoding.encoded(text, also: separator) }
        if let flag = value.bool { return Array((flag ? "true" : "false").utf8) }
        return value.numberText ?? []
    }

    private static let comma = UInt8(ascii: ",")

    private static func append(_ name: StaticString, _ value: [UInt8], to lines: inout [UInt8]) {
        append(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value, to: &lines)
    }

    private static func append(_ name: some Collection<UInt8>, _ value: [UInt8], to lines: inout [UInt8]) {
        guard !value.isEmpty else { return }
        lines += name
        lines += [ASCII.colon, ASCII.space]
        lines += value
        lines += [0x0D, 0x0A]
    }
}

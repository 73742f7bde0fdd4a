import JOSE

/// The header lines by which services learn who is calling (CONTRACT.md, "Identity headers").
enum IdentityHeaders {
    /// Every line that `claims` cause, each ended by CRLF; an absent, null or empty claim is an absent line.
    static func lines(_ claims: CognitoClaims, tenant: Tenant, poolIndex: Int) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(512)
        let pool = tenant.pools[poolIndex].key.poolID.description
        let subject = encoded(claims.subject)
        append("X-Poolgate-Subject", subject, to: &lines)
        append("X-Poolgate-Tenant", encoded(Array(tenant.name.description.utf8)), to: &lines)
        append("X-Poolgate-Pool", encoded(Array(pool.utf8)), to: &lines)
        append("X-Poolgate-Client", encoded(claims.client), to: &lines)
        append("X-Poolgate-Principal", Array(claims.principal.rawValue.utf8), to: &lines)
        var user: [UInt8] = []
        if claims.principal == .user, let userName = claims.userName {
            // Where names of two pools meet, only the one between pool and name is a colon.
            let name = encoded(userName, also: tenant.pools.count > 1 ? ASCII.colon : nil)
            user = (poolIndex > 0 ? Array("\(pool):".utf8) : []) + name
        }
        append("X-Forwarded-User", user, to: &lines)
        let isShown = claims.emailIsVerified || tenant.allowsUnverifiedEmail
        let email = isShown ? claims.email.map { encoded($0) } ?? [] : []
        append("X-Forwarded-Email", email, to: &lines)
        let groups = Array(
            claims.groups.map { encoded($0, also: UInt8(ascii: ",")) }.joined(separator: [UInt8(ascii: ",")]))
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
            let name = claims.members["name"]?.string.map { encoded($0) } ?? []
            append("Remote-Name", name.isEmpty ? user : name, to: &lines)
        }
        for header in tenant.claimHeaders {
            append(header.name, header.value(in: claims), to: &lines)
        }
        return lines
    }

    /// Percent-encodes what a header value cannot carry, so that decoding has one result (RFC 3986 §2.1).
    ///
    /// Encoded are bytes outside printable ASCII, `%`, a leading or trailing space, and `separator`.
    static func encoded(_ value: [UInt8], also separator: UInt8? = nil) -> [UInt8] {
        // Most values are plain, and stay what they are.
        if isPlain(value, separator) { return value }
        var result: [UInt8] = []
        result.reserveCapacity(value.count + 16)
        for (index, byte) in value.enumerated() {
            let isEdge = index == 0 || index == value.count - 1
            let isPlain =
                byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "%")
                && !(byte == ASCII.space && isEdge) && byte != separator
            if isPlain {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            }
        }
        return result
    }

    private static func isPlain(_ value: [UInt8], _ separator: UInt8?) -> Bool {
        guard value.first != ASCII.space, value.last != ASCII.space else { return false }
        for byte in value
        where byte &- 0x20 >= 0x5F || byte == UInt8(ascii: "%") || byte == separator { return false }
        return true
    }

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

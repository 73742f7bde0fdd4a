/// The header lines by which services learn who is calling (CONTRACT.md, "Identity headers").
enum IdentityHeaders {
    /// Every line that `claims` cause, each ended by CRLF; an absent or empty claim is an absent line.
    static func lines(_ claims: CognitoClaims, tenant: Tenant, poolIndex: Int) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(512)
        append("X-Poolgate-Subject", encoded(claims.subject), to: &lines)
        append("X-Poolgate-Tenant", encoded(Array(tenant.name.description.utf8)), to: &lines)
        append(
            "X-Poolgate-Pool", encoded(Array(tenant.pools[poolIndex].key.poolID.description.utf8)), to: &lines
        )
        append("X-Poolgate-Client", encoded(claims.client), to: &lines)
        append("X-Poolgate-Principal", Array(claims.principal.rawValue.utf8), to: &lines)
        if claims.principal == .user, let userName = claims.userName {
            var value = encoded(userName)
            if poolIndex > 0 {
                value = Array("\(tenant.pools[poolIndex].key.poolID):".utf8) + value
            }
            append("X-Forwarded-User", value, to: &lines)
        }
        if let email = claims.email, claims.emailIsVerified || tenant.allowsUnverifiedEmail {
            append("X-Forwarded-Email", encoded(email), to: &lines)
        }
        let groups = claims.groups.map { encoded($0, comma: true) }
        append("X-Forwarded-Groups", Array(groups.joined(separator: [UInt8(ascii: ",")])), to: &lines)
        return lines
    }

    /// Percent-encodes what a header value cannot carry, so that decoding has one result (RFC 3986 §2.1).
    ///
    /// Encoded are bytes outside printable ASCII, `%`, a leading or trailing space and, where asked, the comma.
    static func encoded(_ value: [UInt8], comma: Bool = false) -> [UInt8] {
        // Most values are plain, and stay what they are.
        if isPlain(value, comma: comma) { return value }
        var result: [UInt8] = []
        result.reserveCapacity(value.count + 16)
        for (index, byte) in value.enumerated() {
            let isEdge = index == 0 || index == value.count - 1
            let isPlain =
                byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "%")
                && !(byte == ASCII.space && isEdge) && !(byte == UInt8(ascii: ",") && comma)
            if isPlain {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), hexDigit(byte >> 4), hexDigit(byte & 15)]
            }
        }
        return result
    }

    private static func isPlain(_ value: [UInt8], comma: Bool) -> Bool {
        guard value.first != ASCII.space, value.last != ASCII.space else { return false }
        for byte in value
        where byte &- 0x20 >= 0x5F || byte == UInt8(ascii: "%") || (comma && byte == UInt8(ascii: ",")) {
            return false
        }
        return true
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 &+ nibble : 0x37 &+ nibble
    }

    private static func append(_ name: StaticString, _ value: [UInt8], to lines: inout [UInt8]) {
        guard !value.isEmpty else { return }
        lines += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        lines += [ASCII.colon, ASCII.space]
        lines += value
        lines += [0x0D, 0x0A]
    }
}

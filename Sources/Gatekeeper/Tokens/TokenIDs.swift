/// The ids by which a token can be revoked (`poolgate.revocations`, sql/README.md), in one buffer.
struct TokenIDs: Sendable, Hashable {
    /// `iat` of the token; nil where it has none.
    let issuedAt: Instant?
    /// Subject, `origin_jti`, `jti` and client, one after the other.
    private let bytes: [UInt8]
    /// Where each of them ends in `bytes`.
    private var ends: SIMD4<UInt16>

    /// `sub` of the token.
    var subject: ArraySlice<UInt8> { bytes[..<Int(ends[0])] }

    /// What an entry can name, by the letter that stands first in what its digest is made of.
    enum Kind: UInt8, CaseIterable {
        case pool = 0x70
        case subject = 0x73
        case originJTI = 0x6F
        case jti = 0x6A
        case client = 0x63
    }

    /// The ids among a token's claims. A token has at most 16 KiB (`Limits.tokenBytes`), so that 16 bits hold where an id
    /// ends.
    init(_ claims: CognitoClaims) {
        issuedAt = claims.issuedAt
        var bytes = claims.subject
        bytes.reserveCapacity(bytes.count + 96 + claims.client.count)
        ends = [UInt16(clamping: bytes.count), 0, 0, 0]
        bytes += claims.originJTI ?? []
        ends[1] = UInt16(clamping: bytes.count)
        bytes += claims.jti ?? []
        ends[2] = UInt16(clamping: bytes.count)
        bytes += claims.client
        ends[3] = UInt16(clamping: bytes.count)
        self.bytes = bytes
    }

    /// About how many bytes of memory they take.
    var cost: Int { 96 + bytes.count }

    /// What the digest of an entry is made of that names this token by its id of one kind; nil where it has no such id.
    func revocationName(_ kind: Kind, of pool: PoolName) -> [UInt8]? {
        let id =
            switch kind {
            case .pool: bytes[0..<0]
            case .subject: bytes[0..<Int(ends[0])]
            case .originJTI: bytes[Int(ends[0])..<Int(ends[1])]
            case .jti: bytes[Int(ends[1])..<Int(ends[2])]
            case .client: bytes[Int(ends[2])..<Int(ends[3])]
            }
        if id.isEmpty, kind != .pool { return nil }
        return [kind.rawValue, 0x0A] + pool.region.description.utf8 + [0x0A] + pool.poolID.description.utf8
            + [0x0A] + id
    }
}

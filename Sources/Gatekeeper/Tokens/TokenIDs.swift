/// What a token can be revoked by, in one piece of memory.
struct TokenIDs: Sendable, Hashable {
    let issuedAt: Instant?
    /// The ids one after the other.
    private let bytes: [UInt8]
    /// Where each ends.
    private var ends: SIMD4<UInt16>

    var subject: ArraySlice<UInt8> { bytes[..<Int(ends[0])] }

    /// Kinds of entry, each by the letter that its digest begins with.
    enum Kind: UInt8, CaseIterable {
        case pool = 0x70
        case subject = 0x73
        case originJTI = 0x6F
        case jti = 0x6A
        case client = 0x63
    }

    /// A token has at most 16 KiB, so its ids' lengths fit.
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

    /// Bytes of memory.
    var cost: Int { 96 + bytes.count }

    /// What the digest of an entry for this token is made of; nil where the token has no such id.
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

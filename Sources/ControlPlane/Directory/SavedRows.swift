import Gatekeeper

/// The last good rows of the directory in the form of a file, from which a gateway starts while it has no database.
///
/// A pure value; `SavedRowsFile` reads and writes it.
struct SavedRows: Sendable {
    /// Tenants with their rules.
    let rows: [PackedRow]
    let revocations: [Revocations.Entry]
    /// The pools that the revocations belong to.
    let revocationPools: Set<PoolName>
    let savedAt: Instant

    init(
        rows: [PackedRow], revocations: [Revocations.Entry], revocationPools: Set<PoolName>, savedAt: Instant
    ) {
        self.rows = rows
        self.revocations = revocations
        self.revocationPools = revocationPools
        self.savedAt = savedAt
    }

    /// The bytes of the file: `POOLGATE`, the format's version, the time of saving in nanoseconds since 1970; then the rows,
    /// the names of the pools with revocations, and the revocations, each list after its count, and each row and name
    /// after its length; then a checksum. Every number has eight bytes, the lowest first.
    var encoded: [UInt8] {
        var bytes = Array("POOLGATE".utf8)
        bytes.reserveCapacity(
            rows.reduce(Self.entryBytes * revocations.count) { $0 + $1.bytes.count + Self.numberBytes })
        Self.append(Self.version, to: &bytes)
        Self.append(UInt64(bitPattern: savedAt.nanoseconds), to: &bytes)
        Self.append(rows.map(\.bytes), to: &bytes)
        Self.append(revocationPools.map { Array("\($0.region) \($0.poolID)".utf8) }, to: &bytes)
        Self.append(UInt64(revocations.count), to: &bytes)
        for entry in revocations {
            Self.append(entry.digest.high, to: &bytes)
            Self.append(entry.digest.low, to: &bytes)
            Self.append(UInt64(bitPattern: entry.id), to: &bytes)
            Self.append(UInt64(entry.issuedBefore), to: &bytes)
            Self.append(UInt64(entry.expires), to: &bytes)
        }
        Self.append(Self.checksum(bytes[...]), to: &bytes)
        return bytes
    }

    /// Reads what `encoded` wrote; nil for anything else.
    init?(decoding bytes: [UInt8]) {
        guard bytes.count >= 40, bytes.starts(with: "POOLGATE".utf8) else { return nil }
        let body = bytes.dropLast(8)
        var end = body.endIndex
        guard Self.number(bytes[...], &end) == Self.checksum(body) else { return nil }
        var index = 8
        guard Self.number(body, &index) == Self.version, let saved = Self.number(body, &index),
            let rows = Self.list(body, &index), let pools = Self.list(body, &index),
            let revocations = Self.revocations(body, &index), index == body.count
        else { return nil }
        self.init(
            rows: rows.map { PackedRow(packed: $0) }, revocations: revocations,
            revocationPools: Set(pools.compactMap(Self.pool)),
            savedAt: Instant(nanoseconds: Int64(bitPattern: saved)))
    }

    private static let version: UInt64 = 3
    /// A number's size in the file, and that of a revocation, which is five numbers.
    private static let numberBytes = 8
    private static let entryBytes = 40

    private static func append(_ list: [[UInt8]], to bytes: inout [UInt8]) {
        append(UInt64(list.count), to: &bytes)
        for element in list {
            append(UInt64(element.count), to: &bytes)
            bytes.append(contentsOf: element)
        }
    }

    private static func list(_ body: ArraySlice<UInt8>, _ index: inout Int) -> [ArraySlice<UInt8>]? {
        guard let count = number(body, &index), count <= UInt64(body.count / numberBytes) else { return nil }
        var elements: [ArraySlice<UInt8>] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let length = number(body, &index), length <= UInt64(max(0, body.count - index)) else {
                return nil
            }
            elements.append(body[index..<(index + Int(length))])
            index += Int(length)
        }
        return elements
    }

    private static func revocations(_ body: ArraySlice<UInt8>, _ index: inout Int) -> [Revocations.Entry]? {
        guard let count = number(body, &index), count <= UInt64(body.count / entryBytes) else { return nil }
        var entries: [Revocations.Entry] = []
        entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let high = number(body, &index), let low = number(body, &index),
                let id = number(body, &index), let issuedBefore = number(body, &index),
                let expires = number(body, &index)
            else { return nil }
            entries.append(
                Revocations.Entry(
                    digest: Revocations.Digest(high: high, low: low), id: Int64(bitPattern: id),
                    issuedBefore: Int64(bitPattern: issuedBefore), expires: Int64(bitPattern: expires)))
        }
        return entries
    }

    private static func pool(_ name: ArraySlice<UInt8>) -> PoolName? {
        let words = name.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 2, let region = Region(words[0]), let id = PoolID(words[1]) else { return nil }
        return PoolName(region: region, poolID: id)
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ index: inout Int) -> UInt64? {
        guard bytes.endIndex - index >= 8 else { return nil }
        var value: UInt64 = 0
        for offset in 0..<8 { value |= UInt64(bytes[index + offset]) << UInt64(8 * offset) }
        index += 8
        return value
    }

    /// FNV-1a (64 bits). It finds damage; people who would change the file are kept out by its mode.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBufferPointer { buffer in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in buffer { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return hash
        }
    }
}

import Gatekeeper
import Postgres

/// The columns of one row of `poolgate.tenants`, as the texts that the database printed, in one piece of memory.
///
/// Every row in use is kept in this form, to see whether a row that is read again differs, and to save it to disk. So it
/// is small.
struct PackedRow: Hashable, Sendable {
    /// Each column in order: its length in one byte (or 254 and four bytes, lowest first), then its text; 255 is NULL.
    let bytes: [UInt8]

    /// The columns in the order in which they are packed; `DirectoryQueries.columns` names them in the same order.
    enum Column: Int, CaseIterable {
        case host, region, poolID, additionalRegions, upstream, clientIDs, tokenUses, requiredGroups,
            requiredScopes
        case allowUnverifiedEmail, status, upstreamCA, maxBodyBytes, websockets, atExpiry, expiryGrace
        case secondRegion, secondPoolID, claimHeaders, headerProfile, forwardToken, cookieName, queryParameter
        case corsOrigins, allowPreflights, maxTokenAge, assertion, assertionAudience, rules
    }

    private static let null: UInt8 = 255
    private static let long: UInt8 = 254

    /// Packs row `row` of a result. `positions` are those of `DirectoryQueries.columns` in it.
    init(_ rows: PostgresRows, _ row: Int, positions: [Int]) {
        var packed: [UInt8] = []
        packed.reserveCapacity(96)
        for position in positions {
            rows.withBytes(row, position) { PackedRow.append($0, to: &packed) }
        }
        bytes = packed
    }

    /// Takes bytes that were packed before, such as those of a file; `unpacked` finds out whether they are whole.
    init(packed bytes: some Sequence<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// Packs texts as the database would print them; nil is NULL.
    init(texts: [String?]) {
        var packed: [UInt8] = []
        for text in texts {
            guard let text else {
                packed.append(PackedRow.null)
                continue
            }
            Array(text.utf8).withUnsafeBufferPointer { PackedRow.append($0, to: &packed) }
        }
        bytes = packed
    }

    /// The row's host; empty where the row is not whole.
    var host: [UInt8] {
        var index = 0
        return field(at: &index)?.map(Array.init) ?? []
    }

    /// A row of nothing but a host, by which `RowTable` looks for the row of that host.
    init(host: [UInt8]) {
        var packed: [UInt8] = []
        host.withUnsafeBufferPointer { PackedRow.append($0, to: &packed) }
        bytes = packed
    }

    /// Calls `body` with the packed host, its length included; the bytes are valid during the call only.
    func withPackedHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes { bytes in
            var end = 0
            _ = field(at: &end)
            return body(UnsafeRawBufferPointer(rebasing: bytes.prefix(end)))
        }
    }

    /// The row's columns as values; throws a sentence that says which column cannot be read.
    func unpacked() throws(RowFlaw) -> TenantRow {
        var fields: [ArraySlice<UInt8>?] = []
        var index = 0
        for _ in Column.allCases {
            guard let field = field(at: &index) else { throw RowFlaw("the row is cut short") }
            fields.append(field)
        }
        func text(_ column: Column) -> String? {
            fields[column.rawValue].map { String(decoding: $0, as: UTF8.self) }
        }
        func required(_ column: Column) throws(RowFlaw) -> String {
            guard let text = text(column) else { throw RowFlaw("\(PackedRow.name(column)) is NULL") }
            return text
        }
        func list(_ column: Column) throws(RowFlaw) -> [String]? {
            guard let field = fields[column.rawValue] else { return nil }
            let elements = field.withUnsafeBufferPointer { TextArray.parsed($0) }
            guard let elements else { throw RowFlaw("\(PackedRow.name(column)) is no list of one dimension") }
            let texts = elements.compactMap { $0 }
            guard texts.count == elements.count else { throw RowFlaw("\(PackedRow.name(column)) holds NULL") }
            return texts
        }
        func number(_ column: Column) throws(RowFlaw) -> Int64? {
            guard let text = text(column) else { return nil }
            guard let number = Int64(text) else { throw RowFlaw("\(PackedRow.name(column)) is no number") }
            return number
        }
        guard text(.region) != nil else {
            throw RowFlaw("the row has more than \(Limits.rowBytes) bytes, or its region is NULL")
        }
        var row = TenantRow(
            host: try required(.host), region: try required(.region), poolID: try required(.poolID))
        row.additionalRegions = try list(.additionalRegions) ?? []
        row.upstream = text(.upstream)
        row.clientIDs = try list(.clientIDs)
        row.tokenUses = try list(.tokenUses) ?? []
        row.requiredGroups = try list(.requiredGroups)
        row.requiredScopes = try list(.requiredScopes)
        row.allowUnverifiedEmail = try required(.allowUnverifiedEmail) == "t"
        row.status = try required(.status)
        row.upstreamCA = text(.upstreamCA)
        row.maxBodyBytes = try number(.maxBodyBytes)
        row.websockets = try required(.websockets) == "t"
        row.atExpiry = try required(.atExpiry)
        row.expiryGrace = try number(.expiryGrace)
        row.secondRegion = text(.secondRegion)
        row.secondPoolID = text(.secondPoolID)
        row.claimHeaders = try required(.claimHeaders)
        row.headerProfile = try required(.headerProfile)
        row.forwardToken = try required(.forwardToken) == "t"
        row.cookieName = text(.cookieName)
        row.queryParameter = text(.queryParameter)
        row.corsOrigins = try list(.corsOrigins)
        row.allowPreflights = try required(.allowPreflights) == "t"
        row.maxTokenAge = try number(.maxTokenAge)
        row.assertion = try required(.assertion) == "t"
        row.assertionAudience = text(.assertionAudience)
        row.rules = text(.rules)
        return row
    }

    private static func name(_ column: Column) -> String { DirectoryQueries.columns[column.rawValue] }

    private static func append(_ text: UnsafeBufferPointer<UInt8>?, to packed: inout [UInt8]) {
        guard let text else {
            packed.append(null)
            return
        }
        if text.count < Int(long) {
            packed.append(UInt8(text.count))
        } else {
            packed.append(long)
            let count = UInt32(truncatingIfNeeded: text.count)
            for shift in [0, 8, 16, 24] as [UInt32] {
                packed.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        }
        packed.append(contentsOf: text)
    }

    /// The field that begins at `index`, which is left behind it: `.some(nil)` is NULL, nil is no field.
    private func field(at index: inout Int) -> ArraySlice<UInt8>?? {
        guard index < bytes.count else { return nil }
        let mark = bytes[index]
        index += 1
        if mark == PackedRow.null { return .some(nil) }
        var count = Int(mark)
        if mark == PackedRow.long {
            guard bytes.count - index >= 4 else { return nil }
            count = (0..<4).reduce(0) { $0 | Int(bytes[index + $1]) << (8 * $1) }
            index += 4
        }
        guard bytes.count - index >= count else { return nil }
        defer { index += count }
        return .some(bytes[index..<(index + count)])
    }
}

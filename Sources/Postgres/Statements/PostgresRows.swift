import CLibPQ

/// The rows that a statement returned, each with the same columns, as libpq received them. Rows and columns are numbered
/// from 0; a value outside the result reads as NULL.
///
/// A class, because it owns libpq's memory and frees it.
/// Unchecked: libpq never changes a result after it has handed it out, and its documentation ("Behavior in Threaded
/// Programs") lets threads share one. Every index is checked before libpq sees it, because libpq would report a wrong one
/// to the connection, which may be gone.
package final class PostgresRows: @unchecked Sendable {
    private let result: OpaquePointer
    /// How many rows came back.
    package let count: Int
    /// How many columns each has.
    package let columnCount: Int

    /// Takes over a result, and with it the duty to free it.
    init(owning result: OpaquePointer) {
        self.result = result
        self.count = Int(PQntuples(result))
        self.columnCount = Int(PQnfields(result))
    }

    deinit { PQclear(result) }

    /// How many rows an INSERT, UPDATE or DELETE affected; 0 for other commands.
    package var affectedRows: Int {
        guard let text = PQcmdTuples(result) else { return 0 }
        return Int(String(cString: text)) ?? 0
    }

    /// The positions of the columns with these names, in the order of the names; throws `misuse` where one is missing.
    package func columns(_ names: [String]) throws(PostgresError) -> [Int] {
        var positions: [Int] = []
        for name in names {
            guard let position = (0..<columnCount).first(where: { self.name(of: $0) == name }) else {
                throw .misuse("the database's answer has no column \(name)")
            }
            positions.append(position)
        }
        return positions
    }

    /// The name of a column; empty outside the result.
    package func name(of column: Int) -> String {
        guard (0..<columnCount).contains(column), let name = PQfname(result, Int32(column)) else { return "" }
        return String(cString: name)
    }

    /// Calls `body` with the value's bytes, or with nil for NULL. The bytes are valid during the call only.
    @inline(__always)
    package func withBytes<Value>(
        _ row: Int, _ column: Int, _ body: (UnsafeBufferPointer<UInt8>?) -> Value
    ) -> Value {
        guard row >= 0, row < count, column >= 0, column < columnCount,
            PQgetisnull(result, Int32(row), Int32(column)) == 0,
            let value = PQgetvalue(result, Int32(row), Int32(column))
        else { return body(nil) }
        let length = Int(PQgetlength(result, Int32(row), Int32(column)))
        return value.withMemoryRebound(to: UInt8.self, capacity: length) {
            body(UnsafeBufferPointer(start: $0, count: length))
        }
    }

    /// Whether the value is NULL.
    package func isNull(_ row: Int, _ column: Int) -> Bool { withBytes(row, column) { $0 == nil } }

    /// The value's bytes; nil for NULL.
    package func bytes(_ row: Int, _ column: Int) -> [UInt8]? {
        withBytes(row, column) { $0.map(Array.init) }
    }

    /// The value as text; nil for NULL. Invalid UTF-8, which only a database of encoding SQL_ASCII can send, is repaired.
    package func text(_ row: Int, _ column: Int) -> String? {
        withBytes(row, column) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }

    /// The value as a `boolean`; nil for NULL, throws `misuse` for another type.
    package func boolean(_ row: Int, _ column: Int) throws(PostgresError) -> Bool? {
        guard let bytes = bytes(row, column) else { return nil }
        switch bytes {
        case [UInt8(ascii: "t")]: return true
        case [UInt8(ascii: "f")]: return false
        default: throw unreadable(column, as: "boolean")
        }
    }

    /// The value as a whole number; nil for NULL, throws `misuse` for another type or a number beyond 64 bits.
    package func integer(_ row: Int, _ column: Int) throws(PostgresError) -> Int64? {
        guard let text = text(row, column) else { return nil }
        guard let number = Int64(text) else { throw unreadable(column, as: "integer") }
        return number
    }

    /// The value as a `text[]` of one dimension; nil for NULL, throws `misuse` for another shape.
    package func textArray(_ row: Int, _ column: Int) throws(PostgresError) -> [String?]? {
        let parsed: [String?]?? = withBytes(row, column) { $0.map { TextArray.parsed($0) } }
        guard let parsed else { return nil }
        guard let elements = parsed else { throw unreadable(column, as: "text[]") }
        return elements
    }

    private func unreadable(_ column: Int, as type: String) -> PostgresError {
        .misuse("the database's column \(name(of: column)) cannot be read as \(type)")
    }
}

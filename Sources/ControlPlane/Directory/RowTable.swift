/// Tenants' rows, one a host. A set whose elements are compared by their host alone, so that the host is in memory once
/// and not a second time as a key.
struct RowTable: Sendable {
    private struct Slot: Hashable, Sendable {
        let row: PackedRow

        static func == (left: Slot, right: Slot) -> Bool {
            left.row.withPackedHost { left in
                right.row.withPackedHost { right in left.elementsEqual(right) }
            }
        }

        func hash(into hasher: inout Hasher) {
            row.withPackedHost { hasher.combine(bytes: $0) }
        }
    }

    private var slots: Set<Slot> = []

    /// How many rows there are.
    var count: Int { slots.count }

    /// Every row, in no order.
    var all: [PackedRow] { slots.map(\.row) }

    /// Whether there is a row of the host `host`.
    func contains(host: [UInt8]) -> Bool { slots.contains(Slot(row: PackedRow(host: host))) }

    /// Puts the row in, in place of the one of the same host where there is one; false where that one was equal.
    mutating func put(_ row: PackedRow) -> Bool { slots.update(with: Slot(row: row))?.row != row }

    /// Removes the host's row; false where there was none.
    mutating func remove(host: [UInt8]) -> Bool { slots.remove(Slot(row: PackedRow(host: host))) != nil }

    /// The hosts of the rows whose host has no row in `other`.
    func hosts(missingIn other: RowTable) -> [[UInt8]] {
        slots.filter { !other.slots.contains($0) }.map(\.row.host)
    }
}

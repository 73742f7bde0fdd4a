/// Where a page stands in a list that is ordered by key.
enum ListPlace: Sendable, Equatable {
    case first
    /// The rows behind this key.
    case after([UInt8])
    /// The rows before this key.
    case before([UInt8])
}

/// One page of a list that is ordered by key: the rows next after or before a key, found in one pass over things in no
/// order. It holds no more than a page, however long the list is.
struct ListWindow<Row: Sendable>: Sendable {
    private let place: ListPlace
    private let size: Int
    /// In the order of the page.
    private(set) var rows: [(key: [UInt8], row: Row)] = []
    /// How many rows the list has.
    private(set) var total = 0
    /// How many of them stand before the key `place` names, and at it.
    private var passed = 0

    /// A page of at most `size` rows.
    init(_ place: ListPlace, size: Int) {
        self.place = place
        self.size = size
        rows.reserveCapacity(size + 1)
    }

    /// Takes a row of the list into the page, where it is one of it. `row` is made only then.
    mutating func offer(_ key: [UInt8], _ row: @autoclosure () -> Row) {
        total += 1
        switch place {
        case .first: insertFromBelow(key, row)
        case .after(let bound):
            guard bound.lexicographicallyPrecedes(key) else {
                passed += 1
                return
            }
            insertFromBelow(key, row)
        case .before(let bound):
            guard key.lexicographicallyPrecedes(bound) else { return }
            passed += 1
            guard rows.count < size || rows.first.map({ $0.key.lexicographicallyPrecedes(key) }) ?? true
            else { return }
            rows.insert((key, row()), at: position(of: key))
            if rows.count > size { rows.removeFirst() }
        }
    }

    private mutating func insertFromBelow(_ key: [UInt8], _ row: () -> Row) {
        guard rows.count < size || rows.last.map({ key.lexicographicallyPrecedes($0.key) }) ?? true else {
            return
        }
        rows.insert((key, row()), at: position(of: key))
        if rows.count > size { rows.removeLast() }
    }

    private func position(of key: [UInt8]) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].key.lexicographicallyPrecedes(key) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// How many rows of the list stand before the page.
    var start: Int {
        switch place {
        case .first: 0
        case .after: passed
        case .before: passed - rows.count
        }
    }

    /// Whether rows follow the page.
    var hasMore: Bool { start + rows.count < total }
}

/// The same work on many things, some of them at once, while a bar shows how far it is.
enum ParallelWork {
    /// The results in the order of the items; at most `width` are worked on at once.
    static func map<Item: Sendable, Value: Sendable>(
        _ items: [Item], _ what: String, atMost width: Int, _ work: @escaping @Sendable (Item) async -> Value
    ) async -> [Value] {
        var bar = ProgressBar(what, total: items.count)
        var results = [Int: Value]()
        await withTaskGroup(of: (Int, Value).self) { group in
            var waiting = items.enumerated().makeIterator()
            func begin() -> Bool {
                guard let (place, item) = waiting.next() else { return false }
                group.addTask { (place, await work(item)) }
                return true
            }
            for _ in 0..<width where !begin() { break }
            while let (place, value) = await group.next() {
                results[place] = value
                bar.advance()
                _ = begin()
            }
        }
        bar.finish()
        return items.indices.compactMap { results[$0] }
    }
}

import Testing

@testable import ControlPlane

@Suite struct ReadPointTests {
    private func point(_ visibility: String, place: String = "here") -> ReadPoint {
        ReadPoint(visibility: visibility, backend: 1, place: place, idleLimit: nil)
    }

    @Test(
        "Changes are asked for only of the same server and tables, and never since a read that saw more than the one now",
        arguments: [
            ("10:12:11", "10:12:11", "here", true), ("10:12:", "10:13:", "here", true),
            ("10:12:", "12:12:", "here", true), ("10:12:", "9:12:", "here", false),
            ("10:12:", "10:11:", "here", false), ("5000000:5000000:", "750:750:", "here", false),
            ("10:12:", "10:13:", "elsewhere", false), ("10:12:", "", "here", false),
            ("", "10:12:", "here", false), ("10:12:", "a:b:c", "here", false),
            ("10:12:", "-1:18446744073709551616:", "here", false),
        ])
    func continues(before: String, after: String, place: String, expected: Bool) {
        #expect(point(after, place: place).continues(point(before)) == expected)
    }

    @Test(
        "Revocations are read in batches up to what the first of them saw, then once more, then up to the point"
    )
    func batches() {
        var progress = ReadProgress(point: point("1:1:"))
        #expect(progress.since.revocations == "1:1:" && progress.since.position == .start)
        let first = RevocationPosition(changed: "5", id: 8)
        progress.advance(to: point("6:6:"), revocations: first)
        #expect(progress.isBehind && progress.since.tenants == "6:6:")
        #expect(progress.since.revocations == "1:1:" && progress.since.position == first)
        let second = RevocationPosition(changed: "5", id: 16)
        progress.advance(to: point("7:7:"), revocations: second)
        #expect(progress.isBehind && progress.since.position == second)
        // The end of the batches: what was written since the first comes next, from its start.
        progress.advance(to: point("8:8:"), revocations: nil)
        #expect(progress.isBehind && progress.since.tenants == "8:8:")
        #expect(progress.since.revocations == "6:6:" && progress.since.position == .start)
        progress.advance(to: point("9:9:"), revocations: nil)
        #expect(!progress.isBehind && progress.since.revocations == "9:9:")
    }

    @Test("Whatever is written while batches are read is read before the progress is called whole")
    func nothingIsSkipped() {
        // A model: entries in the order of their stamps, some of which become visible late.
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var entries: [(stamp: Int, id: Int64, visible: Int)] = []
            var read: Set<Int64> = []
            var time = 1
            var progress = ReadProgress(point: point("0:0:"))
            for step in 0..<60 {
                if step < 40 {
                    for _ in 0..<Int.random(in: 0...4, using: &generator) {
                        // Begun up to six steps before it is committed.
                        entries.append((max(1, time - Int.random(in: 0...6)), Int64(entries.count), time))
                    }
                }
                time += 1
                let since = progress.since
                let base = Int(since.revocations.prefix { $0 != ":" }) ?? 0
                let position = (Int(since.position.changed) ?? 0, since.position.id)
                // The entry with id 0 is behind the start.
                let found = entries.filter { entry in
                    entry.visible < time && entry.visible >= base
                        && (since.position == .start || (entry.stamp, entry.id) > position)
                }.sorted { ($0.stamp, $0.id) < ($1.stamp, $1.id) }.prefix(3)
                read.formUnion(found.map(\.id))
                let next =
                    found.count < 3
                    ? nil : found.last.map { RevocationPosition(changed: "\($0.stamp)", id: $0.id) }
                progress.advance(to: point("\(time):\(time):"), revocations: next)
                if !progress.isBehind { #expect(read.count == entries.filter { $0.visible < time }.count) }
            }
        }
    }
}

@Suite struct UnexplainedWritesTests {
    private let start = ContinuousClock.now

    private func after(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("Writes that no read found are looked for at once; those that a change explains are not")
    func unexplained() {
        var writes = UnexplainedWrites()
        let steps: [(Int64?, Int, Bool)] = [
            (100, 0, false), (100, 5, false), (nil, 10, false), (101, 15, true), (101, 20, false),
            (7, 40, true),
        ]
        for (count, second, expected) in steps {
            let isWanted = writes.isReadWanted(after: count, at: after(second))
            #expect(isWanted == expected, "\(second)")
        }
        writes.explained(at: after(100))
        let soon = writes.isReadWanted(after: 8, at: after(110))
        let late = writes.isReadWanted(after: 9, at: after(121))
        #expect(!soon && late)
    }

    @Test(
        "Where such reads find nothing, as after writes that were rolled back, they lie further and further apart"
    )
    func apart() {
        var writes = UnexplainedWrites()
        var wanted: [Int] = []
        for second in 0..<36_000 where writes.isReadWanted(after: Int64(second), at: after(second)) {
            wanted.append(second)
        }
        #expect((10...22).contains(wanted.count), "\(wanted)")
        // A change that is found starts anew.
        writes.explained(at: after(36_000))
        let later = writes.isReadWanted(after: -1, at: after(40_000))
        #expect(later)
    }
}

import Testing

@testable import DataPlane

/// A line that expectations can call: they take no mutating method.
private final class Line {
    private var line: FairLine<String, Int>

    init(partyLimit: Int, limit: Int) {
        line = FairLine(partyLimit: partyLimit, limit: limit)
    }

    var count: Int { line.count }
    var isEmpty: Bool { line.isEmpty }
    func append(_ element: Int, of party: String) -> Bool { line.append(element, of: party) }
    func next(where mayBeNext: (Int) -> Bool = { _ in true }) -> Int? { line.next(where: mayBeNext) }
    func remove(where isGone: (Int) -> Bool) { line.remove(where: isGone) }

    func drained() -> [Int] {
        var served: [Int] = []
        while let next = next() { served.append(next) }
        return served
    }
}

@Suite struct FairLineTests {
    @Test("Parties take turns, however long the line of one of them is; each keeps its own order")
    func turns() {
        let line = Line(partyLimit: 10, limit: 100)
        for number in 1...5 { #expect(line.append(number, of: "a")) }
        #expect(line.append(10, of: "b"))
        #expect(line.append(20, of: "c"))
        #expect(line.append(11, of: "b"))
        #expect(line.count == 8)
        #expect(line.drained() == [1, 10, 20, 2, 11, 3, 4, 5])
        #expect(line.isEmpty && line.next() == nil)
    }

    @Test("One party fills its own part and no other's; all together fill the line")
    func bounds() {
        let line = Line(partyLimit: 2, limit: 3)
        #expect(line.append(1, of: "a"))
        #expect(line.append(2, of: "a"))
        #expect(!line.append(3, of: "a"))
        #expect(line.append(10, of: "b"))
        #expect(!line.append(20, of: "c"))
        #expect(line.next() == 1)
        #expect(line.append(20, of: "c"))
        #expect(line.drained() == [10, 2, 20])
    }

    @Test("Those who wait no longer make room, and their party's turn passes where nobody else of it waits")
    func removal() {
        let line = Line(partyLimit: 2, limit: 4)
        for (number, party) in [(1, "a"), (2, "a"), (10, "b"), (20, "c")] {
            _ = line.append(number, of: party)
        }
        line.remove { $0 == 1 || $0 == 10 }
        #expect(line.count == 2)
        #expect(line.append(11, of: "b") && line.append(12, of: "b"))
        #expect(!line.append(13, of: "b"))
        #expect(line.drained() == [2, 20, 11, 12])
    }

    @Test("However much some want, whoever has no place finds one", arguments: 1...12)
    func newcomers(greedy: Int) {
        let line = Line(partyLimit: 512, limit: 1024)
        var isOver = false
        while !isOver {
            isOver = true
            for party in 0..<greedy where line.append(party, of: "\(party)") { isOver = false }
        }
        #expect(line.count <= 1024 && (greedy == 1 || line.count > 682))
        for number in 0..<16 { #expect(line.append(number, of: "new\(number)")) }
    }

    @Test("A party whose first may not have what is free keeps its turn, and holds up nobody")
    func passing() {
        let line = Line(partyLimit: 10, limit: 100)
        for (number, party) in [(1, "a"), (2, "a"), (10, "b"), (20, "c")] {
            _ = line.append(number, of: party)
        }
        #expect(line.next { $0 >= 10 } == 10)
        #expect(line.next { $0 >= 10 } == 20)
        #expect(line.next { $0 >= 10 } == nil)
        #expect(line.count == 2)
        #expect(line.drained() == [1, 2])
    }
}

import Testing

@testable import HTTP2

@Suite struct StreamTableTests {
    @Test("It holds what a dictionary holds, whatever is added, changed and removed")
    func likeADictionary() {
        for _ in 0..<50 {
            var table = StreamTable<Int>()
            var expected: [Int32: Int] = [:]
            var next: Int32 = 1
            for _ in 0..<500 {
                switch Int.random(in: 0..<5) {
                case 0...1 where expected.count < 128:
                    // Numbers only grow, and a client may leave out as many as it likes.
                    next += 2 * (Bool.random() ? 1 : .random(in: 1...300))
                    table.insert(Int(next), of: next)
                    expected[next] = Int(next)
                case 2:
                    let stream = expected.keys.randomElement() ?? 7
                    let changed: Void? = table.change(of: stream) { $0 += 1 }
                    #expect((changed != nil) == (expected[stream] != nil))
                    expected[stream]? += 1
                default:
                    let stream = Bool.random() ? next : expected.keys.randomElement() ?? 5
                    #expect(table.remove(stream) == expected.removeValue(forKey: stream))
                }
                #expect(table.count == expected.count && table.isEmpty == expected.isEmpty)
            }
            for stream in 1...next { #expect(table[stream] == expected[stream]) }
            #expect(table.values.sorted() == expected.values.sorted())
        }
    }

    @Test("A table that was large gives its room back with its last stream")
    func shrinks() {
        var table = StreamTable<Int>()
        for stream in stride(from: Int32(1), to: 401, by: 2) { table.insert(0, of: stream) }
        #expect(table.slots.count == 512)
        for stream in stride(from: Int32(1), to: 401, by: 2) { table.remove(stream) }
        #expect(table.slots.count == StreamTable<Int>.initialSlots && table.isEmpty)
    }
}

import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

@Suite struct TraceContextTests {
    private static let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    private func parent(_ text: String) -> TraceParent? {
        Array(text.utf8).withUnsafeBytes { TraceParent($0) }
    }

    private func written(_ parent: TraceParent) -> String {
        var buffer = ByteBuffer()
        buffer.writeHead(expected: 128) { parent.write(into: &$0) }
        return String(buffer: buffer)
    }

    @Test("A parent names its trace, its span and whether it is recorded")
    func accepted() throws {
        let read = try #require(parent(Self.good))
        #expect(read.trace.description == "0af7651916cd43dd8448eb211c80319c")
        #expect(read.span.description == "b7ad6b7169203331" && read.isSampled)
        #expect(try #require(parent(Self.good.dropLast(2) + "00")).isSampled == false)
        // The other bits mean nothing in level 1, and are not passed on.
        let flagged = try #require(parent(Self.good.dropLast(2) + "ff"))
        #expect(flagged.isSampled && written(flagged) == "traceparent: \(Self.good)\r\n")
    }

    @Test("A later version is read by its beginning, and may be longer")
    func laterVersion() {
        let later = "cc" + Self.good.dropFirst(2)
        #expect(parent(later) == parent(Self.good))
        #expect(parent(later + "-and more") == parent(Self.good))
        #expect(parent(later + "x") == nil)
        let longest = later + "-" + String(repeating: "x", count: Limits.traceParentBytes - 56)
        #expect(parent(longest) != nil && parent(longest + "x") == nil)
    }

    @Test(
        "What is malformed is no parent",
        arguments: [
            "", "00", good + "-", good + "0", "ff" + good.dropFirst(2), good.uppercased(), " " + good,
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            good.replacing("-b7", with: "_b7"), good.replacing("0a", with: "0g"), String(good.dropLast()),
        ])
    func malformed(text: String) {
        #expect(parent(text) == nil)
    }

    @Test("Every change of one byte is another parent, or none")
    func changes() throws {
        let whole = try #require(parent(Self.good))
        for index in Self.good.utf8.indices {
            for byte in UInt8.min...UInt8.max where byte != Self.good.utf8[index] {
                var bytes = Array(Self.good.utf8)
                bytes[Self.good.utf8.distance(from: Self.good.startIndex, to: index)] = byte
                guard let read = bytes.withUnsafeBytes({ TraceParent($0) }) else { continue }
                let isFlagOrVersion =
                    index < Self.good.utf8.index(Self.good.startIndex, offsetBy: 2)
                    || index >= Self.good.utf8.index(Self.good.startIndex, offsetBy: 53)
                #expect(read != whole || isFlagOrVersion)
            }
        }
    }

    @Test("Whatever is written is read back as the same")
    func roundTrip() throws {
        var ids = IDGenerator(seed: 1, stream: 2)
        for _ in 0..<2_000 {
            let trace = try #require(TraceID(high: ids.next(), low: ids.next()))
            let span = try #require(SpanID(ids.next()))
            let parent = TraceParent(trace: trace, span: span, isSampled: ids.next() & 1 == 1)
            let line = written(parent)
            #expect(line.hasPrefix("traceparent: 00-") && line.hasSuffix("\r\n"))
            #expect(self.parent(String(line.dropFirst(13).dropLast(1))) == parent)
        }
    }

    private func passes(_ values: String...) -> Bool {
        var state = TraceState()
        for value in values { Array(value.utf8).withUnsafeBytes { state.take($0) } }
        return state.isPassable
    }

    @Test("A state of others passes whole within its bounds, over all of its lines")
    func state() {
        #expect(passes() && passes("a=1") && passes("a=1 , b@c=2", "d_-*/=3") && passes("", ",,"))
        #expect(!passes("a") && !passes("=1") && !passes("a=") && !passes("A=1") && !passes("a=1=2"))
        #expect(!passes("a=\u{7F}") && !passes("a=\tx"))
        let full = "a=" + String(repeating: "x", count: Limits.traceStateBytes - 2)
        #expect(passes(full) && !passes(full + "x") && !passes(full, "b=1"))
        let members = (0..<Limits.traceStateMembers).map { "k\($0)=v" }
        #expect(passes(members.joined(separator: ",")))
        #expect(!passes(members.joined(separator: ","), "more=1"))
    }

    // MARK: Which are recorded

    private func sampled(_ text: String) throws -> TraceParent { try #require(parent(text)) }

    @Test("A ratio decides of traces that begin here, and with 0 none begins")
    func ratio() {
        var ids = IDGenerator(seed: 3, stream: 4)
        for (ratio, range) in [(1.0, 4_000...4_000), (0.25, 850...1_150), (0.0, 0...0)] {
            var sampler = TraceSampler(ratio: ratio)
            let traces = (0..<4_000).map { _ in sampler.trace(nil, isTrusted: false, at: 0, &ids) }
            #expect(range.contains(traces.count { $0?.spans != nil }), "\(ratio)")
            #expect(traces.allSatisfy { ($0 == nil) == (ratio == 0) && $0?.parent == nil })
        }
    }

    @Test("A parent decides of traces under way, but of strangers' no more than the bound in a second")
    func parents() throws {
        var ids = IDGenerator(seed: 5, stream: 6)
        var sampler = TraceSampler(ratio: 0)
        let asks = try sampled(Self.good)
        let declines = try sampled(Self.good.dropLast(2) + "00")
        func count(_ parent: TraceParent, isTrusted: Bool, tick: UInt32) -> Int {
            (0..<100).count { _ in
                sampler.trace(parent, isTrusted: isTrusted, at: tick, &ids)?.spans != nil
            }
        }
        #expect(count(asks, isTrusted: true, tick: 0) == 100)
        #expect(count(asks, isTrusted: false, tick: 0) == Limits.askedTracesPerSecond)
        #expect(count(asks, isTrusted: false, tick: Limits.ticksPerSecond - 1) == 0)
        #expect(count(asks, isTrusted: false, tick: Limits.ticksPerSecond) == Limits.askedTracesPerSecond)
        #expect(count(declines, isTrusted: true, tick: 0) == 0)
        #expect(sampler.trace(declines, isTrusted: true, at: 0, &ids)?.id == declines.trace)
        var all = TraceSampler(ratio: 1)
        #expect(all.trace(declines, isTrusted: false, at: 0, &ids)?.spans == nil)
        #expect(all.trace(asks, isTrusted: false, at: 0, &ids)?.spans != nil)
    }
}

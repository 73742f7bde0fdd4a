import NIOCore
import Testing

@testable import DataPlane

@Suite struct RequestIDTests {
    private func given(_ text: String) -> RequestID? {
        Array(text.utf8).withUnsafeBytes { RequestID(given: $0) }
    }

    private func written(_ id: RequestID) -> String {
        var buffer = ByteBuffer()
        buffer.writeHead(expected: 8) { id.write(into: &$0) }
        return String(buffer: buffer)
    }

    @Test("64 bits are sixteen digits, as the standard library writes them")
    func digits() {
        var ids = IDGenerator(seed: 7, stream: 8)
        let numbers: [UInt64] =
            [0, 1, 9, 10, 15, 16, .max, 0x0123_4567_89AB_CDEF] + (0..<1_000).map { _ in ids.next() }
        for number in numbers {
            let plain = String(number, radix: 16)
            let expected = String(repeating: "0", count: 16 - plain.count) + plain
            #expect(HexadecimalDigits.text(number) == expected)
            #expect(written(RequestID(high: number, low: 10)) == expected + "000000000000000a")
        }
    }

    @Test("A name that stands in a field, in JSON and in a terminal as it is can be kept")
    func kept() throws {
        for name in ["a", "A-b_c.d:e/f+g=,;", String(repeating: "x", count: Limits.requestIDBytes)] {
            let id = try #require(given(name))
            #expect(id.description == name && written(id) == name)
        }
        for name in [
            "", "a b", "a\"b", "a\\b", "a\tb", "\u{7F}", "é",
            String(repeating: "x", count: Limits.requestIDBytes + 1),
        ] {
            #expect(given(name) == nil)
        }
    }

    @Test("Names are drawn once, by whichever loop")
    func drawn() {
        var one = IDGenerator(seed: 1, stream: 2)
        var other = IDGenerator(seed: 1, stream: 4)
        let names = (0..<20_000).flatMap { _ in [one.requestID(), other.requestID()] }
        #expect(Set(names).count == names.count)
    }

    @Test("What is recorded of a request is cut to its bounds, and found again")
    func recordedText() {
        let text = RecordedText(method: "GET".utf8, host: "a.example".utf8, path: "/x".utf8)
        #expect(text.method.elementsEqual("GET".utf8) && text.host.elementsEqual("a.example".utf8))
        #expect(text.path.elementsEqual("/x".utf8))
        let long = [UInt8](repeating: 0x61, count: 10_000)
        let cut = RecordedText(method: long, host: long, path: long)
        #expect(cut.method.count == Limits.recordedMethodBytes && cut.host.count == Limits.recordedHostBytes)
        #expect(cut.path.count == Limits.recordedPathBytes)
        #expect(RecordedText().path.isEmpty)
    }
}

import HTTP1
import HTTPMessage
import Testing

/// A head that is built field by field has the form of one that HTTP/1 reads.
@Suite struct HeadBuilderTests {
    private static let fields: [(name: String, value: String)] = [
        ("Host", "a.example.com"), ("Accept", "text/html, */*"), ("X_Forwarded_User", "mallory"),
        ("Via", "1.1 b"),
        ("Cookie", "a=1; b=2"), ("Authorization", "Bearer x"), ("Empty", ""), ("Content-Length", "5"),
    ]

    private func built(_ name: String, _ value: String, limits: HeadLimits = HeadLimits()) -> MessageFlaw? {
        var builder = HeadBuilder(limits: limits)
        do throws(MessageFlaw) {
            try append(name, value, to: &builder)
            return nil
        } catch { return error }
    }

    private func append(
        _ name: String, _ value: String, to builder: inout HeadBuilder
    ) throws(MessageFlaw) {
        let (name, value) = (Array(name.utf8), Array(value.utf8))
        var flaw: MessageFlaw?
        name.withUnsafeBytes { name in
            value.withUnsafeBytes { value in
                do throws(MessageFlaw) { try builder.append(name: name, value: value) } catch { flaw = error }
            }
        }
        if let flaw { throw flaw }
    }

    @Test("A built field is the field that the parser reads from the same line")
    func sameForm() throws {
        let text = Self.fields.map { "\($0.name): \($0.value)\r\n" }.joined()
        let wire = Array("GET / HTTP/1.1\r\n\(text)\r\n".utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        #expect(wire.withUnsafeBytes { parser.parse($0) } == .complete)

        var builder = HeadBuilder(limits: HeadLimits())
        for field in Self.fields { try append(field.name, field.value, to: &builder) }

        #expect(builder.fields.count == parser.head.fields.count)
        for (own, read) in zip(builder.fields, parser.head.fields) {
            #expect(builder.bytes[own.line.range].elementsEqual(wire[read.line.range]))
            #expect(builder.bytes[own.name.range].elementsEqual(wire[read.name.range]))
            #expect(builder.bytes[own.value.range].elementsEqual(wire[read.value.range]))
            #expect(own.known == read.known && own.collapsedHash == read.collapsedHash)
            #expect(own.isStrict && read.isStrict)
        }
    }

    @Test("What the fields say together is the same for a built head and a read one")
    func sameSummary() throws {
        var builder = HeadBuilder(limits: HeadLimits())
        for field in Self.fields { try append(field.name, field.value, to: &builder) }
        var head = RequestHead()
        let summary = try builder.bytes.withUnsafeBytes { bytes throws(MessageFlaw) in
            try FieldSummary(ofRequest: builder.fields, bytes)
        }
        head.take(builder.fields, summary)
        #expect(summary.contentLength == 5)
        #expect(head.authorizationCount == 1)
        #expect(head.saysOrigin && head.hasVia && !head.saysWay)
        let host = try #require(summary.host)
        let authority = builder.bytes.withUnsafeBytes { Authority($0, host.range) }
        #expect(authority?.host == host)
    }

    @Test(
        "A name that is no token is refused",
        arguments: ["", "a b", "a:", "a\r\n", "\u{0}", "\u{e4}", "a(b)"])
    func badName(name: String) {
        #expect(built(name, "x") == .badFieldName)
    }

    @Test(
        "A value with a control character, or white space at an end, is refused",
        arguments: ["a\r\nb: c", "a\nb", "a\rb", "a\u{0}b", "a\u{7f}", " a", "a\t"])
    func badValue(value: String) {
        #expect(built("x", value) == .badFieldValue)
    }

    @Test("A value may hold tabs and bytes beyond ASCII, as RFC 9110 section 5.5 allows")
    func looseValue() {
        #expect(built("x", "a\tb \u{e4}") == nil)
    }

    @Test("Each limit is reached and not passed")
    func limits() throws {
        var limits = HeadLimits()
        limits.fieldBytes = 10
        #expect(built("abc", "def", limits: limits) == nil)
        #expect(built("abc", "defg", limits: limits) == .fieldTooLarge)
        limits.headBytes = 9
        #expect(built("abc", "def", limits: limits) == .headTooLarge)
        limits = HeadLimits()
        limits.fieldCount = 1
        var builder = HeadBuilder(limits: limits)
        try append("a", "b", to: &builder)
        #expect(throws: MessageFlaw.tooManyFields) { try append("a", "b", to: &builder) }
        builder.reset()
        #expect(builder.bytes.isEmpty && builder.fields.isEmpty)
    }

    @Test("A part that is no field holds visible ASCII and nothing else")
    func parts() throws {
        var builder = HeadBuilder(limits: HeadLimits())
        let path = Array("/a?b".utf8)
        let slice = try path.withUnsafeBytes { text throws(MessageFlaw) in try builder.append(part: text) }
        #expect(Array(builder.bytes[slice.range]) == path)
        for text in ["/a b", "/a\r\n", "/\u{e4}"] {
            #expect(throws: MessageFlaw.badStartLine) {
                try Array(text.utf8).withUnsafeBytes { text throws(MessageFlaw) in
                    try builder.append(part: text)
                }
            }
        }
    }
}

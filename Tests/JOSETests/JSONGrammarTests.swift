import JOSE
import Testing

@Suite struct JSONGrammarTests {
    @Test(
        "Each kind of value of RFC 8259 is accepted",
        arguments: [
            "{}", "[]", "null", "true", "false", "0", "-0", "-1.5e+10", "1E-2", "\"\"",
            " \t\r\n{ \"a\" : [ 1 , 2 ] }\n",
            "[[],{}]", "\"\\u0000\"", "\"\u{7F}\"", "\"\u{10FFFF}\"", "\"é\"", "{\"\":1}", "\"\\/\"",
        ])
    func accepted(text: String) {
        #expect(flaw(text) == nil)
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", " ", "{", "}", "[", "]", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[,1]",
            "[1 2]", "{,}",
            "{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "nul", "nulll", "tru", "True",
            "NaN", "Infinity",
            "undefined", "//x\n1", "/**/1", "{}{}", "{} x", "1 2", "\"a", "\"a\\", "\"\\", "\"\\u12",
            "\"\\u123g\"", "\"\\x41\"", "\"\\U0041\"",
            "\"a\nb\"", "\"a\tb\"", "\u{A0}1", "\u{0B}1", "\u{0C}1", "\u{FEFF}{}", "{}\u{FEFF}", "{1:2}",
            "{null:1}", "[\"a\":1]",
        ])
    func refused(text: String) {
        #expect(flaw(text) != nil)
    }

    @Test(
        "Numbers follow the grammar",
        arguments: [
            "01", "-01", "00", "+1", ".5", "1.", "-", "-.5", "1e", "1e+", "1.e1", "0x10", "1_000", "--1",
            "1e1.5", "-a", "１",
        ])
    func numbers(text: String) {
        #expect(flaw(text) != nil)
        #expect(flaw("[\(text)]") != nil)
    }

    @Test("A number of 32 bytes is accepted and one of 33 refused")
    func numberLength() {
        #expect(flaw(String(repeating: "9", count: 32)) == nil)
        #expect(flaw(String(repeating: "9", count: 33)) == .numberTooLong)
        #expect(flaw("1e" + String(repeating: "0", count: 30)) == nil)
        #expect(flaw("[1." + String(repeating: "0", count: 5000) + "]") == .numberTooLong)
    }

    @Test("Bytes that are not UTF-8 are refused, well-formed neighbours accepted")
    func encoding() {
        func quoted(_ bytes: [UInt8]) -> [UInt8] { [0x22] + bytes + [0x22] }
        let bad: [[UInt8]] = [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x22], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF],
            [0xE1, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE],
            [0xFF],
        ]
        for bytes in bad {
            #expect(flaw(quoted(bytes)) == .invalidUTF8)
            // Behind an escape another loop reads.
            #expect(flaw(quoted(Array("\\n".utf8) + bytes)) == .invalidUTF8)
            // And behind eight plain bytes a third.
            #expect(flaw(quoted(Array("12345678".utf8) + bytes)) == .invalidUTF8)
        }
        let good: [[UInt8]] = [
            [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80],
            [0xEF, 0xBF, 0xBF],
            [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
        ]
        for bytes in good { #expect(flaw(quoted(bytes)) == nil) }
    }

    @Test("UTF-16, UTF-32 and byte order marks are refused")
    func otherEncodings() {
        #expect(flaw([0x7B, 0, 0x7D, 0]) != nil)
        #expect(flaw([0, 0x7B, 0, 0x7D]) != nil)
        #expect(flaw([0xFF, 0xFE, 0x7B, 0, 0x7D, 0]) != nil)
        #expect(flaw([0x7B, 0, 0, 0, 0x7D, 0, 0, 0]) != nil)
        #expect(flaw([0xEF, 0xBB, 0xBF, 0x7B, 0x7D]) != nil)
    }

    @Test(
        "A zero byte is refused wherever it stands, although one ends the parser's buffer",
        arguments: [
            "\0", "{}\0", "\0{}", "{\0}", "[1\0]", "\"a\0\"", "\"\\n\0\"", "tru\0", "1\0", "{\"a\":\0}",
        ])
    func zeroBytes(text: String) {
        #expect(flaw(text) != nil)
    }

    @Test("Each control character is refused raw, at each place of a long string")
    func controlCharacters() {
        for byte in UInt8(0)..<0x20 {
            for place in 0..<20 {
                var bytes = [0x22] + [UInt8](repeating: 0x61, count: 20) + [0x22]
                bytes[1 + place] = byte
                #expect(flaw(bytes) == .controlCharacter)
            }
        }
    }

    @Test("Escapes stand for their characters, before and after plain text of every length")
    func escapes() throws {
        for count in 0..<20 {
            let plain = String(repeating: "x", count: count)
            let value = try JSONValue(
                parsing: Array(
                    "\"\(plain)\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\uDE00é\(plain)\"".utf8)
            )
            let expected = plain + "\"\\/\u{8}\u{C}\n\r\tAé€😀é" + plain
            #expect(value.string == Array(expected.utf8))
        }
    }

    @Test(
        "Half of a surrogate pair is refused",
        arguments: [
            "\\ud800", "\\udc00", "\\ud800x", "\\ud800\\n", "\\ud800\\ud800", "\\udc00\\ud800",
            "\\udbff\\u0041", "\\ud83d\\uD83D",
        ])
    func surrogates(text: String) {
        #expect(flaw("\"\(text)\"") == .unpairedSurrogate)
    }

    @Test("Every beginning of a text is refused")
    func truncation() {
        let whole = Array(
            #"{"a\n":[1.5e3,"x\ud83d\ude00é",true,false,null,{"b":{}}],"cc":"0123456789abcdef"}"#.utf8)
        #expect(flaw(whole) == nil)
        for count in 0..<whole.count { #expect(flaw(Array(whole.prefix(count))) != nil) }
    }
}

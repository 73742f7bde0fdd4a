import Testing

@testable import Gateway

@Suite struct TextTableTests {
    private let table = TextTable(
        ["host", "state", "comment"],
        rows: [
            ["a.example", "active", "the first tenant of all that there ever were"],
            ["a-long-name-that-has-no-blank.example", "suspended", "-"],
        ])

    @Test("Without a width a row is one line, and a column as wide as its widest cell")
    func noWidth() {
        #expect(
            table.lines() == [
                "host                                   state      comment",
                "a.example                              active     the first tenant of all that there ever were",
                "a-long-name-that-has-no-blank.example  suspended  -",
            ])
    }

    @Test("A window that is wide enough changes nothing", arguments: [94, 95, 500])
    func wide(width: Int) { #expect(table.lines(width: width) == table.lines()) }

    @Test("In a narrow window the widest columns go on in further lines, and nothing is lost")
    func narrow() {
        #expect(
            table.lines(width: 50) == [
                "host                state      comment",
                "a.example           active     the first tenant",
                "                               of all that there",
                "                               ever were",
                "a-long-name-that-h  suspended  -",
                "as-no-blank.exampl",
                "e",
            ])
    }

    @Test("No line is wider than the window while each column can have its least width", arguments: 28...100)
    func everyWidth(width: Int) {
        let lines = table.lines(width: width)
        #expect(lines.allSatisfy { ShownText.columns($0) <= width })
        let kept = lines.joined().filter { $0 != " " }.sorted()
        #expect(kept == table.lines().joined().filter { $0 != " " }.sorted())
    }

    @Test("A window of one column shows everything all the same")
    func oneColumn() {
        #expect(table.lines(width: 1).joined().contains("active"))
        #expect(TextTable([], rows: []).lines(width: 1) == [])
        #expect(TextTable(["a"], rows: [[], ["b", "c"]]).lines(width: 1) == ["a", "b  c"])
    }

    @Test("Characters that take two columns are counted as two")
    func wideCharacters() {
        let table = TextTable(["名", "x"], rows: [["日本語", "1"], ["é", "2"]])
        #expect(table.lines() == ["名      x", "日本語  1", "é       2"])
        #expect(table.lines(width: 4).allSatisfy { !$0.isEmpty })
    }

    @Test(
        "What would drive a terminal is written as an escape",
        arguments: [
            ("\u{1B}[2J\u{7}", #"\u{1B}[2J\u{7}"#), ("a\nb\tc\rd", #"a\nb\tc\rd"#),
            ("\u{9B}31m", #"\u{9B}31m"#),
            ("\u{202E}gpj.exe", #"\u{202E}gpj.exe"#), ("a\u{200B}b", #"a\u{200B}b"#),
            ("\u{2028}", #"\u{2028}"#), ("\u{E000}", #"\u{E000}"#), ("\u{7F}", #"\u{7F}"#),
            ("Zürich – 東京", "Zürich – 東京"), ("e\u{301}", "e\u{301}"), ("\\n", "\\n"),
        ])
    func escapes(text: String, shown: String) {
        #expect(ShownText.line(text) == shown)
        #expect(TextTable(["h"], rows: [[text]]).lines()[1] == shown)
    }

    @Test("In JSON the same characters are written as JSON has it, and mean what they meant")
    func json() {
        #expect(
            ShownText.ofJSON("{\n  \"a\": \"\u{9B}\u{E0001}é\"\n}")
                == "{\n  \"a\": \"\\u009b\\udb40\\udc01é\"\n}")
    }
}

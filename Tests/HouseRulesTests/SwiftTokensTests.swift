import Testing

/// Swift source is cut where Swift would cut it.
@Suite struct SwiftTokensTests {
    private func texts(_ source: String, _ kind: Token.Kind) -> [String] {
        SwiftTokens.of(source).filter { $0.kind == kind }.map(\.text)
    }

    @Test("A string is found in every spelling, with what its escapes mean")
    func strings() {
        #expect(texts(#"let a = "b" + "" + "\"c\\""#, .string) == ["b", "", "\"c\\"])
        #expect(texts(##"let a = #"b "c" \n"#"##, .string) == [#"b "c" \n"#])
        #expect(
            texts("let a = \"\"\"\n    b\n    \"c\"\n    \"\"\"", .string) == ["\n    b\n    \"c\"\n    "])
        #expect(texts("let a = #\"\"\"\"# + \"b\"", .string) == ["\"\"", "b"])
        #expect(texts("let a = \"b // c\" // \"d\"", .string) == ["b // c"])
    }

    @Test("What is interpolated is code, strings in it included")
    func interpolations() {
        let source = #"let a = "b \(c.d("e", f ? "g" : "\(h)")) i""#
        #expect(texts(source, .string) == ["b \u{FFFC} i", "e", "g", "\u{FFFC}"])
        #expect(texts(source, .word) == ["let", "a", "c", "d", "f", "h"])
        #expect(texts(##"let a = #"b \(c) \#(d)"#"##, .word) == ["let", "a", "d"])
    }

    @Test("Comments end where they end, one in the other too, and documentation is told from the rest")
    func comments() {
        #expect(texts("/* a /* b */ c */ d // e\nf", .word) == ["d", "f"])
        #expect(texts("/// a\n//// b\n// c\n/** d */", .documentation) == ["/// a", "//// b", "/** d */"])
        #expect(texts("let a = \"/*\"; b()", .word) == ["let", "a", "b"])
    }

    @Test("A regular expression is no division, and a division no regular expression")
    func expressions() {
        #expect(texts("a.contains(/\"b\" c/)", .regex) == ["/\"b\" c/"])
        #expect(texts("let a = #/b\"/c/#", .regex) == ["#/b\"/c/#"])
        #expect(texts("let a = b / c / d; let e = (f) / 2 / g", .regex) == [])
    }

    @Test("Numbers keep their points and underscores, and ranges have none")
    func numbers() {
        #expect(texts("0...1_000 + 2.5 + 0x1F + a.0.1", .number) == ["0", "1_000", "2.5", "0x1F", "0", "1"])
    }

    @Test("Each token knows its line")
    func lines() {
        let tokens = SwiftTokens.of("a\n\"\"\"\nb\n\"\"\"\n  c /*\n*/ d")
        #expect(tokens.map(\.line) == [1, 2, 5, 5, 6])
        #expect(tokens.map(\.lastLine) == [1, 4, 5, 6, 6])
        #expect(tokens.map(\.isFirstOnLine) == [true, true, true, false, false])
    }
}

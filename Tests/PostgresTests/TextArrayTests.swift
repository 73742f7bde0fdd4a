import Testing

@testable import Postgres

@Suite struct TextArrayTests {
    @Test(
        "What the server prints is read",
        arguments: [
            ("{}", []), ("{a}", ["a"]), ("{a,b}", ["a", "b"]), (#"{"a,b","c d"}"#, ["a,b", "c d"]),
            ("{NULL}", [nil]),
            (#"{"NULL"}"#, ["NULL"]), (#"{"null",NULLS}"#, ["null", "NULLS"]), (#"{""}"#, [""]),
            (#"{"a\"b","c\\d","{}"}"#, ["a\"b", "c\\d", "{}"]), ("{é,日本}", ["é", "日本"]),
            ("{eu-west-1,x/y:z}", ["eu-west-1", "x/y:z"]),
        ] as [(String, [String?])])
    func printedArrays(_ text: String, _ elements: [String?]) {
        #expect(TextArray.parsed(text) == elements)
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "{", "}", "a", "{a", "a}", "{a,}", "{,a}", "{,}", "{a b}", #"{"a}"#, #"{"a"b}"#, #"{a"b"}"#,
            #"{"a\"}"#,
            "{{a},{b}}", "[0:1]={a,b}", "{a}}", "{{a}", #"{a\b}"#, "{ }", "{a} ", " {a}", "{null}",
            "{Null,a}",
            #"{"a",}"#,
        ])
    func malformedArrays(_ text: String) {
        #expect(TextArray.parsed(text) == nil)
    }

    @Test("What is printed is read back")
    func roundTrips() {
        let elements: [String?] = ["", "a", nil, "NULL", "a,b", "\"", "\\", "{}", " ", "\n", "é", "a\\\"b"]
        #expect(TextArray.parsed(TextArray.encoded(elements)) == elements)
        #expect(TextArray.encoded([]) == "{}")
        #expect(TextArray.encoded(["a", nil]) == #"{"a",NULL}"#)
    }
}

import JOSE
import Testing

@Suite struct JSONMembersTests {
    @Test(
        "A member named twice is refused, at any depth and however it is spelled",
        arguments: [
            #"{"iss":1,"iss":2}"#, #"{"iss":1,"\u0069ss":2}"#, #"{"\u0069ss":1,"iss":2}"#,
            #"{"iss":1,"\u0069\u0073\u0073":1}"#,
            #"{"":1,"":2}"#, #"{"a":{"b":1,"b":1}}"#, #"[{"b":1,"c":2,"b":1}]"#, #"{"a":[[{"x":1,"x":1}]]}"#,
            #"{"a/b":1,"a\/b":2}"#, #"{"😀":1,"\ud83d\ude00":2}"#, #"{"a":1,"b":{"a":1},"a":2}"#,
        ])
    func duplicates(text: String) {
        #expect(flaw(text) == .duplicateMember)
    }

    @Test(
        "Names that differ in any byte are different members",
        arguments: [
            #"{"a":1,"A":2}"#, #"{"a":1,"a ":2}"#, #"{"a":{"a":{"a":1}}}"#,
            "{\"cle\u{301}\":1,\"cl\u{E9}\":2}",
            #"{"a":1,"a\u0000":2}"#, "{\"\u{212A}\":1,\"K\":2,\"k\":3}",
        ])
    func different(text: String) {
        #expect(flaw(text) == nil)
    }

    @Test("Composed and decomposed names find their own members")
    func normalForms() throws {
        let claims = try object("{\"cle\u{301}\":\"decomposed\",\"cl\u{E9}\":\"composed\"}")
        #expect(claims["cl\u{E9}"]?.string == Array("composed".utf8))
        #expect(claims["cle\u{301}"]?.string == Array("decomposed".utf8))
        #expect(claims.count == 2)
    }

    @Test("A duplicate is found among few members and among many, first, middle and last")
    func manyMembers() {
        for count in [2, 23, 24, 25, 26, 128, 255, 256] {
            let names = (0..<count).map { "\"member\($0)\":0" }
            #expect(flaw("{" + names.joined(separator: ",") + "}") == nil)
            for copy in [0, (count - 1) / 2, count - 2] {
                var doubled = names
                doubled[count - 1] = "\"\\u006Dember\(copy)\":[1]"
                #expect(flaw("{" + doubled.joined(separator: ",") + "}") == .duplicateMember)
            }
        }
    }

    @Test("An object of 256 members is accepted and one of 257 refused")
    func memberLimit() {
        func text(_ count: Int) -> String {
            "{" + (0..<count).map { "\"\($0)\":{\"a\":[]}" }.joined(separator: ",") + "}"
        }
        #expect(flaw(text(256)) == nil)
        #expect(flaw(text(257)) == .tooManyMembers)
    }

    @Test("Sixteen levels are accepted and seventeen refused")
    func depth() {
        func arrays(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        func objects(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
        }
        #expect(flaw(arrays(16)) == nil)
        #expect(flaw(arrays(17)) == .tooDeep)
        #expect(flaw(objects(16)) == nil)
        #expect(flaw(objects(17)) == .tooDeep)
        #expect(flaw(arrays(100_000)) == .tooDeep)
    }

    @Test("A text of the size allowed is accepted and one byte more refused")
    func size() {
        let text = Array("{\"a\":1}".utf8)
        #expect(throws: Never.self) { try JSONObject(parsing: text, maximumBytes: text.count) }
        #expect(throws: JSONFlaw.tooLarge) { try JSONObject(parsing: text, maximumBytes: text.count - 1) }
    }

    @Test("Members are found behind containers, by text and by bytes, and absent ones are not")
    func lookup() throws {
        let claims = try object(#"{"a":[1,[2,{"b":3}]],"b":{"c":{"a":9}},"c":true,"d":null,"e":"x","":0}"#)
        #expect(claims["c"]?.bool == true)
        #expect(claims["d"]?.kind == .null)
        #expect(claims["e"]?.isString("x") == true)
        #expect(claims["e"]?.isString("xy") == false)
        #expect(claims[Array("b".utf8)]?.object?["c"]?.object?["a"]?.numberText == Array("9".utf8))
        #expect(claims[""]?.kind == .number)
        #expect(claims["f"] == nil)
        #expect(claims["a"]?.array?.count == 2)
        #expect(
            claims.members.map { String(decoding: $0.name, as: UTF8.self) } == ["a", "b", "c", "d", "e", ""])
    }

    @Test("A value read as another type is nil")
    func types() throws {
        let claims = try object(#"{"s":"1","n":1,"b":false,"z":null,"a":[],"o":{}}"#)
        for (name, value) in claims.members {
            let readable = [
                value.string != nil, value.numericDate != nil, value.bool != nil, value.kind == .null,
                value.array != nil, value.object != nil,
            ]
            #expect(readable.filter { $0 }.count == 1, "\(String(decoding: name, as: UTF8.self))")
            #expect((value.numberText != nil) == (value.numericDate != nil))
        }
    }

    @Test("A text that is no object is no JSONObject", arguments: ["[]", "1", "\"{}\"", "null"])
    func notAnObject(text: String) {
        #expect(throws: JSONFlaw.notAnObject) { try JSONObject(parsing: Array(text.utf8)) }
    }
}

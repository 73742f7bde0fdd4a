import Testing

@testable import Gateway

@Suite struct AssignmentTests {
    private func values(_ words: [String], _ table: RowTable = .tenants) throws -> [String: String?] {
        Dictionary(
            uniqueKeysWithValues: try Assignments(words, for: table).values.map { ($0.column.name, $0.text) })
    }

    private func flaw(_ words: [String], _ table: RowTable = .tenants) -> String? {
        do throws(Assignments.Flaw) {
            _ = try Assignments(words, for: table)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("A value is what stands behind the first sign of equality")
    func texts() throws {
        #expect(
            try values(["upstream=http://a:1", "comment=a=b, c"]) == [
                "upstream": "http://a:1", "comment": "a=b, c",
            ])
        #expect(try values(["max_token_age=8 hours"]) == ["max_token_age": "8 hours"])
    }

    @Test("null is NULL, and nothing is the column's default")
    func absence() throws {
        #expect(try values(["upstream=null", "comment="]) == ["upstream": nil, "comment": nil])
        #expect(
            try values(["token_uses=", "status=", "forward_token="]) == [
                "token_uses": "{access,id}", "status": "active", "forward_token": "true",
            ])
        #expect(try values(["client_ids=null"]) == ["client_ids": nil])
    }

    @Test("A list has commas, or a word for each element, or braces as Postgres writes it")
    func lists() throws {
        #expect(try values(["client_ids=a, b"]) == ["client_ids": #"{"a","b"}"#])
        #expect(try values(["client_ids=a", "client_ids=b,c"]) == ["client_ids": #"{"a","b","c"}"#])
        #expect(try values([#"required_groups={"ops,night"}"#]) == ["required_groups": #"{"ops,night"}"#])
        #expect(try values(["client_ids={}"]) == ["client_ids": "{}"])
    }

    @Test("What is no assignment is told, with the name that was probably meant")
    func flaws() {
        #expect(flaw(["upstream"])?.contains("is no COLUMN=VALUE") == true)
        #expect(flaw(["upstraem=x"])?.contains("did you mean 'upstream'?") == true)
        #expect(flaw(["created_at=x"]) == "created_at is written by the database alone")
        #expect(flaw(["comment=a", "comment=b"]) == "comment is given twice")
        #expect(flaw(["client_ids=null", "client_ids=b"]) == "client_ids is given twice")
        #expect(flaw(["client_ids={a}", "client_ids=b"]) == "client_ids is given twice")
        #expect(flaw(["id=3"], .rules) == "id is written by the database alone")
    }

    @Test("A word that may be a secret is not shown")
    func secrets() {
        #expect(flaw(["postgres://u:pw@h"])?.contains("pw") == false)
    }
}

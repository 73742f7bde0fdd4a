extension HouseRule {
    static let testNames = HouseRule(
        claim: "A test's name is a claim, written as a sentence in @Test(\"…\")",
        violations: [
            "@Test func `A token is refused`() {}", "@Test func refused() {}",
            "@Test(arguments: [1, 2])\nfunc refused(_ count: Int) {}",
            "@Test(.enabled(if: isRoot)) func a() {}",
            "@Test(\"refused\") func a() {}", "@Test(\"A token is refused.\") func a() {}",
            "@Test(\"A token is refused\") func `a token is refused`() {}",
        ],
        innocents: [
            "@Test(\"A token of another pool is refused\") func foreignToken() {}",
            "@Test(\n    \"Each flaw is named\",\n    arguments: [1, 2])\nfunc flaws(_ count: Int) {}",
            "// @Test func a() {}", "@Suite struct A {}",
        ],
        findings: { file in
            file.findings { token, index in
                guard token.isWord("Test"), file.token(index, -1)?.is("@") == true else { return false }
                guard file.token(index, 1)?.is("(") == true, let name = file.token(index, 2),
                    name.kind == .string
                else { return true }
                let isSentence = name.text.contains(" ") && !name.text.hasSuffix(".")
                var place = index + 2
                while let next = file.token(place, 0), !next.isWord("func") { place += 1 }
                return !isSentence || file.token(place, 1)?.text.contains(" ") == true
            }
        })
}

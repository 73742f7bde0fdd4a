/// How long files and functions are, how switches end, and what is said above a declaration.
extension HouseRule {
    static let fileLength = HouseRule(
        claim: "No file is longer than 400 lines",
        exceptions: [
            Exception(
                ["Gateway/Migrations.swift"], because: "it is the text of the migrations, written by a script"
            )
        ],
        violations: [
            String(repeating: "let a = 1\n", count: 401), String(repeating: "\n", count: 500) + "let a = 1",
            String(repeating: "// a\n", count: 402),
        ],
        innocents: [String(repeating: "let a = 1\n", count: 400), "let a = 1"],
        findings: { file in
            let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
            guard count > 400 else { return [] }
            return [Finding(file: file.path, line: count, text: "\(count) lines")]
        })

    static let functionLength = HouseRule(
        claim: "No function is longer than 70 lines",
        violations: [
            "func a() {\n" + String(repeating: "    b()\n", count: 69) + "}",
            "struct A {\n    init(\n        b: Int\n    ) {\n" + String(repeating: "        b()\n", count: 70)
                + "    }\n}",
            "var a: Int {\n" + String(repeating: "    b()\n", count: 70) + "}",
            "subscript(a: Int) -> Int {\n" + String(repeating: "    // b\n", count: 70) + "}",
            "func a(_ b: () -> Void = {}) throws -> [Int] where A: B {\n" + String(repeating: "\n", count: 70)
                + "}",
        ],
        innocents: [
            "func a() {\n" + String(repeating: "    b()\n", count: 68) + "}",
            "protocol A {\n    func a()\n    func b()\n}\nstruct C {\n"
                + String(repeating: "    // c\n", count: 80) + "}",
            "let table = [\n" + String(repeating: "    1,\n", count: 80) + "]",
        ],
        findings: { file in
            file.functions().filter { $0.lines > 70 }
                .map { file.finding(at: $0.token, "\($0.name) has \($0.lines) lines") }
        })

    static let defaults = HouseRule(
        claim: "A switch over our own cases has no default",
        exceptions: [
            Exception(
                ["DataPlane/RequestFacts+Head.swift"], "default: break",
                because: "of all names of fields, four say where a browser's request comes from")
        ],
        violations: [
            "switch a {\ncase .b: c()\ndefault: d()\n}",
            "switch self.a() {\ncase .b(let c), .d(let c):\n    switch c {\n    case 1: e()\n    default: f()\n    }\ndefault: break\n}",
            "switch a {\ncase let .b(c) where c > 1: d(c)\ncase .e: break\n@f default: break\n}",
            "switch a {\ncase .b: c()\ncase _: d()\n}",
            "switch (a, b) {\ncase (.c, .d): e()\ncase (.d, _): f()\ndefault: break\n}",
        ],
        innocents: [
            "switch a {\ncase .b: c()\ncase .d: e()\n}", "switch a {\ncase 1: b()\ndefault: c()\n}",
            "switch a {\ncase .b:\n    switch c {\n    case \"x\": d()\n    default: e()\n    }\ncase .f: break\n}",
            "switch a {\ncase .b: c()\n@unknown default: d()\n}",
            "struct A { static let `default` = 1 }",
        ],
        findings: { file in file.defaultsOfEnumSwitches().map { file.finding(at: $0) } })

    static let documentation = HouseRule(
        claim: "Every package declaration says what it is",
        violations: [
            "package struct A {}", "/// A.\npackage struct A {\n    package let b: Int\n}",
            "extension A {\n    @inlinable\n    package func b() {}\n}",
            "// No documentation.\npackage enum A {}",
            "extension A {\n    package init() {}\n}",
            "extension A {\n    package static var b: Int { 1 }\n}",
            "extension A {\n    package private(set) var b: Int { 1 }\n}",
            "/// A.\n\nlet a = 1\npackage typealias B = Int",
            "extension A {\n    package subscript(b: Int) -> Int { b }\n}",
        ],
        innocents: [
            "/// A.\npackage struct A {}", "/// A.\n@frozen\npackage struct A {}", "package import NIOCore",
            "/** A. */\npackage let a = 1", "struct A {\n    let b: Int\n}",
            "/// A.\n@available(*, deprecated, message: \"b\") package final class A {}",
            "/// A.\npackage private(set) var a = 1", "let package = Package(name: \"a\")",
            "struct A {\n    /// B.\n    package(set) var b: Int\n}",
        ],
        findings: { file in file.undocumentedPackageDeclarations().map { file.finding(at: $0) } })

    static let names = HouseRule(
        claim: "No type is a drawer: none is called a helper, a manager, utilities or common",
        violations: [
            "struct StringUtils {}", "enum Helpers {}", "final class ConnectionManager {}",
            "actor CommonState {}",
            "protocol TokenHelper {}",
        ],
        innocents: ["struct Commonality {}", "let manager = 1", "// struct Utils {}", "enum Managers {}"],
        findings: { file in
            let kinds: Set = ["struct", "class", "enum", "actor", "protocol", "typealias"]
            let drawers: Set = ["Utils", "Util", "Utilities", "Helper", "Helpers", "Manager", "Common"]
            return file.findings { token, index in
                guard token.kind == .word, let last = file.token(index, -1), kinds.contains(last.text) else {
                    return false
                }
                return drawers.contains { token.text.hasSuffix($0) }
                    || token.text.hasPrefix("Common") && token.text.dropFirst(6).first?.isUppercase == true
            }
        })

    static let promises = HouseRule(
        claim: "Nothing is left to be done, and what a comment cites is in the repository",
        violations: [
            "// TODO: mend\nlet a = 1", "/// FIXME later", "// See CONTRACT.md.", "/* XXX */",
            "/// As DESIGN says.",
            "// As ops/guide/nowhere.md says.",
        ],
        innocents: ["// See README.md.", "let a = \"TODO\"", "/// Design is as design does."],
        findings: { file in
            let words: Set = [
                "TODO", "FIXME", "XXX", "HACK", "CONTRACT", "DESIGN", "STYLE", "COGNITO", "SECURITY",
            ]
            var found: [Finding] = []
            for token in file.allTokens where token.kind == .comment || token.kind == .documentation {
                for word in token.text.split(whereSeparator: { !$0.isLetter && !"./_-".contains($0) }) {
                    let isDocument = word.hasSuffix(".md") || word.hasSuffix(".md.")
                    let name = word.hasSuffix(".") ? word.dropLast() : word
                    if words.contains(String(name)) || isDocument && !SourceTree.holds(String(name)) {
                        found.append(file.finding(at: token, "\(word) in a comment"))
                    }
                }
            }
            return found
        })
}

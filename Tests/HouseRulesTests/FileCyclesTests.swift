import Testing

/// No file can be read alone that names another which names it.
@Suite struct FileCyclesTests {
    /// The rings that are one thing in several files, and why they may be.
    static let allowed: [String: [(ring: [String], reason: String)]] = [
        "JOSE": [
            (
                ["JSONObject", "JSONValue"],
                "a value may be an object, and an object holds values (RFC 8259 §2)"
            )
        ]
    ]

    /// The modules that must stay without any other ring: all of them.
    static let untied = HouseRule.allowedImports.keys.sorted()

    private func rings(_ texts: KeyValuePairs<String, String>) -> [[String]] {
        FileCycles.rings(
            in: texts.map { SwiftFile(path: "Sources/Made/\($0.key).swift", text: $0.value) })
    }

    @Test(
        "Files of a module do not name each other in a ring",
        arguments: untied)
    func sources(module: String) throws {
        let files = try SwiftFile.sources.get().filter { $0.target == module }
        #expect(!files.isEmpty)
        let found = FileCycles.rings(in: files)
        let allowed = Self.allowed[module]?.map(\.ring) ?? []
        let tied = found.filter { !allowed.contains($0) }
        let unneeded = allowed.filter { !found.contains($0) }
        #expect(tied.isEmpty && unneeded.isEmpty, "\(tied), no longer needed: \(unneeded)")
    }

    @Test("A ring is found through any number of files, extensions and nested types")
    func seeds() {
        #expect(
            rings(["A": "struct A { let b: B }", "B": "struct B { func a() -> A? { nil } }"]) == [["A", "B"]])
        #expect(
            rings([
                "A": "struct A { let b: [B] }", "B": "enum B { case c(C) }",
                "C": "final class C { var a: A? }",
                "D": "struct D { let a: A }",
            ]) == [["A", "B", "C"]])
        #expect(
            rings(["A": "enum A {}\nstruct X { let b: A.B }", "B": "extension A { struct B { let x: X } }"])
                == [["A", "B"]])
        #expect(
            rings([
                "A": "struct A { let b: B }", "A+X": "extension A { }", "B": "struct B {}",
                "B+Y": "let a = A.self",
            ])
                == [["A", "B"]])
        #expect(
            rings([
                "A": "struct A { let b: B }", "B": "struct B { let a: A? }", "C": "struct C { let d: D }",
                "D": "struct D { let c: C? }",
            ]) == [["A", "B"], ["C", "D"]])
    }

    @Test("What only looks like a ring is none")
    func innocents() {
        #expect(rings(["A": "struct A { let b: B }", "B": "/// As in A.\nstruct B { let a = \"A\" }"]) == [])
        #expect(rings(["A": "struct A { struct C {}; let b: B }", "B": "struct B { enum C {} }"]) == [])
        #expect(
            rings(["A": "private struct X {}\nstruct A { let b: B }", "B": "struct B { struct X {} }"]) == [])
        #expect(rings(["A": "struct A {}", "A+B": "extension A { struct B { let a: A } }"]) == [])
    }
}

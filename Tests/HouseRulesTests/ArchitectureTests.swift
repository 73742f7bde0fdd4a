import Testing

/// What the house holds of its sources, and that the rules which say so can see.
@Suite struct ArchitectureTests {
    @Test("The sources keep the rule", arguments: HouseRule.ofSources)
    func sources(rule: HouseRule) throws {
        try check(rule, in: SwiftFile.sources.get())
    }

    @Test("The tests keep the rule", arguments: HouseRule.ofTests)
    func tests(rule: HouseRule) throws {
        try check(rule, in: SwiftFile.tests.get())
    }

    private func check(_ rule: HouseRule, in files: [SwiftFile]) {
        #expect(files.count > 50, "the files were not found")
        let breaches = rule.breaches(in: files)
        #expect(breaches.isEmpty, "\(rule.claim):\n\(breaches.joined(separator: "\n"))")
    }

    @Test(
        "Each rule catches every violation that is seeded", arguments: HouseRule.ofSources + HouseRule.ofTests
    )
    func seeds(rule: HouseRule) {
        #expect(rule.violations.count >= 3 && rule.innocents.count >= 2)
        for text in rule.violations {
            #expect(rule.isBroken(by: text), "passed: \(text.prefix(300))")
        }
    }

    @Test("No rule sees a violation where there is none", arguments: HouseRule.ofSources + HouseRule.ofTests)
    func innocents(rule: HouseRule) {
        for text in rule.innocents {
            #expect(!rule.isBroken(by: text), "caught: \(text.prefix(300))")
        }
    }

    @Test("An exception excuses its file and its text only, and must be needed")
    func exceptions() {
        var rule = HouseRule.traps
        rule.exceptions = [
            HouseRule.Exception(["DataPlane/Excused.swift"], because: "the whole file"),
            HouseRule.Exception(["DataPlane/Part.swift"], "precondition", because: "one call"),
        ]
        func file(_ name: String, _ text: String) -> SwiftFile {
            SwiftFile(path: "Sources/DataPlane/Loop/\(name).swift", text: text)
        }
        let excused = file("Excused", "fatalError()")
        let part = file("Part", "precondition(a)")
        #expect(rule.breaches(in: [excused, part]) == [])
        #expect(rule.breaches(in: [excused, part, file("Other", "precondition(a)")]).count == 1)
        #expect(rule.breaches(in: [excused, file("Part", "precondition(a)\nfatalError()")]).count == 1)
        #expect(
            rule.breaches(in: [part]) == ["the exception for DataPlane/Excused.swift is no longer needed"])
    }

    @Test("Every import that the design allows is needed, and every target is in the table")
    func neededImports() throws {
        let files = try SwiftFile.sources.get()
        #expect(Set(files.map(\.target)) == Set(HouseRule.allowedImports.keys))
        for (target, allowed) in HouseRule.allowedImports {
            let used = Set(files.filter { $0.target == target }.flatMap { $0.imports().map(\.module) })
            #expect(allowed.subtracting(used) == [], "\(target) does not import all that it may")
        }
    }
}

extension HouseRule {
    /// Whether the rule finds something in a made-up source of a target that it holds for.
    fileprivate func isBroken(by text: String) -> Bool {
        let target = targets.min() ?? "DataPlane"
        return !findings(SwiftFile(path: "Sources/\(target)/Made.swift", text: text)).isEmpty
    }
}

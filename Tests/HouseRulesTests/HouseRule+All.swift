extension HouseRule {
    /// What is held of `Sources`.
    static let ofSources = [
        sql, logText, environment, output, clocks, threads, rawMemory, borrowedBytes, purity, traps,
        forceUnwraps,
        access, invariants, fileLength, functionLength, defaults, documentation, names, promises, limits,
        caseFolding,
        wallClock, detachedThreads, calendar, imports,
    ]

    /// What is held of `Tests`.
    static let ofTests = [
        testNames, fileLength.forTests("No test file is longer than 400 lines"),
        functionLength.forTests("No test is longer than 70 lines"),
    ]

    /// The rule without its exceptions, which are of `Sources`.
    private func forTests(_ claim: String) -> HouseRule {
        HouseRule(
            claim: claim, violations: violations, innocents: innocents, findings: findings)
    }
}

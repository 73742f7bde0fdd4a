/// The findings of a run of `poolgate check`, in their order.
///
/// A class, because every check adds to the same one.
final class CheckReport {
    /// Whether each finding is printed as soon as it is there, for a person who waits.
    private let printsLines: Bool
    private(set) var findings: [Finding] = []

    init(printsLines: Bool) {
        self.printsLines = printsLines
    }

    /// Takes what a check found.
    func add(_ more: [Finding]) {
        findings += more
        if printsLines { for finding in more { Output.line(finding.line) } }
    }

    /// Takes one finding.
    func add(_ finding: Finding) { add([finding]) }

    /// Takes findings of the same kind, such as one for each pool: all that are not good, and of the good ones, where there
    /// are many, only how many they are.
    func add(_ many: [Finding], manyGood: (Int) -> Finding) {
        let good = many.filter { $0.level == .good }
        add(good.count > Limits.goodFindingsListed ? [manyGood(good.count)] : good)
        add(many.filter { $0.level != .good })
    }

    /// How many findings have this level.
    func count(_ level: Finding.Level) -> Int { findings.count { $0.level == level } }

    /// Whether a gateway could serve all that it is to serve; where `isStrict`, without a warning, too.
    func isGood(isStrict: Bool) -> Bool { count(.failure) == 0 && (!isStrict || count(.warning) == 0) }

    /// The findings in numbers, for a person.
    var summary: String {
        let (failures, warnings) = (count(.failure), count(.warning))
        if failures + warnings == 0 { return "all is well" }
        return "\(failures) to mend, \(warnings) to look at"
    }

    /// The report as JSON has it.
    var document: Document {
        Document(
            isGood: isGood(isStrict: false), failures: count(.failure), warnings: count(.warning),
            findings: findings)
    }

    /// The report as JSON has it.
    struct Document: Codable, Sendable {
        let isGood: Bool
        let failures: Int
        let warnings: Int
        let findings: [Finding]

        enum CodingKeys: String, CodingKey {
            case isGood = "ok"
            case failures, warnings, findings
        }
    }
}

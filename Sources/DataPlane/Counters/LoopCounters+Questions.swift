/// What became of questions of other proxies, by the surface on which they were asked.
package struct QuestionCounts: Sendable {
    /// One count for each form and `LoopCounters.Verdict`, in the order of their cases.
    private var counts: InlineArray<16, UInt64> = .init(repeating: 0)

    /// Counts of nothing.
    package init() {}

    /// How many questions of a form came to this.
    package subscript(_ form: QuestionForm, _ verdict: LoopCounters.Verdict) -> UInt64 {
        get { counts[QuestionCounts.place(form, verdict)] }
        set { counts[QuestionCounts.place(form, verdict)] = newValue }
    }

    /// How many questions on a surface, as `QuestionForm.surface` names it, came to this.
    package func count(on surface: String, _ verdict: LoopCounters.Verdict) -> UInt64 {
        QuestionForm.allCases.filter { $0.surface == surface }.reduce(0) { $0 &+ self[$1, verdict] }
    }

    /// Takes in others.
    package mutating func add(_ other: QuestionCounts) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
    }

    private static func place(_ form: QuestionForm, _ verdict: LoopCounters.Verdict) -> Int {
        form.rawValue * LoopCounters.Verdict.allCases.count + verdict.rawValue
    }
}

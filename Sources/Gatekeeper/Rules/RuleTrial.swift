import HTTPMessage

/// The rules of a host, tried with a request's method and path: what a gateway would decide, for people who look at rows.
package struct RuleTrial: Sendable {
    private let rules: RuleSet

    /// Takes the rules as the database prints them, a JSON array of the rows of `poolgate.rules`; nil is none. Throws the
    /// sentence for which a gateway would not serve the host.
    package init(_ text: String?) throws(RowFlaw) {
        rules = try text.map { text throws(RowFlaw) in try RuleParser.rules(text) } ?? .none
    }

    /// The ids of the rules, in the order in which they are looked at.
    package var order: [Int64] { rules.rules.map(\.id) }

    /// Which rules are for a request.
    package enum Outcome: Equatable, Sendable {
        /// The rule that decides, and one in shadow that is looked at before it; nil where there is none. Without a rule that
        /// decides, a good token is needed.
        case found(rule: Int64?, shadow: Int64?)
        /// The request is refused before any rule is looked at, with this status and code.
        case refused(status: Int, code: String)
    }

    /// What is decided for a method and a path, the latter as it is written and with or without a query.
    package func outcome(method: String, path: String) -> Outcome {
        let (method, path) = (Array(method.utf8), Array(path.utf8.prefix { $0 != UInt8(ascii: "?") }))
        guard !rules.isEmpty else { return .found(rule: nil, shadow: nil) }
        if method.contains(where: ASCII.isLower) { return RuleTrial.refused(.request(.methodCase)) }
        switch decision(method, path) {
        case .success(let decision):
            return .found(rule: decision.found.rule?.id, shadow: decision.found.shadow?.id)
        case .failure(let refusal): return RuleTrial.refused(refusal)
        }
    }

    private func decision(_ method: [UInt8], _ path: [UInt8]) -> Result<RuleSet.Decision, Refusal> {
        method.withUnsafeBytes { method in
            path.withUnsafeBytes { path in
                do throws(Refusal) {
                    return .success(try rules.decision(method: method, written: path))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private static func refused(_ refusal: Refusal) -> Outcome {
        .refused(status: refusal.row.status.code, code: refusal.row.code)
    }
}

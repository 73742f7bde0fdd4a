import HTTPMessage

/// The rules of one tenant, in the order in which they are looked at.
package struct RuleSet: Sendable {
    /// Longest prefix first; of one prefix, what says most of its methods first.
    let rules: [Rule]
    /// Every condition that one of the rules has for claims, so that a token's claims are compared with each once.
    let conditions: Set<ClaimCondition>

    /// A set without rules.
    static let none = RuleSet([])

    init(_ rules: [Rule]) {
        self.rules = rules.sorted { ($1.prefix.count, $1.rank) < ($0.prefix.count, $0.rank) }
        conditions = Set(rules.flatMap(\.claims))
    }

    /// The rules in the order in which they are looked at, for people.
    package var all: [Rule] { rules }

    /// Whether there are no rules, so that every path needs a token.
    package var isEmpty: Bool { rules.isEmpty }

    /// Finds the rules for a request whose path is given as it is written.
    ///
    /// Throws the refusal of what could escape its rule: a path that can be read in two ways, and one that would be under
    /// another rule for whoever decodes it twice.
    func decision(
        method: UnsafeRawBufferPointer, written path: UnsafeRawBufferPointer
    ) throws(Refusal) -> Decision {
        switch RequestPath(path) {
        case .flaw(let flaw): throw .path(flaw)
        case .plain:
            return Decision(found: decision(method: method, path: path), normal: nil)
        case .decoded(let decoded):
            let found = decoded.bytes.withUnsafeBytes { decision(method: method, path: $0) }
            if let again = decoded.again {
                let other = again.withUnsafeBytes { decision(method: method, path: $0) }
                guard other.rule?.id == found.rule?.id else { throw .path(.doubleEncoding) }
            }
            return Decision(found: found, normal: decoded.normal)
        }
    }

    /// Which rules are for a request.
    struct Decision {
        /// The rule that decides, and the one that is only reported.
        let found: (rule: Rule?, shadow: Rule?)
        /// The path that goes upstream; nil where that is the request's own.
        let normal: [UInt8]?
    }

    /// The rule that decides, and the first rule in shadow that is looked at before it.
    private func decision(
        method: UnsafeRawBufferPointer, path: UnsafeRawBufferPointer
    ) -> (rule: Rule?, shadow: Rule?) {
        var shadow: Rule?
        for rule in rules where rule.covers(path) && rule.covers(method: method) {
            guard rule.isShadow else { return (rule, shadow) }
            if shadow == nil { shadow = rule }
        }
        return (nil, shadow)
    }
}

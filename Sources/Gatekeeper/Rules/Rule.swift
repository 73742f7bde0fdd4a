/// What one path of a host asks of its callers: a row of `poolgate.rules`, parsed once.
package struct Rule: Sendable, Hashable {
    /// The row's `id`.
    package let id: Int64
    /// As the row writes it, for people.
    let written: [UInt8]
    /// Wholly decoded; `/`, or a path without a slash at its end.
    let prefix: [UInt8]
    /// Nil is every method that no other rule of the prefix names.
    let methods: [[UInt8]]?
    package let access: Access
    /// Any one of these suffices.
    let requiredGroups: [[UInt8]]?
    let everyGroup: [[UInt8]]
    /// Any one of these suffices.
    let requiredScopes: [[UInt8]]?
    let everyScope: [[UInt8]]
    /// All of these hold.
    let claims: [ClaimCondition]
    /// Judged and reported, not enforced.
    package let isShadow: Bool

    /// Whether a token is needed.
    package enum Access: String, Sendable {
        /// No token is looked at.
        case `public`
        /// None is needed, a bad one is refused.
        case optional
        case authenticated
    }

    /// The prefix as text, for logs and people.
    package var prefixText: String { String(decoding: written, as: UTF8.self) }

    /// The methods as text, for logs and people.
    var methodsText: String {
        methods.map { $0.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ") }
            ?? "every method"
    }

    /// Whether both would decide about one method of one path.
    func isForSame(as other: Rule) -> Bool {
        guard prefix == other.prefix, isShadow == other.isShadow else { return false }
        guard let methods, let others = other.methods else { return methods == nil && other.methods == nil }
        return methods.contains { others.contains($0) }
    }

    /// What the rule asks of its callers, in words.
    var needs: String {
        var words: [String] = []
        func add(_ word: String, _ names: [[UInt8]]?) {
            guard let names, !names.isEmpty else { return }
            words.append(
                "\(word) \(names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", "))")
        }
        add("any group of", requiredGroups)
        add("every group of", everyGroup)
        add("any scope of", requiredScopes)
        add("every scope of", everyScope)
        words += claims.map(\.description)
        return words.isEmpty ? "nothing" : words.joined(separator: "; ")
    }

    /// Whether the rule is for a wholly decoded path, in whole segments.
    func covers(_ path: UnsafeRawBufferPointer) -> Bool {
        guard prefix.count > 1 else { return true }
        guard path.count >= prefix.count, path.count == prefix.count || path[prefix.count] == ASCII.slash
        else { return false }
        return prefix.withUnsafeBytes {
            UnsafeRawBufferPointer.areEqual($0, UnsafeRawBufferPointer(rebasing: path[..<prefix.count]))
        }
    }

    /// Whether the rule is for a method; one for GET covers HEAD.
    func covers(method: UnsafeRawBufferPointer) -> Bool {
        guard let methods else { return true }
        return methods.contains { $0.elementsEqual(method) }
            || (method.elementsEqual("HEAD".utf8) && methods.contains { $0.elementsEqual("GET".utf8) })
    }

    /// How much a rule of the same prefix says of its methods: HEAD itself beats what covers it, any beats none.
    fileprivate var rank: Int {
        guard let methods else { return 0 }
        return methods.contains { $0.elementsEqual("HEAD".utf8) } ? 2 : 1
    }

    /// What a caller lacks; nil where it may pass.
    func refusal(of identity: Identity) -> Refusal? {
        if !TokenChecks.holdsAny(identity.groups, of: requiredGroups)
            || !TokenChecks.holdsAll(identity.groups, of: everyGroup)
        {
            return .missingGroup
        }
        if !TokenChecks.holdsAny(identity.scopes, of: requiredScopes)
            || !TokenChecks.holdsAll(identity.scopes, of: everyScope)
        {
            return .missingScope
        }
        return claims.allSatisfy { identity.meets.contains($0) } ? nil : .missingClaim
    }
}

/// The rules of one tenant, in the order in which they are looked at.
package struct RuleSet: Sendable, Hashable {
    /// Longest prefix first; of one prefix, what says most of its methods first.
    private let rules: [Rule]
    /// Everything that any rule asks of claims.
    let conditions: Set<ClaimCondition>

    /// A set in which nothing stands.
    static let none = RuleSet([])

    init(_ rules: [Rule]) {
        self.rules = rules.sorted { ($1.prefix.count, $1.rank) < ($0.prefix.count, $0.rank) }
        conditions = Set(rules.flatMap(\.claims))
    }

    package var isEmpty: Bool { rules.isEmpty }

    /// The rules of a request for `path` as it is written, with what goes upstream in its place; nil is the path itself.
    ///
    /// Throws the refusal of what could escape its rule: a method that some services read as another one, a path that can
    /// be read in two ways, and one that would be under another rule for who decodes it twice.
    func decision(
        method: UnsafeRawBufferPointer, written path: UnsafeRawBufferPointer
    ) throws(Refusal) -> Decision {
        if method.contains(where: ASCII.isLower) { throw .methodCase }
        switch RequestPath(path) {
        case .flaw(let word): throw .badRequest(word)
        case .plain:
            return Decision(found: decision(method: method, path: path), normal: nil)
        case .decoded(let decoded):
            let found = decoded.bytes.withUnsafeBytes { decision(method: method, path: $0) }
            if let again = decoded.again {
                let other = again.withUnsafeBytes { decision(method: method, path: $0) }
                guard other.rule?.id == found.rule?.id else { throw .badRequest("double_encoding") }
            }
            return Decision(found: found, normal: decoded.normal)
        }
    }

    /// What the rules say of a request.
    struct Decision {
        /// The rule that decides, and the one that is only reported.
        let found: (rule: Rule?, shadow: Rule?)
        /// The path that goes upstream; nil for the request's own.
        let normal: [UInt8]?
    }

    /// The rule that decides, and the one that is only reported, if a longer or equal prefix of it stands in shadow.
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

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
    var rank: Int {
        guard let methods else { return 0 }
        return methods.contains { $0.elementsEqual("HEAD".utf8) } ? 2 : 1
    }
}

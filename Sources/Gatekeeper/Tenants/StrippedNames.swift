/// The collapsed names of fields that are removed from one tenant's requests, besides those that are removed from every
/// request. Each begins with an X.
package struct StrippedNames: Sendable {
    private let names: Set<[UInt8]>
    private let prefixes: [[UInt8]]
    /// How many bytes the longest name has. Whether a longer name is among them is told by its first bytes, one more than
    /// this.
    package let longestBytes: Int

    init(names: Set<[UInt8]>, prefixes: [[UInt8]] = []) {
        self.names = names
        self.prefixes = prefixes
        longestBytes = max(names.map(\.count).max() ?? 0, prefixes.map(\.count).max() ?? 0)
    }

    /// No names.
    package init() {
        names = []
        prefixes = []
        longestBytes = 0
    }

    /// Whether there are no names.
    package var isEmpty: Bool { names.isEmpty && prefixes.isEmpty }

    /// Whether a collapsed name is among them. Of a name longer than `longestBytes`, the first bytes are enough, one more
    /// than that.
    package func contains(_ name: [UInt8]) -> Bool {
        names.contains(name) || prefixes.contains { name.starts(with: $0) }
    }

    /// These names, and `more`.
    func union(_ more: Set<[UInt8]>) -> StrippedNames {
        StrippedNames(names: names.union(more), prefixes: prefixes)
    }
}

/// Header names, collapsed, that are removed for one tenant besides those removed for all; each begins with an X.
package struct StrippedNames: Sendable {
    private let names: Set<[UInt8]>
    private let prefixes: [[UInt8]]
    /// The length of the longest: of a longer name, so many bytes and one more tell whether it is among them.
    package let longestBytes: Int

    init(names: Set<[UInt8]> = [], prefixes: [[UInt8]] = []) {
        self.names = names
        self.prefixes = prefixes
        longestBytes = max(names.map(\.count).max() ?? 0, prefixes.map(\.count).max() ?? 0)
    }

    /// None.
    package init() { self.init(names: []) }

    /// Whether there is none.
    package var isEmpty: Bool { names.isEmpty && prefixes.isEmpty }

    /// Whether a collapsed name is among them; of one longer than `longestBytes`, its beginning with one byte more.
    package func contains(_ name: [UInt8]) -> Bool {
        names.contains(name) || prefixes.contains { name.starts(with: $0) }
    }

    /// Those and more.
    func union(_ more: Set<[UInt8]>) -> StrippedNames {
        StrippedNames(names: names.union(more), prefixes: prefixes)
    }
}

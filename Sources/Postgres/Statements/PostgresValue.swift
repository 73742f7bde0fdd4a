/// A parameter of a statement, in Postgres' text form.
package struct PostgresValue: Hashable, Sendable, ExpressibleByNilLiteral, ExpressibleByStringLiteral {
    let text: String?

    /// NULL.
    package init(nilLiteral: ()) { text = nil }
    /// Text.
    package init(stringLiteral value: String) { text = value }
    private init(_ text: String?) { self.text = text }

    /// Text, which the statement may cast to another type; nil is NULL.
    package static func text(_ value: String?) -> PostgresValue { PostgresValue(value) }
    /// A whole number; nil is NULL.
    package static func integer<Number: FixedWidthInteger>(_ value: Number?) -> PostgresValue {
        PostgresValue(value.map { String($0) })
    }
    /// A `boolean`; nil is NULL.
    package static func boolean(_ value: Bool?) -> PostgresValue {
        PostgresValue(value.map { $0 ? "t" : "f" })
    }
    /// A `text[]` whose elements may be NULL; nil is NULL itself.
    package static func texts(_ value: [String?]?) -> PostgresValue {
        PostgresValue(value.map(TextArray.encoded))
    }
}

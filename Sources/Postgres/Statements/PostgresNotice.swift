/// A NOTICE, a WARNING or another remark that the server made while it ran a script.
package struct PostgresNotice: Hashable, Sendable, CustomStringConvertible {
    /// `NOTICE`, `WARNING`, …, in English whatever the server's language is.
    package let severity: String
    /// What the server remarked, in one bounded line.
    package let message: String
    /// What to do about it, in one bounded line; nil where the server does not say.
    package let hint: String?

    /// The severity and the message.
    package var description: String { "\(severity): \(message)" }
}

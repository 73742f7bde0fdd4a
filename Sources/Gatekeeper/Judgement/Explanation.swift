/// Every check of one judgement in words, with what was expected and what was found: for `poolgate explain`.
///
/// It listens to the judgement itself, so that the two cannot differ. It holds claims, but no byte of a token, of a
/// query or of a header that was not read.
package struct Explanation: Sendable, CheckListener {
    /// The checks in their order. Only the last can have failed, since a refusal ends the judgement.
    package private(set) var lines: [Line] = []
    /// The refusal that the request meets; nil where no check refused it.
    package private(set) var refusal: Refusal?

    /// One check in words.
    package struct Line: Sendable {
        /// What is looked at, in a word or two, such as `issuer`.
        package let name: String
        /// What lets a request pass.
        package let expected: String
        /// What the request has.
        package let actual: String
        /// Whether the request passed.
        package let passed: Bool
    }

    /// An explanation of nothing yet.
    package init() {}

    /// Takes the refusal of a message that was refused before there was a judgement.
    package mutating func messageRefused(_ refusal: Refusal) { hear(.host(.message(refusal)), refusal) }

    mutating func hear(_ check: @autoclosure () -> Check, _ refusal: Refusal?) {
        let words = check().words
        lines.append(
            Line(name: words.name, expected: words.expected, actual: words.actual, passed: refusal == nil))
        self.refusal = refusal
    }
}

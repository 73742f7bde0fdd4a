/// Why a row cannot be served, as a sentence for the admin who wrote it.
package struct RowFlaw: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence.
    package let description: String

    /// A flaw that this sentence describes.
    package init(_ description: String) {
        self.description = description
    }

    /// A value for such a sentence, as the database's function `poolgate.shown` writes it: in quotes, cut where it is
    /// long, with a question mark for each control character.
    static func shown(_ value: [UInt8]) -> String {
        let text = String(decoding: value, as: UTF8.self).unicodeScalars
        var shown = String.UnicodeScalarView()
        for scalar in text.prefix(80) {
            shown.append(scalar.value < 0x20 || scalar.value == 0x7F ? "?" : scalar)
        }
        return "\"\(String(shown))\(text.count > 80 ? "…" : "")\""
    }
}

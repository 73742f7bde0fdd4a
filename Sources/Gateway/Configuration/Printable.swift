/// Text that an operator wrote, as a message may show it.
enum Printable {
    /// The text in printable ASCII: other characters are escaped, and everything after `Limits.shownCharacters` is cut off.
    static func text(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(Limits.shownCharacters).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7F ? String(scalar) : scalar.escaped(asASCII: true)
        }
        return shown.joined() + (text.unicodeScalars.count > Limits.shownCharacters ? "…" : "")
    }

    /// The same in quotes. A text that looks like a URL, a token or a connection string is not shown, because it may be a
    /// secret that was written in the wrong place.
    static func value(_ text: String) -> String {
        let isSuspicious =
            text.contains("://") || text.contains(where: { "@=&".contains($0) })
            || text.hasPrefix("eyJ")
        return isSuspicious ? "(not shown, for it may hold a secret)" : "'\(Printable.text(text))'"
    }

    /// Whether a word has the form of a setting's name: lower-case letters, digits, hyphens, dots and underscores.
    static func isName(_ word: String) -> Bool {
        word.utf8.count <= 64
            && word.utf8.allSatisfy {
                $0 >= 0x61 && $0 <= 0x7A || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39
            }
    }
}

/// Text of an operator in a message: bounded, and what is no printable ASCII escaped.
enum Printable {
    static func text(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(200).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7F ? String(scalar) : scalar.escaped(asASCII: true)
        }
        return shown.joined() + (text.unicodeScalars.count > 200 ? "…" : "")
    }

    /// The same in quotes; where it looks like a URL, a token or a password's neighbour, which came to stand in the
    /// wrong place, it is not shown.
    static func value(_ text: String) -> String {
        let isSuspicious =
            text.contains("://") || text.contains(where: { "@=&".contains($0) })
            || text.hasPrefix("eyJ")
        return isSuspicious ? "(not shown, for it may hold a secret)" : "'\(Printable.text(text))'"
    }

    /// Whether a word looks like the name of a setting: lower-case words joined by hyphens, dots or underscores.
    static func isName(_ word: String) -> Bool {
        word.utf8.count <= 64
            && word.utf8.allSatisfy {
                $0 >= 0x61 && $0 <= 0x7A || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39
            }
    }
}

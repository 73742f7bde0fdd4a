/// Sizes, times and truth values as operators write them.
enum Quantity {
    /// A number of bytes: `65536`, `32KiB`, `16MiB` or `1GiB`, where one blank may stand before the unit; nil for anything
    /// else.
    static func bytes(_ text: String) -> Int? {
        guard let (digits, unit) = split(text) else { return nil }
        let factor: Int
        switch unit.lowercased() {
        case "", "b": factor = 1
        case "kib": factor = 1 << 10
        case "mib": factor = 1 << 20
        case "gib": factor = 1 << 30
        default: return nil
        }
        return Digits.number(digits.utf8, atMost: Int.max / factor).map { $0 * factor }
    }

    /// A time: `500ms`, `30s`, `5m`, `2h`, `1d` or `0`; nil for anything else and for more than a hundred years.
    static func duration(_ text: String) -> Duration? {
        guard let (digits, unit) = split(text),
            let number = Digits.number(digits.utf8, atMost: Limits.longestSettingMilliseconds)
        else { return nil }
        let milliseconds: Int
        switch unit {
        case "": return number == 0 ? .zero : nil
        case "ms": milliseconds = 1
        case "s": milliseconds = 1_000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        case "d": milliseconds = 86_400_000
        default: return nil
        }
        let (product, overflowed) = number.multipliedReportingOverflow(by: milliseconds)
        guard !overflowed, product <= Limits.longestSettingMilliseconds else { return nil }
        return .milliseconds(product)
    }

    /// A truth value in the spellings that people use; nil for anything else.
    static func boolean(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "on", "yes", "1": true
        case "false", "off", "no", "0": false
        default: nil
        }
    }

    private static func split(_ text: String) -> (digits: Substring, unit: Substring)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else { return nil }
        var unit = text[digits.endIndex...]
        if unit.first == " " { unit = unit.dropFirst() }
        guard unit.allSatisfy({ $0.isASCII && $0.isLetter }) else { return nil }
        return (digits, unit)
    }
}

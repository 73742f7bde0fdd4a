/// The fields of a query or of a form that was sent (`application/x-www-form-urlencoded`, URL Standard §5). A name that
/// comes twice counts by its first value.
struct FormFields: Sendable {
    private var values: [String: String] = [:]

    /// Reads at most `Limits.formFields` fields; what is no UTF-8 is replaced.
    init(_ text: some Sequence<UInt8>) {
        let parts = Array(text).split(
            separator: UInt8(ascii: "&"), maxSplits: Limits.formFields, omittingEmptySubsequences: true)
        for part in parts.prefix(Limits.formFields) {
            let end = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let name = FormFields.decoded(part[..<end], isForm: true)
            guard values[name] == nil else { continue }
            values[name] = FormFields.decoded(part[end...].dropFirst(), isForm: true)
        }
    }

    /// The value of a field; nil where it is absent or empty.
    subscript(name: StaticString) -> String? {
        values[name.description].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The text with its percent-encodings decoded; of a form, a plus sign is a space. An encoding that is none stays.
    static func decoded(_ text: some Collection<UInt8>, isForm: Bool = false) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2,
                let high = FormFields.digit(digits.first),
                let low = FormFields.digit(digits.dropFirst().first)
            {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(isForm && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8?) -> UInt8? {
        guard let byte, byte < 0x80 else { return nil }
        return Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
    }
}

/// The text form of one-dimensional arrays of texts (PostgreSQL documentation, "Array Input and Output Syntax").
package enum TextArray {
    /// Parses what the server prints of a `text[]`, such as `{a,"b c",NULL}`; nil for anything else, nested arrays included.
    package static func parsed(_ bytes: UnsafeBufferPointer<UInt8>) -> [String?]? {
        var elements: [String?] = []
        guard bytes.count >= 2, bytes[0] == open, bytes[bytes.count - 1] == close else { return nil }
        let end = bytes.count - 1
        var index = 1
        if index == end { return [] }
        while true {
            guard let element = element(bytes, &index, end) else { return nil }
            elements.append(element)
            if index == end { return elements }
            guard bytes[index] == comma else { return nil }
            index += 1
        }
    }

    /// Parses a string in the same way.
    package static func parsed(_ text: String) -> [String?]? {
        Array(text.utf8).withUnsafeBufferPointer(parsed)
    }

    /// Prints an array as the server reads it: every element in quotes, and NULL without.
    package static func encoded(_ elements: [String?]) -> String {
        var bytes: [UInt8] = [open]
        for element in elements {
            if bytes.count > 1 { bytes.append(comma) }
            guard let element else {
                bytes.append(contentsOf: null)
                continue
            }
            bytes.append(quote)
            for byte in element.utf8 {
                if byte == quote || byte == backslash { bytes.append(backslash) }
                bytes.append(byte)
            }
            bytes.append(quote)
        }
        bytes.append(close)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let open = UInt8(ascii: "{")
    private static let close = UInt8(ascii: "}")
    private static let comma = UInt8(ascii: ",")
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
    private static let null = Array("NULL".utf8)

    /// The element that begins at `index`, which moves behind it; `.some(nil)` is NULL, and nil is no element.
    private static func element(
        _ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int, _ end: Int
    ) -> String?? {
        guard index < end else { return nil }
        if bytes[index] == quote { return quoted(bytes, &index, end).map { .some($0) } }
        let start = index
        while index < end, bytes[index] != comma {
            switch bytes[index] {
            case open, close, quote, backslash, 0...0x20: return nil
            default: index += 1
            }
        }
        let word = bytes[start..<index]
        if word.isEmpty { return nil }
        if isNull(word) { return word.elementsEqual(null) ? .some(nil) : nil }
        return String(decoding: word, as: UTF8.self)
    }

    private static func quoted(_ bytes: UnsafeBufferPointer<UInt8>, _ index: inout Int, _ end: Int) -> String?
    {
        var element: [UInt8] = []
        index += 1
        while index < end {
            switch bytes[index] {
            case quote:
                index += 1
                return String(decoding: element, as: UTF8.self)
            case backslash:
                guard index + 1 < end else { return nil }
                element.append(bytes[index + 1])
                index += 2
            default:
                element.append(bytes[index])
                index += 1
            }
        }
        return nil
    }

    /// Whether the word is NULL in any letter case. As a text, the server would have quoted it.
    private static func isNull(_ word: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        word.count == null.count && zip(word, null).allSatisfy { $0 & 0xDF == $1 }
    }
}

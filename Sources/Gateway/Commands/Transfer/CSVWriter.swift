/// Writes CSV (RFC 4180), so that `CSVReader` reads the same fields back.
enum CSVWriter {
    /// A record with its line end, LF. Nil is an empty field, and an empty text one in quotes.
    static func record(_ fields: [String?]) -> [UInt8] {
        var line: [UInt8] = []
        for (index, field) in fields.enumerated() {
            if index > 0 { line.append(UInt8(ascii: ",")) }
            if let field { append(field, to: &line) }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }

    private static func append(_ field: String, to line: inout [UInt8]) {
        let needsQuotes =
            field.isEmpty
            || field.utf8.contains {
                $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\n")
                    || $0 == UInt8(ascii: "\r")
            }
        guard needsQuotes else {
            line += field.utf8
            return
        }
        line.append(UInt8(ascii: "\""))
        for byte in field.utf8 {
            if byte == UInt8(ascii: "\"") { line.append(byte) }
            line.append(byte)
        }
        line.append(UInt8(ascii: "\""))
    }
}

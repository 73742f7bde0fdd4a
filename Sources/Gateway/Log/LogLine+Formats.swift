import Gatekeeper

extension LogLine {
    /// The line in the given format, with its line end.
    func written(as format: LogFormat) -> [UInt8] {
        switch format {
        case .json: json
        case .text: text
        }
    }

    /// One JSON object (RFC 8259): `time`, `level`, `event`, then the fields.
    private var json: [UInt8] {
        var line = Array("{\"time\":\"".utf8)
        line += time.timestamp.utf8
        line += "\",\"level\":\"\(level)\",\"event\":".utf8
        JSONWords.append(event.utf8, to: &line)
        for field in fields {
            line.append(UInt8(ascii: ","))
            JSONWords.append(field.name.utf8, to: &line)
            line.append(UInt8(ascii: ":"))
            switch field.value {
            case .text(let text): JSONWords.append(text.utf8, to: &line)
            case .bytes(let bytes): JSONWords.append(bytes, to: &line)
            case .number(let number): line += String(number).utf8
            case .list(let texts):
                line.append(UInt8(ascii: "["))
                for (index, text) in texts.enumerated() {
                    if index > 0 { line.append(UInt8(ascii: ",")) }
                    JSONWords.append(text.utf8, to: &line)
                }
                line.append(UInt8(ascii: "]"))
            }
        }
        line += "}\n".utf8
        return line
    }

    /// Time, level and event, then `name=value` for each field. A value that is not one plain word is in quotes.
    private var text: [UInt8] {
        var line = Array(time.timestamp.utf8)
        line += " \(level) ".utf8
        line += event.utf8
        for field in fields {
            line += " \(field.name)=".utf8
            switch field.value {
            case .text(let text): PlainWords.append(Array(text.utf8), to: &line)
            case .bytes(let bytes): PlainWords.append(bytes, to: &line)
            case .number(let number): line += String(number).utf8
            case .list(let texts): PlainWords.append(Array(texts.joined(separator: ",").utf8), to: &line)
            }
        }
        line.append(UInt8(ascii: "\n"))
        return line
    }
}

private let hexadecimal = Array("0123456789abcdef".utf8)

/// JSON strings (RFC 8259 §7) made of any bytes.
enum JSONWords {
    /// Appends the string in quotes. Control characters and line separators are escaped; what is no UTF-8 becomes U+FFFD.
    static func append(_ bytes: some Sequence<UInt8>, to line: inout [UInt8]) {
        line.append(UInt8(ascii: "\""))
        for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x22, 0x5C: line += [UInt8(ascii: "\\"), UInt8(scalar.value)]
            case 0x0A: line += "\\n".utf8
            case 0x0D: line += "\\r".utf8
            case 0x09: line += "\\t".utf8
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: appendEscaped(scalar.value, to: &line)
            case 0x20..<0x7F: line.append(UInt8(scalar.value))
            default: line += UTF8.encode(scalar).map(Array.init) ?? []
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func appendEscaped(_ value: UInt32, to line: inout [UInt8]) {
        line += "\\u".utf8
        for shift in [12, 8, 4, 0] as [UInt32] { line.append(hexadecimal[Int(value >> shift & 0xF)]) }
    }
}

/// Values of the text format, in printable ASCII, so that none can control the terminal that shows them.
enum PlainWords {
    /// Appends the value, in quotes unless it is one plain word. Bytes that are no printable ASCII become `\xNN`.
    static func append(_ bytes: [UInt8], to line: inout [UInt8]) {
        if !bytes.isEmpty, bytes.allSatisfy(isPlain) {
            line += bytes
            return
        }
        line.append(UInt8(ascii: "\""))
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): line += [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7F: line.append(byte)
            default:
                line += [
                    UInt8(ascii: "\\"), UInt8(ascii: "x"), hexadecimal[Int(byte >> 4)],
                    hexadecimal[Int(byte & 0xF)],
                ]
            }
        }
        line.append(UInt8(ascii: "\""))
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            && byte != UInt8(ascii: "=")
    }
}

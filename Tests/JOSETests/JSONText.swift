import JOSE

/// Writes a parsed value back, every string escaped the same way, so that equal values give equal texts.
func text(of value: JSONValue) -> [UInt8] {
    switch value.kind {
    case .null: Array("null".utf8)
    case .bool: Array((value.bool == true ? "true" : "false").utf8)
    case .number: value.numberText ?? []
    case .string: quoted(value.string ?? [])
    case .array:
        [UInt8(ascii: "[")]
            + Array((value.array ?? []).map { text(of: $0) }.joined(separator: Array(",".utf8)))
            + [UInt8(ascii: "]")]
    case .object:
        [UInt8(ascii: "{")]
            + Array(
                (value.object?.members ?? []).map {
                    quoted($0.name) + [UInt8(ascii: ":")] + text(of: $0.value)
                }
                .joined(separator: Array(",".utf8)))
            + [UInt8(ascii: "}")]
    }
}

private func quoted(_ bytes: [UInt8]) -> [UInt8] {
    var result = [UInt8(ascii: "\"")]
    for byte in bytes {
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
            let digits = String(byte, radix: 16)
            result += Array("\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
        } else {
            result.append(byte)
        }
    }
    return result + [UInt8(ascii: "\"")]
}

/// The flaw of a text, nil where it is accepted.
func flaw(_ text: [UInt8]) -> JSONFlaw? {
    do throws(JSONFlaw) {
        _ = try JSONValue(parsing: text)
        return nil
    } catch {
        return error
    }
}

func flaw(_ text: String) -> JSONFlaw? { flaw(Array(text.utf8)) }

func object(_ text: String) throws -> JSONObject { try JSONObject(parsing: Array(text.utf8)) }

import JOSE

/// Where a claim stands in a token: its name, or a JSON pointer into nested ones (RFC 6901), told by its first slash.
package struct ClaimPath: Sendable, Hashable {
    /// Names from the outermost object inwards; never empty.
    private let names: [[UInt8]]

    /// Reads `custom:plan`, or `/address/locality`; nil for the empty text.
    init?(_ text: some Sequence<UInt8>) {
        let bytes = Array(text)
        guard let first = bytes.first else { return nil }
        guard first == ASCII.slash else {
            names = [bytes]
            return
        }
        names = bytes.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false).map(
            ClaimPath.unescaped)
    }

    /// The names with slashes between them, for people.
    var text: String {
        names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    /// The value that stands there; nil where there is none.
    func value(in claims: JSONObject) -> JSONValue? {
        var value = claims[names[0]]
        for name in names.dropFirst() { value = value?.object?[name] }
        return value
    }

    /// `~1` is a slash and `~0` a tilde (RFC 6901 §4).
    private static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in name {
            if isEscaped {
                result.append(byte == UInt8(ascii: "1") ? ASCII.slash : UInt8(ascii: "~"))
                isEscaped = false
            } else if byte == UInt8(ascii: "~") {
                isEscaped = true
            } else {
                result.append(byte)
            }
        }
        return result
    }
}

/// What a rule asks of one claim.
struct ClaimCondition: Sendable, Hashable {
    let claim: ClaimPath
    /// The claim is one of these, or an array that holds one; where `needsAll`, an array that holds all.
    let values: [ClaimScalar]
    let needsAll: Bool

    /// The condition in words.
    var description: String {
        "claim \(claim.text) \(needsAll ? "with all of" : "one of") \(values.map(\.text).joined(separator: ", "))"
    }

    func holds(in claims: JSONObject) -> Bool {
        guard let value = claim.value(in: claims) else { return false }
        let found =
            value.array.map { $0.compactMap(ClaimScalar.init) } ?? [ClaimScalar(value)].compactMap { $0 }
        return needsAll
            ? values.allSatisfy { found.contains($0) } : values.contains { found.contains($0) }
    }
}

/// A claim's value that can be compared: byte by byte, never across types.
enum ClaimScalar: Sendable, Hashable {
    case text([UInt8])
    case number(Int64)
    case flag(Bool)

    /// The value as JSON, but for quotes inside it.
    var text: String {
        switch self {
        case .text(let bytes): "\"\(String(decoding: bytes, as: UTF8.self))\""
        case .number(let number): "\(number)"
        case .flag(let flag): "\(flag)"
        }
    }

    /// Nil for objects, arrays, null, and numbers that are not whole.
    init?(_ value: JSONValue) {
        if let text = value.string {
            self = .text(text)
        } else if let flag = value.bool {
            self = .flag(flag)
        } else if let number = value.numberText.flatMap({ Int64(String(decoding: $0, as: UTF8.self)) }) {
            self = .number(number)
        } else {
            return nil
        }
    }
}

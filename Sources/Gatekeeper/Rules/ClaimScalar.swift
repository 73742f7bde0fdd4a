import HTTPMessage
import JOSE

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

    var isText: Bool { if case .text = self { true } else { false } }

    /// JSON's word for its type.
    var kind: String {
        switch self {
        case .text: "string"
        case .number: "number"
        case .flag: "boolean"
        }
    }

    /// The flag that the words `true` and `false` mean, in any letter case; every other value is itself.
    var asFlag: ClaimScalar {
        guard case .text(let word) = self else { return self }
        let lowered = word.map(ASCII.lowered)
        if lowered.elementsEqual("true".utf8) { return .flag(true) }
        return lowered.elementsEqual("false".utf8) ? .flag(false) : self
    }

    /// The scalar that a claim's value is; nil for objects, arrays, null, and numbers that are not whole.
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

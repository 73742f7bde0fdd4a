import JOSE

/// Where a claim stands in a token: its name, or a JSON pointer into nested ones (RFC 6901), told by its first slash.
package struct ClaimPath: Sendable, Hashable {
    /// Names from the outermost object inwards, and places in arrays; never empty.
    private let names: [[UInt8]]

    /// Reads `custom:plan`, or `/identities/0/providerName`; nil for the empty text, and for a pointer with a tilde that
    /// is followed by neither 0 nor 1 (RFC 6901 §3).
    init?(_ text: some Sequence<UInt8>) {
        let bytes = Array(text)
        guard let first = bytes.first else { return nil }
        guard first == ASCII.slash else {
            names = [bytes]
            return
        }
        var names: [[UInt8]] = []
        for name in bytes.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false) {
            guard let name = ClaimPath.unescaped(name) else { return nil }
            names.append(name)
        }
        self.names = names
    }

    /// The names with slashes between them, for people.
    var text: String {
        names.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    /// Whether Cognito writes the claim as a string, whatever its type: one of the pool's own attributes.
    var isCustomAttribute: Bool { names[0].starts(with: "custom:".utf8) }

    /// Whether the claim is one of the two flags that identity providers also spell as words.
    var isVerification: Bool {
        names.count == 1
            && ["email_verified", "phone_number_verified"].contains { names[0].elementsEqual($0.utf8) }
    }

    /// The value that stands there; nil where there is none.
    func value(in claims: JSONObject) -> JSONValue? {
        var value = claims[names[0]]
        for name in names.dropFirst() {
            if let object = value?.object {
                value = object[name]
            } else if let elements = value?.array, let place = ClaimPath.place(name), place < elements.count {
                value = elements[place]
            } else {
                return nil
            }
        }
        return value
    }

    /// A place in an array: digits without a leading zero (RFC 6901 §4); nil for any other name.
    private static func place(_ name: [UInt8]) -> Int? {
        if name.count > 1, name.first == UInt8(ascii: "0") { return nil }
        return ASCII.decimal(name, maximumDigits: 9)
    }

    /// `~1` is a slash and `~0` a tilde (RFC 6901 §4); nil for a tilde before anything else.
    private static func unescaped(_ name: ArraySlice<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var isEscaped = false
        for byte in name {
            if isEscaped {
                guard byte == UInt8(ascii: "0") || byte == UInt8(ascii: "1") else { return nil }
                result.append(byte == UInt8(ascii: "1") ? ASCII.slash : UInt8(ascii: "~"))
                isEscaped = false
            } else if byte == UInt8(ascii: "~") {
                isEscaped = true
            } else {
                result.append(byte)
            }
        }
        return isEscaped ? nil : result
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
        let elements = (value.array ?? [value]).compactMap(ClaimScalar.init)
        let found = claim.isVerification ? elements.map(\.asFlag) : elements
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

    var isText: Bool { if case .text = self { true } else { false } }

    /// JSON's word for its type.
    var kind: String {
        switch self {
        case .text: "string"
        case .number: "number"
        case .flag: "boolean"
        }
    }

    /// The flag that a word in any letter case says; every other value is itself.
    var asFlag: ClaimScalar {
        guard case .text(let word) = self else { return self }
        let lowered = word.map(ASCII.lowered)
        if lowered.elementsEqual("true".utf8) { return .flag(true) }
        return lowered.elementsEqual("false".utf8) ? .flag(false) : self
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

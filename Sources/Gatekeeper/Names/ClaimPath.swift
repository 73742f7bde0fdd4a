import HTTPMessage
import JOSE

/// Where a claim stands in a token: its name or, where the text begins with a slash, a JSON pointer (RFC 6901).
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

    /// Whether the claim is one of the pool's custom attributes, which Cognito writes as strings whatever their type.
    var isCustomAttribute: Bool { names[0].starts(with: "custom:".utf8) }

    /// Whether the claim is one of the two flags that some identity providers write as `"true"` and `"false"`.
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

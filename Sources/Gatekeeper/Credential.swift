/// What a request offers as proof of its caller: none, one or several are three different states.
package enum Credential {
    case none
    /// The token's bytes; nothing about them is checked yet.
    case token(UnsafeRawBufferPointer, from: Source)
    case several

    /// Where a token stood.
    package enum Source: Sendable {
        case authorization, cookie, query
    }

    /// Reads the one `Authorization` field (RFC 6750 §2.1); other schemes are no credential to this gateway.
    package init(authorization value: UnsafeRawBufferPointer?, count: Int) {
        guard count <= 1 else {
            self = .several
            return
        }
        guard let value, value.count >= 6, Credential.isBearer(value) else {
            self = .none
            return
        }
        var start = 6
        while start < value.count, value[start] == ASCII.space { start += 1 }
        guard start > 6 || value.count == 6 else {
            self = .none
            return
        }
        self = .token(UnsafeRawBufferPointer(rebasing: value[start...]), from: .authorization)
    }

    /// Reads every place in which the tenant lets tokens stand; more than one token is several, whatever they are.
    init(_ request: RequestFacts, _ tenant: Tenant) {
        self.init(authorization: request.authorization, count: request.authorizationCount)
        if let name = tenant.cookieName {
            for cookies in request.cookies {
                Cookies.each(in: cookies) { pair in
                    if pair.name.elementsEqual(name) { add(pair.value, from: .cookie) }
                }
            }
        }
        if let name = tenant.queryParameter {
            QueryParameters.each(in: request.query) { parameter in
                if parameter.isNamed(name) { add(parameter.value, from: .query) }
            }
        }
    }

    private mutating func add(_ token: UnsafeRawBufferPointer, from source: Source) {
        if case .none = self { self = .token(token, from: source) } else { self = .several }
    }

    /// The scheme's name, letter case ignored (RFC 9110 §11.1).
    private static func isBearer(_ value: UnsafeRawBufferPointer) -> Bool {
        (value[0] | 0x20) == UInt8(ascii: "b") && (value[1] | 0x20) == UInt8(ascii: "e")
            && (value[2] | 0x20) == UInt8(ascii: "a") && (value[3] | 0x20) == UInt8(ascii: "r")
            && (value[4] | 0x20) == UInt8(ascii: "e") && (value[5] | 0x20) == UInt8(ascii: "r")
    }
}

/// The pairs of a `Cookie` field's value (RFC 6265 §4.2.1).
package enum Cookies {
    /// One pair as slices of the value; the value is without the quotes around it.
    package struct Pair {
        package let name: UnsafeRawBufferPointer
        package let value: UnsafeRawBufferPointer
        /// The whole pair as it stands between two semicolons, without white space around it.
        package let text: UnsafeRawBufferPointer
    }

    /// Calls `body` with each pair, in order; what has no equals sign is a name with an empty value.
    package static func each(in cookies: UnsafeRawBufferPointer, _ body: (Pair) -> Void) {
        for part in cookies.split(separator: UInt8(ascii: ";")) {
            let text = UnsafeRawBufferPointer(rebasing: trimmed(part))
            guard !text.isEmpty else { continue }
            let mark = text.firstIndex(of: UInt8(ascii: "=")) ?? text.count
            var value = text[min(mark + 1, text.count)...]
            if value.count >= 2, value.first == UInt8(ascii: "\""), value.last == UInt8(ascii: "\"") {
                value = value.dropFirst().dropLast()
            }
            body(
                Pair(
                    name: UnsafeRawBufferPointer(rebasing: trimmed(text[..<mark])),
                    value: UnsafeRawBufferPointer(rebasing: value), text: text))
        }
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = bytes
        while let first = bytes.first, first == ASCII.space || first == 9 { bytes = bytes.dropFirst() }
        while let last = bytes.last, last == ASCII.space || last == 9 { bytes = bytes.dropLast() }
        return bytes
    }
}

/// The parameters of a query (WHATWG URL, "application/x-www-form-urlencoded").
package enum QueryParameters {
    /// One parameter as slices of the query, percent-encoded as it is written.
    package struct Parameter {
        package let name: UnsafeRawBufferPointer
        package let value: UnsafeRawBufferPointer
        /// The whole parameter as it stands between two ampersands.
        package let text: UnsafeRawBufferPointer

        /// Whether the name is this one, however it is percent-encoded.
        package func isNamed(_ other: [UInt8]) -> Bool {
            var index = 0
            for byte in other {
                guard index < name.count else { return false }
                if name[index] == UInt8(ascii: "%"), index + 2 < name.count,
                    let high = ASCII.hexValue(name[index + 1]), let low = ASCII.hexValue(name[index + 2])
                {
                    guard high << 4 | low == byte else { return false }
                    index += 3
                } else {
                    guard name[index] == byte else { return false }
                    index += 1
                }
            }
            return index == name.count
        }
    }

    /// Calls `body` with each parameter of a query, which may begin with its question mark.
    package static func each(in query: UnsafeRawBufferPointer, _ body: (Parameter) -> Void) {
        let start = query.first == UInt8(ascii: "?") ? 1 : 0
        for part in query[start...].split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false) {
            let text = UnsafeRawBufferPointer(rebasing: part)
            let mark = text.firstIndex(of: UInt8(ascii: "=")) ?? text.count
            body(
                Parameter(
                    name: UnsafeRawBufferPointer(rebasing: text[..<mark]),
                    value: UnsafeRawBufferPointer(rebasing: text[min(mark + 1, text.count)...]), text: text))
        }
    }
}

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

    /// Reads the one `Authorization` field (RFC 6750 §2.1); other schemes, and `Bearer` with nothing behind it, are no
    /// credential to this gateway.
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
        guard start > 6, start < value.count else {
            self = .none
            return
        }
        self = .token(UnsafeRawBufferPointer(rebasing: value[start...]), from: .authorization)
    }

    /// Reads the places in which the tenant lets tokens stand. What a client wrote on purpose wins over what a browser
    /// sends by itself: `Authorization`, then the parameter, then the cookie.
    init(_ request: RequestFacts, _ tenant: Tenant) {
        self.init(authorization: request.authorization, count: request.authorizationCount)
        if case .none = self, let name = tenant.queryParameter {
            QueryParameters.each(in: request.query) { parameter in
                if parameter.isNamed(name) { add(parameter.value, from: .query) }
            }
        }
        if case .none = self, let name = tenant.cookieName {
            for cookies in request.cookies {
                Cookies.each(in: cookies) { pair in
                    if pair.isNamed(name) { add(pair.value, from: .cookie) }
                }
            }
        }
    }

    /// One more value in one place: an empty one is none, the same one twice is one, another one is one too many.
    private mutating func add(_ token: UnsafeRawBufferPointer, from source: Source) {
        guard !token.isEmpty else { return }
        switch self {
        case .none: self = .token(token, from: source)
        case .token(let other, _):
            if !UnsafeRawBufferPointer.areEqual(other, token) { self = .several }
        case .several: break
        }
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
        /// Where the whole pair lies in the field's value, between two semicolons and without white space around it.
        package let range: Range<Int>

        /// Whether the name is this one, byte by byte.
        package func isNamed(_ other: [UInt8]) -> Bool {
            name.count == other.count && name.elementsEqual(other)
        }
    }

    /// Calls `body` with each pair, in order; what has no equals sign is a name with an empty value.
    package static func each(in cookies: UnsafeRawBufferPointer, _ body: (Pair) -> Void) {
        var start = 0
        while start < cookies.count {
            // The end of the pair and its first equals sign, in one pass and without a list of the pairs: a field may
            // hold thousands of them.
            var end = start
            var mark = -1
            while end < cookies.count, cookies[end] != UInt8(ascii: ";") {
                if mark < 0, cookies[end] == UInt8(ascii: "=") { mark = end }
                end &+= 1
            }
            let text = trimmed(cookies, start..<end)
            if !text.isEmpty { body(pair(cookies, text, mark)) }
            start = end &+ 1
        }
    }

    /// The pair at `text`, whose first equals sign is at `mark`; negative where there is none.
    private static func pair(_ cookies: UnsafeRawBufferPointer, _ text: Range<Int>, _ mark: Int) -> Pair {
        let name = trimmed(cookies, text.lowerBound..<(mark < 0 ? text.upperBound : mark))
        var value = (mark < 0 ? text.upperBound : mark &+ 1)..<text.upperBound
        if value.count >= 2, cookies[value.lowerBound] == UInt8(ascii: "\""),
            cookies[value.upperBound &- 1] == UInt8(ascii: "\"")
        {
            value = (value.lowerBound &+ 1)..<(value.upperBound &- 1)
        }
        return Pair(
            name: UnsafeRawBufferPointer(rebasing: cookies[name]),
            value: UnsafeRawBufferPointer(rebasing: cookies[value]), range: text)
    }

    private static func trimmed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, bytes[start] == ASCII.space || bytes[start] == 9 { start &+= 1 }
        while end > start, bytes[end &- 1] == ASCII.space || bytes[end &- 1] == 9 { end &-= 1 }
        return start..<end
    }
}

/// The parameters of a query (WHATWG URL, "application/x-www-form-urlencoded").
package enum QueryParameters {
    /// One parameter as slices of the query, percent-encoded as it is written.
    package struct Parameter {
        package let name: UnsafeRawBufferPointer
        package let value: UnsafeRawBufferPointer
        /// Where the whole parameter lies in the query, between two ampersands.
        package let range: Range<Int>

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
        var start = query.first == UInt8(ascii: "?") ? 1 : 0
        while start <= query.count {
            var end = start
            var mark = -1
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if mark < 0, query[end] == UInt8(ascii: "=") { mark = end }
                end &+= 1
            }
            body(
                Parameter(
                    name: UnsafeRawBufferPointer(rebasing: query[start..<(mark < 0 ? end : mark)]),
                    value: UnsafeRawBufferPointer(rebasing: query[(mark < 0 ? end : mark &+ 1)..<end]),
                    range: start..<end))
            start = end &+ 1
        }
    }
}

extension QueryParameters {
    /// Whether an address, such as that of `Referer`, holds a parameter of this name: in its query or fragment, or in an
    /// address that stands in one of them, percent-encoded up to twice over. Letter case is ignored, since nobody is
    /// harmed by an address that is kept back.
    package static func holds(_ name: [UInt8], in address: UnsafeRawBufferPointer) -> Bool {
        let wanted = name.map(ASCII.lowered)
        var text = Array(address)
        for _ in 0..<Limits.decodingsOfAddress {
            if namesOne(wanted, text) { return true }
            let decoded = PercentEncoding.decoded(text)
            if decoded.count == text.count { return false }
            text = decoded
        }
        return namesOne(wanted, text)
    }

    /// Whether a parameter of this lower-case name stands in a text, between any two of the bytes that services take for
    /// separators; in one pass and without a list of the parameters, of which there may be thousands.
    private static func namesOne(_ name: [UInt8], _ text: [UInt8]) -> Bool {
        // How many bytes of the name stand at the parameter's beginning; nil once it is another one.
        var matched: Int? = 0
        for byte in text {
            let isSeparator =
                byte == UInt8(ascii: "&") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: ";")
                || byte == UInt8(ascii: "#")
            if isSeparator || byte == UInt8(ascii: "=") {
                if matched == name.count { return true }
                matched = isSeparator ? 0 : nil
            } else if let count = matched {
                matched = count < name.count && ASCII.lowered(byte) == name[count] ? count + 1 : nil
            }
        }
        return matched == name.count
    }
}

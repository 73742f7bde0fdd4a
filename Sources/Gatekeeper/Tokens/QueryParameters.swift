import HTTPMessage

/// The parameters of a query (WHATWG URL, "application/x-www-form-urlencoded").
package enum QueryParameters {
    /// One parameter, as slices of the query: percent-encoded, where it is written so.
    package struct Parameter {
        /// What stands before the first equals sign.
        package let name: UnsafeRawBufferPointer
        /// What stands behind it; empty where there is none.
        package let value: UnsafeRawBufferPointer
        /// Where the parameter stands in the query, without ampersands.
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

    /// Calls `body` with each parameter of a query in its order; the query may begin with its question mark.
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
    /// Whether an address, such as that of `Referer`, holds a parameter of this name.
    ///
    /// The parameter may stand in the address's query or fragment, or in a second address in one of them, which may be
    /// percent-encoded once or twice. Letter case is ignored: an address that is kept back for nothing does no harm.
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

    /// Whether a parameter of this name, in small letters, stands in a text, between any two bytes that services take for
    /// separators. Reads the text once and makes no list of the parameters, of which there may be thousands.
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

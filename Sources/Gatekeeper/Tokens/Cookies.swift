import HTTPMessage

/// The pairs of a `Cookie` field's value (RFC 6265 §4.2.1).
package enum Cookies {
    /// One pair, as slices of the field's value; its own value is without the quotes around it.
    package struct Pair {
        /// What stands before the first equals sign.
        package let name: UnsafeRawBufferPointer
        /// What stands behind it; empty where there is none.
        package let value: UnsafeRawBufferPointer
        /// Where the pair stands in the field's value, without semicolons and without white space around it.
        package let range: Range<Int>

        /// Whether the name is this one, byte by byte.
        package func isNamed(_ other: [UInt8]) -> Bool {
            name.count == other.count && name.elementsEqual(other)
        }
    }

    /// Calls `body` with each pair in its order. What has no equals sign is a name with an empty value.
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

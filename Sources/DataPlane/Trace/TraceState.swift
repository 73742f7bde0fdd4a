import HTTPMessage

/// Judges `tracestate`, which belongs to whoever took part in the trace before, and is passed on as it is or not at all
/// (W3C Trace Context, level 1, §3.3).
struct TraceState {
    private var memberCount = 0
    private var byteCount = 0
    private var isWellFormed = true

    /// Whether the lines taken so far may be passed on: at most `Limits.traceStateMembers` members in
    /// `Limits.traceStateBytes`, each `key=value` in the characters that the specification allows.
    var isPassable: Bool {
        isWellFormed && memberCount <= Limits.traceStateMembers && byteCount <= Limits.traceStateBytes
    }

    /// Takes the value of one line; several lines are one list.
    mutating func take(_ value: UnsafeRawBufferPointer) {
        byteCount += value.count + (byteCount == 0 ? 0 : 1)
        // A list beyond the bound is not read.
        guard isWellFormed, byteCount <= Limits.traceStateBytes else { return }
        var start = 0
        while start <= value.count {
            var end = start
            while end < value.count, value[end] != UInt8(ascii: ",") { end += 1 }
            take(member: ForwardedAddress.trimmed(value, start..<end), of: value)
            start = end + 1
        }
    }

    /// An empty member counts as none.
    private mutating func take(member range: Range<Int>, of value: UnsafeRawBufferPointer) {
        guard !range.isEmpty else { return }
        memberCount += 1
        guard let mark = value[range].firstIndex(of: UInt8(ascii: "=")), mark > range.lowerBound,
            mark + 1 < range.upperBound
        else {
            isWellFormed = false
            return
        }
        let isKey = value[range.lowerBound..<mark].allSatisfy(TraceState.isKeyByte)
        let isValue = value[(mark + 1)..<range.upperBound].allSatisfy {
            $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=")
        }
        if !isKey || !isValue { isWellFormed = false }
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        ASCII.isDigit(byte) || byte >= 0x61 && byte <= 0x7A
            || [0x5F, 0x2D, 0x2A, 0x2F, 0x40].contains(byte)
    }
}

import HTTPMessage

/// The name of a trace: 128 bits that are not all zero (Trace Context §3.2.2.3).
package struct TraceID: Hashable, Sendable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    /// Nil for zero.
    init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String { HexadecimalDigits.text(high) + HexadecimalDigits.text(low) }
}

/// The name of a span: 64 bits that are not all zero (Trace Context §3.2.2.4).
package struct SpanID: Hashable, Sendable, CustomStringConvertible {
    let bits: UInt64

    /// Nil for zero.
    init?(_ bits: UInt64) {
        guard bits != 0 else { return nil }
        self.bits = bits
    }

    /// 16 lower-case hexadecimal digits.
    package var description: String { HexadecimalDigits.text(bits) }
}

/// What `traceparent` says (W3C Trace Context, level 1, §3.2): the trace, the span before this one, and whether it is
/// recorded.
package struct TraceParent: Hashable, Sendable {
    /// The trace that the request is part of.
    package let trace: TraceID
    /// The span of whoever sends the request.
    package let span: SpanID
    /// Whether the sender may have recorded it.
    package let isSampled: Bool

    init(trace: TraceID, span: SpanID, isSampled: Bool) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// Reads a field's value; nil where it is malformed, of version `ff`, or longer than `Limits.traceParentBytes`. Of a
    /// version that is not known yet the beginning is read, which has this form in all of them (§3.2.4, "Versioning").
    init?(_ value: UnsafeRawBufferPointer) {
        guard value.count >= 55, value.count <= Limits.traceParentBytes,
            value[2] == ASCII.hyphen, value[35] == ASCII.hyphen, value[52] == ASCII.hyphen,
            let version = TraceParent.bits(value, 0..<2), version != 0xFF,
            version == 0 ? value.count == 55 : value.count == 55 || value[55] == ASCII.hyphen,
            let high = TraceParent.bits(value, 3..<19), let low = TraceParent.bits(value, 19..<35),
            let trace = TraceID(high: high, low: low),
            let span = TraceParent.bits(value, 36..<52).flatMap({ SpanID($0) }),
            let flags = TraceParent.bits(value, 53..<55)
        else { return nil }
        self.init(trace: trace, span: span, isSampled: flags & 1 == 1)
    }

    /// The number that these lower-case digits are; nil where one is none, or of upper case.
    private static func bits(_ value: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
        var bits: UInt64 = 0
        for index in range {
            switch value[index] {
            case let digit where ASCII.isDigit(digit): bits = bits << 4 | UInt64(digit &- 0x30)
            case let letter where letter >= 0x61 && letter <= 0x66: bits = bits << 4 | UInt64(letter &- 0x57)
            default: return nil
            }
        }
        return bits
    }

    /// Writes the field, of version 00.
    func write(into output: inout HeadCursor) {
        output.write("traceparent: 00-")
        output.write(hexadecimal: trace.high)
        output.write(hexadecimal: trace.low)
        output.write("-")
        output.write(hexadecimal: span.bits)
        output.write(isSampled ? "-01\r\n" : "-00\r\n")
    }
}

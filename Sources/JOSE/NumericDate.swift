/// Seconds since 1970-01-01T00:00:00Z as a JSON number, fractions allowed (RFC 7519 §2).
package struct NumericDate: Sendable, Hashable {
    /// Nanoseconds since the epoch, rounded towards zero; what lies beyond 292 years from it is cut to that.
    package let nanoseconds: Int64

    /// Reads a number that JSON's grammar admits; never traps, whatever its size.
    init(_ number: ArraySlice<UInt8>) {
        var rest = number
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        var (digits, scale): ([UInt8], Int) = ([], 9)
        while let byte = rest.first, byte &- 0x30 < 10 {
            digits.append(byte &- 0x30)
            rest = rest.dropFirst()
        }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            while let byte = rest.first, byte &- 0x30 < 10 {
                digits.append(byte &- 0x30)
                scale -= 1
                rest = rest.dropFirst()
            }
        }
        scale += NumericDate.exponent(rest.dropFirst())
        let magnitude = NumericDate.scaled(digits, by: scale)
        nanoseconds = isNegative ? -magnitude : magnitude
    }

    private static func exponent(_ text: ArraySlice<UInt8>) -> Int {
        var rest = text
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        // The number's length is bounded, its exponent's value is not: past the limit it makes no difference.
        let value = rest.reduce(0) { min($0 * 10 + Int($1 &- 0x30), Limits.numberExponent) }
        return isNegative ? -value : value
    }

    /// `digits` times ten to the power `scale`, cut to `Int64.max`.
    private static func scaled(_ digits: [UInt8], by scale: Int) -> Int64 {
        var value: Int64 = 0
        let kept = scale < 0 ? digits.dropLast(min(-scale, digits.count)) : digits[...]
        for digit in kept + Array(repeating: 0, count: max(scale, 0)) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(digit))
            if overflow || carry { return .max }
            value = sum
        }
        return value
    }
}

import JOSE
import Testing

@Suite struct NumericDateTests {
    func nanoseconds(_ number: String) throws -> Int64 {
        try #require(try JSONValue(parsing: Array(number.utf8)).numericDate).nanoseconds
    }

    @Test(
        "Seconds become nanoseconds, with fractions and exponents",
        arguments: [
            ("0", 0), ("-0", 0), ("1", 1_000_000_000), ("1676316377", 1_676_316_377_000_000_000),
            ("1.5", 1_500_000_000),
            ("-1.5", -1_500_000_000), ("0.000000001", 1), ("1e9", 1_000_000_000_000_000_000),
            ("1E+2", 100_000_000_000),
            ("15e-1", 1_500_000_000), ("1.676316377e9", 1_676_316_377_000_000_000), ("0.1e1", 1_000_000_000),
            ("0e400", 0),
            ("9223372036.854775807", Int64.max), ("100000e-5", 1_000_000_000),
        ] as [(String, Int64)])
    func exact(number: String, expected: Int64) throws {
        #expect(try nanoseconds(number) == expected)
    }

    @Test(
        "What is finer than a nanosecond is dropped, towards zero",
        arguments: [
            ("1.9999999999", 1_999_999_999), ("-1.9999999999", -1_999_999_999), ("1e-10", 0), ("1e-400", 0),
            ("-1e-99999", 0),
            ("0.0000000009", 0),
        ] as [(String, Int64)])
    func truncation(number: String, expected: Int64) throws {
        #expect(try nanoseconds(number) == expected)
    }

    @Test(
        "What lies beyond the range is cut to it and never traps",
        arguments: [
            "9223372036.854775808", "9999999999", "253402300799", "9223372036854775808",
            "18446744073709551616", "1e308", "1e309", "1e400",
            "1e99999999999999999999999999", "99999999999999999999999999999999", "0.1e400", "9e18",
        ])
    func saturation(number: String) throws {
        #expect(try nanoseconds(number) == .max)
        guard number.utf8.count < 32 else { return }
        #expect(try nanoseconds("-" + number) == -Int64.max)
    }
}

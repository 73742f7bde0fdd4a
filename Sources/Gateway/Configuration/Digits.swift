/// Decimal numbers without sign or blanks, read without a trap.
enum Digits {
    /// The number that the digits write; nil for anything else, and for more than `greatest`.
    static func number(_ bytes: some Collection<UInt8>, atMost greatest: Int) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var number = 0
        for byte in bytes {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            let (product, overflowed) = number.multipliedReportingOverflow(by: 10)
            let (sum, exceeded) = product.addingReportingOverflow(Int(byte - 0x30))
            guard !overflowed, !exceeded, sum <= greatest else { return nil }
            number = sum
        }
        return number
    }
}

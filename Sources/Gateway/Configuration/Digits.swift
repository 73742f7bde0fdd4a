/// Numbers of digits alone: no sign, no space, no trap.
enum Digits {
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

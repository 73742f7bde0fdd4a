/// Random numbers for choices of no secrecy: xorshift (Marsaglia, 2003), since the system's would cost a call of the
/// kernel each.
struct RandomBits {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed | 1
    }

    /// A number from 0 to one less than `count`, which is at least 1.
    mutating func below(_ count: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int((state >> 32) % UInt64(count))
    }
}

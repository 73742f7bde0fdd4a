/// Scans over wire bytes.
///
/// Invariant of every function here: reads lie within `bytes[start..<end]`, which the caller has bounded by
/// `bytes.count`; words are loaded only where they end before `end`.
@usableFromInline package enum ByteScanner {
    /// The first byte at or after `start` that no field value may hold plainly: a control character but TAB, or DEL.
    /// `end` where there is none.
    @inlinable package static func endOfText(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int)
        -> Int
    {
        var index = endOfPlainWords(bytes, from: start, to: end)
        while index &+ 8 <= end {
            let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            // The top bit of a byte's sum is clear where the byte is below 0x20, and where it is 0x7F; none carries.
            let low = word & 0x7F7F_7F7F_7F7F_7F7F
            let atLeastSpace = low &+ 0x6060_6060_6060_6060
            let notDelete = (low ^ 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F
            var hits = ~(atLeastSpace & notDelete | word) & 0x8080_8080_8080_8080
            if hits != 0 {
                let notTab = (low ^ 0x0909_0909_0909_0909) &+ 0x7F7F_7F7F_7F7F_7F7F
                hits &= notTab | word
                if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
            }
            index &+= 8
        }
        while index < end {
            let byte = bytes[index]
            if byte < 0x20 ? byte != 9 : byte == 0x7F { return index }
            index &+= 1
        }
        return end
    }

    /// Passes over visible ASCII and spaces 64 bytes at a time, since a token is a thousand of them; what comes next is
    /// looked at more closely.
    @inlinable package static func endOfPlainWords(
        _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) -> Int {
        var index = start
        while index &+ 64 <= end {
            let found = unplain(bytes, at: index) | unplain(bytes, at: index &+ 32)
            guard (found[0] | found[1]) & 0x8080_8080_8080_8080 == 0 else { break }
            index &+= 64
        }
        return index
    }

    /// Of the result no byte's top bit is set where all 32 bytes at `index` are between 0x20 and 0x7E.
    @inlinable @inline(__always) package static func unplain(
        _ bytes: UnsafeRawBufferPointer, at index: Int
    ) -> SIMD2<UInt64> {
        let space = SIMD16<UInt8>(repeating: 0x20)
        let aboveTilde = SIMD16<UInt8>(repeating: 0x80 - 0x5F)
        let first = bytes.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self) &- space
        let second = bytes.loadUnaligned(fromByteOffset: index &+ 16, as: SIMD16<UInt8>.self) &- space
        let found = first | (first &+ aboveTilde) | second | (second &+ aboveTilde)
        return unsafeBitCast(found, to: SIMD2<UInt64>.self)
    }

    /// The first byte at or after `start` that is no visible ASCII; `end` where there is none.
    @inlinable package static func endOfVisible(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int)
        -> Int
    {
        var index = start
        while index < end, bytes[index] &- 0x21 < 0x5E { index &+= 1 }
        return index
    }

    /// Whether `byte` may stand in a token (RFC 9110 §5.6.2).
    @inlinable package static func isToken(_ byte: UInt8) -> Bool {
        if byte < 64 { return (0x03FF_6CFA_0000_0000 as UInt64) >> UInt64(byte) & 1 == 1 }
        return byte < 128 && (0x57FF_FFFF_C7FF_FFFE as UInt64) >> UInt64(byte & 63) & 1 == 1
    }

    /// The first byte at or after `start` that no token holds; `end` where there is none.
    @inlinable package static func endOfToken(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int)
        -> Int
    {
        var index = start
        while index < end {
            let byte = bytes[index]
            let set: UInt64 = byte < 64 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
            guard byte < 128, set &>> UInt64(byte & 63) & 1 == 1 else { return index }
            index &+= 1
        }
        return end
    }

    /// Compares with a name of small letters, digits and `-`, letter case of `bytes` ignored.
    @inlinable package static func equals(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard bytes.count == count else { return false }
        let expected = UnsafeRawPointer(name.utf8Start)
        var index = 0
        while index &+ 8 <= count {
            // Letter case is the bit 0x20; what is no letter in a lower-case name lacks the bit 0x40, and has no case.
            let word = expected.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let difference = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ word
            if difference & ~((word & 0x4040_4040_4040_4040) >> 1) != 0 { return false }
            index &+= 8
        }
        while index < count {
            if ASCII.lowered(bytes[index]) != name.utf8Start[index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether `bytes` are those of `word`, letter case included.
    @inlinable package static func isExactly(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where bytes[index] != word.utf8Start[index] { return false }
        return true
    }

    /// Whether `bytes` begin with a lower-case word, letter case of `bytes` ignored.
    @inlinable package static func begins(_ bytes: UnsafeRawBufferPointer, with word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        return bytes.count >= count && equals(UnsafeRawBufferPointer(rebasing: bytes[..<count]), word)
    }

    /// White space as it stands between parts of a value; line ends are part of a folded one.
    @inlinable package static func isSpace(_ byte: UInt8) -> Bool {
        byte <= 0x20 && (byte == 0x20 || byte == 9 || byte == 10 || byte == 13)
    }

    /// `bytes` without white space at either end of `start..<end`.
    @inlinable package static func trimmed(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> (
        Int, Int
    ) {
        var (start, end) = (start, end)
        while start < end, isSpace(bytes[start]) { start &+= 1 }
        while end > start, isSpace(bytes[end &- 1]) { end &-= 1 }
        return (start, end)
    }

    /// Decimal digits only, at most 2^63 - 1; nil for anything else.
    @inlinable package static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry, sum <= UInt64(Int64.max) else { return nil }
            value = sum
        }
        return value
    }

    /// Calls `body` with each element of a comma-separated list, white space around it removed, empty ones left out.
    @inlinable package static func eachElement(
        _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ body: (Int, Int) -> Void
    ) {
        var start = range.lowerBound
        while start <= range.upperBound {
            var end = start
            while end < range.upperBound, bytes[end] != 0x2C { end &+= 1 }
            let (first, last) = trimmed(bytes, start, end)
            if first < last { body(first, last) }
            start = end &+ 1
        }
    }
}

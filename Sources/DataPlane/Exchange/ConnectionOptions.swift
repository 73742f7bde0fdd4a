import HTTPMessage

/// The fields that a message's `Connection` names, which go no further than one connection (RFC 9110 §7.6.1).
///
/// Each option is looked up among the names of the head's own fields, which are bounded, so that many options cost no
/// more than their bytes; the table's hash has secrets, so that nobody outside can aim at one slot.
struct ConnectionOptions {
    /// By field: the first one of the same name, letter case ignored.
    private var firsts: [Int32]
    /// By field, where it is the first of its name.
    private var isNamed: [Bool]
    /// Open addressing, at most half full; the field's index is negative where a slot is empty.
    private var slots: [Slot]

    private struct Slot {
        var hash: UInt64 = 0
        var field: Int32 = -1
        /// Bytes of the name.
        var count: Int32 = 0
    }

    init(_ fields: [HeadField], _ bytes: UnsafeRawBufferPointer) {
        firsts = Array(repeating: -1, count: fields.count)
        isNamed = Array(repeating: false, count: fields.count)
        var size = 16
        while size < 2 * fields.count { size *= 2 }
        slots = Array(repeating: Slot(), count: size)
        let hasher = NameHasher.ofProcess
        for index in fields.indices {
            let name = fields[index].name.range
            let hash = hasher.hash(bytes, name)
            let slot = self.slot(of: hash, name, fields, bytes)
            if slots[slot].field < 0 {
                slots[slot] = Slot(
                    hash: hash, field: Int32(truncatingIfNeeded: index),
                    count: Int32(truncatingIfNeeded: name.count))
            }
            firsts[index] = slots[slot].field
        }
        for field in fields where field.known == .connection {
            read(field.value.range, hasher, fields, bytes)
        }
    }

    /// Whether the field at this index is named.
    func name(_ index: Int) -> Bool { isNamed[Int(firsts[index])] }

    private mutating func read(
        _ range: Range<Int>, _ hasher: NameHasher, _ fields: [HeadField], _ bytes: UnsafeRawBufferPointer
    ) {
        var start = range.lowerBound
        while start < range.upperBound {
            var end = start
            // A comma, or white space, a fold's included: no other byte of a value is as small as a space.
            while end < range.upperBound, bytes[end] != 0x2C, bytes[end] > 0x20 { end &+= 1 }
            if end > start {
                let slot = self.slot(of: hasher.hash(bytes, start..<end), start..<end, fields, bytes)
                if slots[slot].field >= 0 { isNamed[Int(slots[slot].field)] = true }
            }
            start = end &+ 1
        }
    }

    /// The slot in which a name stands, or the empty one in which it would.
    private func slot(
        of hash: UInt64, _ name: Range<Int>, _ fields: [HeadField], _ bytes: UnsafeRawBufferPointer
    ) -> Int {
        let mask = slots.count &- 1
        var index = Int(truncatingIfNeeded: hash >> 32) & mask
        while slots[index].field >= 0 {
            // Of names that fit a word the hash is another for each.
            if slots[index].hash == hash, Int(slots[index].count) == name.count,
                name.count <= 8
                    || ConnectionOptions.areEqual(bytes, name, fields[Int(slots[index].field)].name.range)
            {
                return index
            }
            index = (index &+ 1) & mask
        }
        return index
    }

    /// Compares ranges of one length.
    private static func areEqual(
        _ bytes: UnsafeRawBufferPointer, _ left: Range<Int>, _ right: Range<Int>
    ) -> Bool {
        var (one, two) = (left.lowerBound, right.lowerBound)
        while one < left.upperBound {
            if ASCII.lowered(bytes[one]) != ASCII.lowered(bytes[two]) { return false }
            one &+= 1
            two &+= 1
        }
        return true
    }
}

/// Hashes field names, letter case ignored, eight bytes at a time.
private struct NameHasher {
    /// One for each process: names that share a slot cannot be found out in advance.
    static let ofProcess = NameHasher()

    private let seed = UInt64.random(in: .min ... .max)
    private let factor = UInt64.random(in: .min ... .max) | 1

    /// Every step is one to one, so that names of at most eight bytes and of one length never share a hash.
    ///
    /// Invariant: `range` lies within `bytes`; a word is loaded only where eight bytes of them are left.
    func hash(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: range.count)
        var index = range.lowerBound
        while index < range.upperBound {
            let rest = range.upperBound &- index
            var word: UInt64 = 0
            if index &+ 8 <= bytes.count {
                word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if rest < 8 { word &= (1 << UInt64(8 &* rest)) &- 1 }
            } else {
                for offset in 0..<min(rest, 8) {
                    word |= UInt64(bytes[index &+ offset]) << UInt64(8 &* offset)
                }
            }
            hash = (hash ^ NameHasher.lowered(word)) &* factor
            hash ^= hash >> 29
            index &+= 8
        }
        return hash &* factor
    }

    /// Eight bytes with capital letters made small; every other byte stays what it is.
    private static func lowered(_ word: UInt64) -> UInt64 {
        let low = word & 0x7F7F_7F7F_7F7F_7F7F
        let fromA = low &+ 0x3F3F_3F3F_3F3F_3F3F
        let beyondZ = low &+ 0x2525_2525_2525_2525
        let isCapital = fromA & ~beyondZ & ~word & 0x8080_8080_8080_8080
        return word | isCapital >> 2
    }
}

extension HeadField {
    /// Whether a word of the value, between commas and white space, is `word`, byte by byte.
    func names(_ word: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Bool {
        var start = Int(value.start)
        let last = Int(value.end)
        while start < last {
            var end = start
            while end < last, bytes[end] != 0x2C, bytes[end] != 0x20, bytes[end] != 9 { end &+= 1 }
            if end &- start == word.count, bytes[start..<end].elementsEqual(word) { return true }
            start = end &+ 1
        }
        return false
    }
}

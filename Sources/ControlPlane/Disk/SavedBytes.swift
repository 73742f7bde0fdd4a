/// Writes numbers and byte strings, as files of the state directory hold them: every number in eight bytes, the lowest
/// first, and every string after its length.
struct SavedBytes {
    /// A number's size.
    static let numberBytes = 8

    private(set) var bytes: [UInt8] = []

    mutating func reserve(_ count: Int) {
        bytes.reserveCapacity(count)
    }

    mutating func append(_ number: UInt64) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ number: Int64) {
        append(UInt64(bitPattern: number))
    }

    mutating func append(_ string: some Collection<UInt8>) {
        append(UInt64(string.count))
        bytes.append(contentsOf: string)
    }

    /// Appends bytes without their length.
    mutating func append(raw other: some Collection<UInt8>) {
        bytes.append(contentsOf: other)
    }

    /// A number that differs where the bytes do: each word is mixed in by exclusive or, rotation and a multiplication, so
    /// that neither one changed byte nor equal changes of two words stay unseen. It finds damage; people who would change
    /// the file are kept out by its mode.
    static func checksum(_ bytes: ArraySlice<UInt8>, seed: UInt64 = 0) -> UInt64 {
        bytes.withUnsafeBytes { buffer in
            var hash = seed ^ 0xcbf2_9ce4_8422_2325 ^ UInt64(buffer.count)
            func mix(_ word: UInt64) {
                hash ^= word
                hash = (hash << 27 | hash >> 37) &* 0x9e37_79b9_7f4a_7c15
            }
            var index = 0
            while index + numberBytes <= buffer.count {
                mix(UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
                index += numberBytes
            }
            var last: UInt64 = 0
            while index < buffer.count {
                last = last << 8 | UInt64(buffer[index])
                index += 1
            }
            mix(last)
            return hash ^ hash >> 32
        }
    }
}

/// Reads what `SavedBytes` wrote. Every method returns nil where the bytes do not hold what is asked for, and none of them
/// makes room for more than there is.
struct SavedBytesReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number() -> UInt64? {
        guard rest.count >= SavedBytes.numberBytes else { return nil }
        var value: UInt64 = 0
        for (offset, byte) in rest.prefix(SavedBytes.numberBytes).enumerated() {
            value |= UInt64(byte) << UInt64(8 * offset)
        }
        rest = rest.dropFirst(SavedBytes.numberBytes)
        return value
    }

    mutating func signedNumber() -> Int64? {
        number().map { Int64(bitPattern: $0) }
    }

    mutating func string() -> ArraySlice<UInt8>? {
        number().flatMap { raw($0) }
    }

    /// So many bytes, whose number stood elsewhere.
    mutating func raw(_ length: UInt64) -> ArraySlice<UInt8>? {
        guard length <= UInt64(rest.count) else { return nil }
        defer { rest = rest.dropFirst(Int(length)) }
        return rest.prefix(Int(length))
    }

    /// The number of elements that follow, each of which takes so many bytes at least.
    mutating func count(ofAtLeast elementBytes: Int) -> Int? {
        guard let count = number(), count <= UInt64(rest.count / elementBytes) else { return nil }
        return Int(count)
    }

    /// So many elements, each read by `element`, after their number.
    mutating func list<Element>(
        ofAtLeast elementBytes: Int, _ element: (inout SavedBytesReader) -> Element?
    ) -> [Element]? {
        guard let count = count(ofAtLeast: elementBytes) else { return nil }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            guard let next = element(&self) else { return nil }
            elements.append(next)
        }
        return elements
    }
}

/// Reads field lines up to the empty line (RFC 9112 §5): shared by requests, answers and trailers.
///
/// Keeps its place between calls, so that a head that comes byte by byte is scanned at most twice, and its array's
/// capacity between messages, so that a message costs no allocation.
struct FieldSection {
    private(set) var fields: [HeadField] = []
    private let limits: HeadLimits
    /// Where the line under way begins.
    private var lineStart = 0
    /// How far the line under way was scanned.
    private var scanned = 0
    /// The colon of the line under way; 0 while its name is being read.
    private var colon = 0
    private var nameHash = CollapsedName.seed

    init(limits: HeadLimits) {
        self.limits = limits
        fields.reserveCapacity(16)
    }

    /// Begins a section whose first line starts at `offset`.
    mutating func reset(at offset: Int) {
        fields.removeAll(keepingCapacity: true)
        beginLine(offset)
    }

    private mutating func beginLine(_ offset: Int) {
        lineStart = offset
        scanned = offset
        colon = 0
        nameHash = CollapsedName.seed
    }

    /// Reads on in `bytes`, which begins with the message's first byte; the offset after the empty line, or nil for
    /// more bytes.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Int? {
        while true {
            if colon == 0 {
                if scanned == lineStart, lineStart < bytes.count, bytes[lineStart] == 13 {
                    guard lineStart &+ 1 < bytes.count else { return nil }
                    guard bytes[lineStart &+ 1] == 10 else { throw .bareCR }
                    return lineStart &+ 2
                }
                guard try readName(bytes) else { return nil }
            }
            guard try readValue(bytes) else { return nil }
        }
    }

    private mutating func readName(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        var index = scanned
        var hash = nameHash
        while index < bytes.count {
            let byte = bytes[index]
            guard ByteScanner.isToken(byte) else {
                guard byte == 0x3A, index > lineStart else {
                    throw nameFlaw(byte, isFirst: index == lineStart)
                }
                guard fields.count < limits.fieldCount else { throw .tooManyFields }
                colon = index
                scanned = index &+ 1
                nameHash = hash
                return true
            }
            hash = (hash ^ UInt32(CollapsedName.fold(byte))) &* CollapsedName.prime
            index &+= 1
        }
        scanned = index
        nameHash = hash
        guard index &- lineStart <= limits.fieldBytes else { throw .fieldTooLarge }
        return false
    }

    private func nameFlaw(_ byte: UInt8, isFirst: Bool) -> MessageFlaw {
        switch byte {
        case 10: .bareLF
        case 13: isFirst ? .bareCR : .badFieldName
        case 9, 0x20: isFirst ? .foldedLine : .badFieldName
        default: .badFieldName
        }
    }

    private mutating func readValue(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        let end = ByteScanner.endOfText(bytes, from: scanned, to: bytes.count)
        scanned = end
        guard end &- lineStart <= limits.fieldBytes else { throw .fieldTooLarge }
        guard end < bytes.count else { return false }
        guard bytes[end] == 13 else { throw bytes[end] == 10 ? .bareLF : .badFieldValue }
        guard end &+ 1 < bytes.count else { return false }
        guard bytes[end &+ 1] == 10 else { throw .bareCR }
        let (first, last) = ByteScanner.trimmed(bytes, colon &+ 1, end)
        let name = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<colon])
        fields.append(
            HeadField(
                name: HeadSlice(lineStart, colon), value: HeadSlice(first, last),
                line: HeadSlice(lineStart, end &+ 2), collapsedHash: nameHash, known: KnownField.named(name)))
        beginLine(end &+ 2)
        return true
    }
}

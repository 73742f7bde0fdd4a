import HTTPMessage

/// Reads field lines up to the empty line (RFC 9112 §5): shared by requests, responses and trailers.
///
/// Keeps its place between calls, so that a head that comes byte by byte is scanned at most twice, and its array's
/// capacity between messages, so that a message costs no allocation.
///
/// Requests are read strictly. Of responses, lines are read that leave no doubt where they end and what they say: white
/// space before a colon, lines that end in LF alone, and folded ones (RFC 9112 §2.2, §5.1, §5.2).
struct FieldSection {
    private(set) var fields: [HeadField] = []
    private let limits: HeadLimits
    private let isLenient: Bool
    /// Where the line under way begins.
    private var lineStart = 0
    /// How far the line under way was scanned.
    private var scanned = 0
    /// Where the name of the line under way ends; 0 while it is being read.
    private var nameEnd = 0
    /// The colon of the line under way; 0 before it was seen.
    private var colon = 0
    private var nameHash = CollapsedName.seed
    /// Whether the line under way continues the last field's value.
    private var isFold = false
    /// Lines that continue a value; they count among the head's.
    private var folds = 0

    init(limits: HeadLimits, isLenient: Bool = false) {
        self.limits = limits
        self.isLenient = isLenient
        fields.reserveCapacity(Limits.initialFields)
    }

    /// Begins a section whose first line starts at `offset`.
    mutating func reset(at offset: Int) {
        // What one long head needed is not kept for as long as the connection lasts.
        fields.removeAll(keepingCapacity: fields.capacity <= Limits.keptFields)
        folds = 0
        beginLine(offset)
    }

    private mutating func beginLine(_ offset: Int) {
        lineStart = offset
        scanned = offset
        nameEnd = 0
        colon = 0
        nameHash = CollapsedName.seed
        isFold = false
    }

    /// Reads on in `bytes`, which begins with the message's first byte; the offset after the empty line, or nil for
    /// more bytes.
    mutating func read(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Int? {
        while true {
            if scanned == lineStart {
                guard lineStart < bytes.count else { return nil }
                let first = bytes[lineStart]
                if first == 13 || (first == 10 && isLenient) {
                    return try FieldSection.endOfLine(bytes, lineStart, isLenient: isLenient)
                }
                isFold = isLenient && (first == 0x20 || first == 9) && !fields.isEmpty
            }
            if isFold {
                guard try readFold(bytes) else { return nil }
                continue
            }
            if colon == 0 {
                guard try readName(bytes) else { return nil }
            }
            guard try readValue(bytes) else { return nil }
        }
    }

    /// The offset after a line whose text ends at `end`; nil for more bytes.
    static func endOfLine(
        _ bytes: UnsafeRawBufferPointer, _ end: Int, isLenient: Bool
    ) throws(MessageFlaw) -> Int? {
        guard end < bytes.count else { return nil }
        guard bytes[end] == 13 else {
            guard bytes[end] == 10 else { throw .badFieldValue }
            guard isLenient else { throw .bareLF }
            return end &+ 1
        }
        guard end &+ 1 < bytes.count else { return nil }
        guard bytes[end &+ 1] == 10 else { throw .bareCR }
        return end &+ 2
    }

    // MARK: The name

    private mutating func readName(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        var index = scanned
        if nameEnd == 0 {
            var hash = nameHash
            let hashed = min(bytes.count, lineStart &+ CollapsedName.hashedBytes)
            while index < hashed {
                let folded = CollapsedName.foldedToken(bytes[index])
                guard folded != 0 else { break }
                hash = CollapsedName.hash(hash, addingFolded: folded)
                index &+= 1
            }
            nameHash = hash
            if index >= lineStart &+ CollapsedName.hashedBytes {
                index = ByteScanner.endOfToken(bytes, from: index, to: bytes.count)
            }
            guard index < bytes.count else { return try pause(at: index) }
            guard index > lineStart else { throw nameFlaw(bytes[index], isFirst: true) }
            nameEnd = index
        }
        if isLenient {
            while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 9 { index &+= 1 }
            guard index < bytes.count else { return try pause(at: index) }
        }
        guard bytes[index] == 0x3A else { throw nameFlaw(bytes[index], isFirst: false) }
        guard fields.count &+ folds < limits.fieldCount else { throw .tooManyFields }
        colon = index
        scanned = index &+ 1
        return true
    }

    private mutating func pause(at index: Int) throws(MessageFlaw) -> Bool {
        scanned = index
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

    // MARK: The value

    private mutating func readValue(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        let end = ByteScanner.endOfText(bytes, from: scanned, to: bytes.count)
        scanned = end
        guard end &- lineStart <= limits.fieldBytes else { throw .fieldTooLarge }
        guard let next = try FieldSection.endOfLine(bytes, end, isLenient: isLenient) else { return false }
        let (first, last) = ByteScanner.trimmed(bytes, colon &+ 1, end)
        fields.append(
            HeadField(
                name: HeadSlice(lineStart, nameEnd), value: HeadSlice(first, last),
                line: HeadSlice(lineStart, next), collapsedHash: nameHash,
                isStrict: next == end &+ 2 && nameEnd == colon, in: bytes))
        beginLine(next)
        return true
    }

    /// Reads a line that continues the last field's value (RFC 9112 §5.2).
    private mutating func readFold(_ bytes: UnsafeRawBufferPointer) throws(MessageFlaw) -> Bool {
        let end = ByteScanner.endOfText(bytes, from: scanned, to: bytes.count)
        scanned = end
        let last = fields.count &- 1
        guard end &- Int(fields[last].line.start) <= limits.fieldBytes else { throw .fieldTooLarge }
        guard let next = try FieldSection.endOfLine(bytes, end, isLenient: isLenient) else { return false }
        guard fields.count &+ folds < limits.fieldCount else { throw .tooManyFields }
        folds &+= 1
        let (from, to) = ByteScanner.trimmed(bytes, lineStart, end)
        fields[last].fold(from..<to, lineEnd: next)
        beginLine(next)
        return true
    }
}

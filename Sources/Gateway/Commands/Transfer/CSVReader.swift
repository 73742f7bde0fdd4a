/// Reads CSV (RFC 4180) piece by piece: bytes in, whole records out, wherever the pieces are cut.
///
/// By hand, because no CSV library for Swift is among the packages that this project may use. Lines end with CR LF or LF, the
/// last one may lack its end, empty lines are skipped, and so is a byte order mark. After a flaw reading goes on with the next
/// line, so that one bad record hides no other.
struct CSVReader {
    private enum State {
        /// Before the first byte of a record.
        case recordStart
        /// Before the first byte of another field.
        case fieldStart
        /// Within a field without quotes.
        case plain
        /// Within quotes.
        case quoted
        /// Behind a quotation mark within quotes: it closes them, or is the first of two.
        case quoteInQuotes
        /// Behind a carriage return outside quotes.
        case carriageReturn
        /// Within a record that has a flaw, up to its line's end.
        case skipping
    }

    private var state = State.recordStart
    /// The line that the next byte stands on, and the one that the record began on.
    private var (line, recordLine) = (1, 1)
    private var field: [UInt8] = []
    private var isQuoted = false
    private var fields: [CSVField] = []
    private var recordBytes = 0
    private var flaw: CSVFlaw?
    /// How many bytes of a byte order mark may still come; nil once the first byte has come that is none of it.
    private var markBytes: Int? = 0
    private var records: [CSVRecord] = []

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Takes the next bytes of the file; returns the records that they complete.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [CSVRecord] {
        for byte in bytes {
            if let seen = markBytes, isPartOfMark(byte, seen) { continue }
            take(byte)
        }
        return takeRecords()
    }

    /// Takes the end of the file; returns the record that it completes.
    mutating func finish() -> [CSVRecord] {
        if let seen = markBytes { takeHalfMark(seen) }
        switch state {
        case .recordStart: break
        case .fieldStart, .plain, .quoteInQuotes: endRecord()
        case .quoted: fail(.openQuote)
        case .carriageReturn: fail(.bareCarriageReturn)
        case .skipping: break
        }
        if flaw != nil { endRecord() }
        state = .recordStart
        return takeRecords()
    }

    /// Whether a byte belongs to a byte order mark at the file's begin, of which `seen` bytes have come.
    private mutating func isPartOfMark(_ byte: UInt8, _ seen: Int) -> Bool {
        guard byte == CSVReader.mark[seen] else {
            takeHalfMark(seen)
            return false
        }
        markBytes = seen + 1 < CSVReader.mark.count ? seen + 1 : nil
        return true
    }

    /// Takes bytes that looked like a byte order mark, and were none.
    private mutating func takeHalfMark(_ seen: Int) {
        markBytes = nil
        for byte in CSVReader.mark.prefix(seen) { take(byte) }
    }

    private mutating func take(_ byte: UInt8) {
        recordBytes += 1
        if recordBytes > Limits.csvRecordBytes, flaw == nil { fail(.tooLong) }
        switch state {
        case .recordStart where byte == UInt8(ascii: "\n"):
            line += 1
            (recordLine, recordBytes) = (line, 0)
        case .recordStart, .fieldStart, .plain: takeOutsideQuotes(byte)
        case .quoted:
            if byte == UInt8(ascii: "\"") {
                state = .quoteInQuotes
            } else {
                if byte == UInt8(ascii: "\n") { line += 1 }
                field.append(byte)
            }
        case .quoteInQuotes:
            if byte == UInt8(ascii: "\"") {
                field.append(byte)
                state = .quoted
            } else if !takeSeparator(byte) {
                fail(.textBehindQuote)
            }
        case .carriageReturn:
            guard byte == UInt8(ascii: "\n") else {
                fail(.bareCarriageReturn)
                return
            }
            endLine()
        case .skipping: if byte == UInt8(ascii: "\n") { endLine() }
        }
    }

    private mutating func takeOutsideQuotes(_ byte: UInt8) {
        if takeSeparator(byte) { return }
        guard byte == UInt8(ascii: "\"") else {
            field.append(byte)
            state = .plain
            return
        }
        guard field.isEmpty, state != .plain else {
            fail(.strayQuote)
            return
        }
        isQuoted = true
        state = .quoted
    }

    /// Takes what ends a field; false for every other byte.
    private mutating func takeSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","):
            endField()
            if flaw == nil { state = .fieldStart }
        case UInt8(ascii: "\r"): state = .carriageReturn
        case UInt8(ascii: "\n"): endLine()
        default: return false
        }
        return true
    }

    private mutating func endField() {
        let text = field.contains(0) ? nil : String(validating: field, as: UTF8.self)
        if let text {
            fields.append(CSVField(text: text, isQuoted: isQuoted))
        } else if flaw == nil {
            fail(field.contains(0) ? .nul : .badUTF8)
        }
        if fields.count > Limits.csvFields, flaw == nil { fail(.tooManyFields) }
        field.removeAll(keepingCapacity: true)
        isQuoted = false
    }

    private mutating func endLine() {
        line += 1
        endRecord()
    }

    private mutating func endRecord() {
        if flaw == nil { endField() }
        let isEmpty = fields.count == 1 && fields[0].text.isEmpty && !fields[0].isQuoted
        if let flaw {
            records.append(CSVRecord(line: recordLine, fields: [], flaw: flaw))
        } else if !isEmpty {
            records.append(CSVRecord(line: recordLine, fields: fields, flaw: nil))
        }
        fields.removeAll(keepingCapacity: true)
        field.removeAll(keepingCapacity: true)
        (flaw, isQuoted, recordBytes, recordLine) = (nil, false, 0, line)
        state = .recordStart
    }

    private mutating func fail(_ flaw: CSVFlaw) {
        self.flaw = flaw
        state = .skipping
        field.removeAll(keepingCapacity: true)
    }

    private mutating func takeRecords() -> [CSVRecord] {
        defer { records.removeAll(keepingCapacity: true) }
        return records
    }
}

import HTTPMessage

/// Copies those field lines of a head that are kept: neighbours in one piece, and lines that are not strict anew.
struct KeptLines {
    private var start = 0
    private var end = 0

    /// Keeps a field; the ones kept before stand before it in `bytes`.
    mutating func keep(
        _ field: HeadField, _ bytes: UnsafeRawBufferPointer, into output: inout HeadCursor
    ) {
        guard field.isStrict else {
            flush(bytes, into: &output)
            output.writeAnew(field, bytes)
            return
        }
        if Int(field.line.start) != end {
            flush(bytes, into: &output)
            start = Int(field.line.start)
        }
        end = Int(field.line.end)
    }

    /// Writes what is kept and not written yet.
    mutating func flush(_ bytes: UnsafeRawBufferPointer, into output: inout HeadCursor) {
        if start < end { output.write(bytes, start..<end) }
        start = 0
        end = 0
    }
}

/// Copies those parts of a list that are kept, neighbours in one piece with what stands between them.
struct KeptParts {
    /// Whether nothing was written.
    private(set) var isEmpty = true

    private let first: StaticString
    private let further: StaticString
    private var run: Range<Int>?

    /// A list that begins with `first`; `further` stands between what was apart.
    init(first: StaticString, further: StaticString) {
        self.first = first
        self.further = further
    }

    /// Keeps what lies at `range`, behind what was kept before.
    mutating func keep(_ range: Range<Int>) {
        run = (run?.lowerBound ?? range.lowerBound)..<range.upperBound
    }

    /// Writes what is kept of `bytes` and not written yet.
    mutating func flush(_ bytes: UnsafeRawBufferPointer, into output: inout HeadCursor) {
        guard let run else { return }
        output.write(isEmpty ? first : further)
        output.write(bytes, run)
        isEmpty = false
        self.run = nil
    }
}

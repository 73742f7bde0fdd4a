/// The form of a state file and of the journal beside it. Pure functions of bytes.
///
/// A file is `POOLGATE`, its kind, its generation, the content, and a checksum of all that. A journal is `POOLJRNL`, the
/// kind, the generation of the file that it continues, and then changes: each its length, its checksum, and its content.
/// A checksum of the journal is seeded with the generation and the change's number, so that no change is taken for another.
struct StateFileFormat: Sendable {
    /// What the file is about, together with the version of its content.
    let kind: UInt64

    /// The bytes of a head: the mark, the kind and the generation.
    static let headBytes = 24

    private static let wholeMark = Array("POOLGATE".utf8)
    private static let journalMark = Array("POOLJRNL".utf8)

    /// A file of this content.
    func whole(_ content: some Collection<UInt8>, generation: UInt64) -> [UInt8] {
        var bytes = SavedBytes()
        bytes.reserve(content.count + StateFileFormat.headBytes + SavedBytes.numberBytes)
        append(StateFileFormat.wholeMark, generation, to: &bytes)
        bytes.append(raw: content)
        bytes.append(SavedBytes.checksum(bytes.bytes[...]))
        return bytes.bytes
    }

    /// The head of a journal.
    func journalHead(generation: UInt64) -> [UInt8] {
        var bytes = SavedBytes()
        append(StateFileFormat.journalMark, generation, to: &bytes)
        return bytes.bytes
    }

    /// A change as the journal's `number`th, counted from 0.
    func change(_ content: [UInt8], generation: UInt64, number: Int) -> [UInt8] {
        var bytes = SavedBytes()
        bytes.append(UInt64(content.count))
        bytes.append(SavedBytes.checksum(content[...], seed: seed(generation, number)))
        bytes.append(raw: content)
        return bytes.bytes
    }

    /// Reads a file; nil where it is damaged, or of another kind.
    func content(of bytes: [UInt8]) -> (content: ArraySlice<UInt8>, generation: UInt64)? {
        guard bytes.count >= StateFileFormat.headBytes + SavedBytes.numberBytes,
            let generation = generation(of: bytes, StateFileFormat.wholeMark)
        else { return nil }
        let body = bytes.dropLast(SavedBytes.numberBytes)
        var end = SavedBytesReader(bytes[body.endIndex...])
        guard end.number() == SavedBytes.checksum(body) else { return nil }
        return (body.dropFirst(StateFileFormat.headBytes), generation)
    }

    /// What a journal holds.
    struct Changes {
        /// The whole changes, up to the first that is damaged.
        var changes: [ArraySlice<UInt8>] = []
        /// Whether bytes come after them: a change that was cut off while it was written, or damage.
        var isCut = false
    }

    /// Reads the changes of a journal; nil where it is not the journal of that generation.
    func changes(of bytes: [UInt8], generation: UInt64) -> Changes? {
        guard self.generation(of: bytes, StateFileFormat.journalMark) == generation else { return nil }
        var found = Changes()
        var reader = SavedBytesReader(bytes.dropFirst(StateFileFormat.headBytes))
        while !reader.isAtEnd {
            guard let change = change(&reader, generation, found.changes.count) else {
                found.isCut = true
                break
            }
            found.changes.append(change)
        }
        return found
    }

    private func change(_ reader: inout SavedBytesReader, _ generation: UInt64, _ number: Int)
        -> ArraySlice<UInt8>?
    {
        guard let length = reader.number(), let checksum = reader.number(),
            let content = reader.raw(length),
            SavedBytes.checksum(content, seed: seed(generation, number)) == checksum
        else { return nil }
        return content
    }

    private func seed(_ generation: UInt64, _ number: Int) -> UInt64 {
        generation ^ UInt64(number) &* 0x9e37_79b9_7f4a_7c15
    }

    private func append(_ mark: [UInt8], _ generation: UInt64, to bytes: inout SavedBytes) {
        bytes.append(raw: mark)
        bytes.append(kind)
        bytes.append(generation)
    }

    /// The generation in a head of this mark and kind; nil where it has another.
    private func generation(of bytes: [UInt8], _ mark: [UInt8]) -> UInt64? {
        guard bytes.starts(with: mark) else { return nil }
        var reader = SavedBytesReader(bytes.dropFirst(mark.count))
        guard reader.number() == kind else { return nil }
        return reader.number()
    }
}

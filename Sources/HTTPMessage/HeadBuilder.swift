/// Writes a head's parts one behind the other into bytes of its own, for a wire whose heads do not come as text: HTTP/2
/// gives a name and a value at a time (RFC 9113 §8.2). Every field is held to the byte rules and the limits that a line
/// of HTTP/1 is held to, and is written as such a line, so that whoever passes it on can copy it.
///
/// Rules that one wire alone has, such as the small letters of HTTP/2's names, are for that wire to check.
package struct HeadBuilder: Sendable {
    /// What was written so far; the offsets of a head made of it point here.
    package private(set) var bytes: [UInt8] = []
    /// The fields written so far, in their order.
    package private(set) var fields: [HeadField] = []

    private let limits: HeadLimits

    /// A builder of heads that are held to `limits`.
    package init(limits: HeadLimits) {
        self.limits = limits
    }

    /// Forgets the head. What it was written into belongs to whoever took it: the next one gets room of its own at once,
    /// where growing would take an allocation for each doubling.
    package mutating func reset() {
        guard !bytes.isEmpty else { return }
        let room = min(bytes.count, Limits.headRoomBytes)
        bytes = []
        bytes.reserveCapacity(room)
        fields = []
        fields.reserveCapacity(Limits.headRoomFields)
    }

    /// Writes what is no field: a method, a target, an authority. Throws `.badStartLine` for a byte that is no visible
    /// ASCII, and `.headTooLarge`.
    package mutating func append(part: UnsafeRawBufferPointer) throws(MessageFlaw) -> HeadSlice {
        guard ByteScanner.endOfVisible(part, from: 0, to: part.count) == part.count else {
            throw .badStartLine
        }
        guard bytes.count + part.count <= limits.headBytes else { throw .headTooLarge }
        return write(part)
    }

    /// Writes one field. Throws `.badFieldName` for a name that is no token (RFC 9110 §5.1), `.badFieldValue` for a value
    /// that holds a control character or has white space at an end (RFC 9110 §5.5, RFC 9113 §8.2.1), and
    /// `.tooManyFields`, `.fieldTooLarge` or `.headTooLarge`.
    package mutating func append(
        name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, isUnindexed: Bool = false
    ) throws(MessageFlaw) {
        let hash = try HeadBuilder.hash(ofName: name)
        guard ByteScanner.endOfText(value, from: 0, to: value.count) == value.count,
            ByteScanner.trimmed(value, 0, value.count) == (0, value.count)
        else { throw .badFieldValue }
        guard fields.count < limits.fieldCount else { throw .tooManyFields }
        let length = name.count + 2 + value.count + 2
        guard length <= limits.fieldBytes else { throw .fieldTooLarge }
        guard bytes.count + length <= limits.headBytes else { throw .headTooLarge }
        let start = bytes.count
        let nameSlice = write(name)
        bytes.append(ASCII.colon)
        bytes.append(ASCII.space)
        let valueSlice = write(value)
        bytes.append(13)
        bytes.append(10)
        let end = bytes.count
        var field = bytes.withUnsafeBytes {
            HeadField(
                name: nameSlice, value: valueSlice, line: HeadSlice(start, end), collapsedHash: hash,
                isStrict: true, in: $0)
        }
        field.isUnindexed = isUnindexed
        fields.append(field)
    }

    /// The hash of a name's collapsed form.
    private static func hash(ofName name: UnsafeRawBufferPointer) throws(MessageFlaw) -> UInt32 {
        guard !name.isEmpty else { throw .badFieldName }
        var hash = CollapsedName.seed
        for index in 0..<min(name.count, CollapsedName.hashedBytes) {
            let folded = CollapsedName.foldedToken(name[index])
            guard folded != 0 else { throw .badFieldName }
            hash = CollapsedName.hash(hash, addingFolded: folded)
        }
        guard ByteScanner.endOfToken(name, from: CollapsedName.hashedBytes, to: name.count) >= name.count
        else {
            throw .badFieldName
        }
        return hash
    }

    private mutating func write(_ text: UnsafeRawBufferPointer) -> HeadSlice {
        let start = bytes.count
        bytes.append(contentsOf: text)
        return HeadSlice(start, bytes.count)
    }
}

import HTTPMessage

/// Reads the fields of one message of Protocol Buffers ("Encoding"), one after the other, where they lie.
///
/// It gives the fields that have bytes (texts, bytes and messages), and passes over numbers and groups, of which nothing here
/// asks for one.
struct WireReader {
    let bytes: UnsafeRawBufferPointer
    private var place: Int
    private let end: Int

    /// A field that has bytes.
    struct Field {
        let number: UInt64
        let payload: HeadSlice
    }

    /// A reader of the whole message.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        place = 0
        end = bytes.count
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ slice: HeadSlice) {
        self.bytes = bytes
        place = Int(slice.start)
        end = Int(slice.end)
    }

    /// A reader of the message that a field holds.
    func inside(_ field: Field) -> WireReader { WireReader(bytes, field.payload) }

    /// The next field that has bytes; nil at the message's end. Throws `.malformed`.
    mutating func next() throws(CallRefusal) -> Field? {
        while place < end {
            let tag = try tag()
            if tag & 7 == 2 {
                let count = try varint()
                let start = place
                try pass(count)
                return Field(number: tag >> 3, payload: HeadSlice(start, place))
            }
            if tag & 7 == 3 { try passGroup(tag >> 3) } else { try passValue(tag & 7) }
        }
        return nil
    }

    /// A field's number and, in the lowest three bits, how its value is written.
    private mutating func tag() throws(CallRefusal) -> UInt64 {
        let tag = try varint()
        // Numbers of fields have 29 bits, and none is 0.
        guard tag >= 8, tag < UInt64(UInt32.max) else { throw .malformed }
        return tag
    }

    private mutating func passValue(_ kind: UInt64) throws(CallRefusal) {
        switch kind {
        case 0: _ = try varint()
        case 1: try pass(8)
        case 2: try pass(varint())
        case 5: try pass(4)
        default: throw .malformed
        }
    }

    /// Passes over a group, which ends with its own number.
    private mutating func passGroup(_ number: UInt64) throws(CallRefusal) {
        var open = [number]
        while let innermost = open.last {
            let tag = try tag()
            switch tag & 7 {
            case 3:
                guard open.count < Limits.nestedGroups else { throw .malformed }
                open.append(tag >> 3)
            case 4:
                guard tag >> 3 == innermost else { throw .malformed }
                open.removeLast()
            default: try passValue(tag & 7)
            }
        }
    }

    private mutating func pass(_ count: UInt64) throws(CallRefusal) {
        guard count <= UInt64(end &- place) else { throw .malformed }
        place &+= Int(truncatingIfNeeded: count)
    }

    private mutating func varint() throws(CallRefusal) -> UInt64 {
        var value: UInt64 = 0
        var count = 0
        while place < end, count < Limits.varintBytes {
            let byte = bytes[place]
            place &+= 1
            value |= UInt64(byte & 0x7F) &<< UInt64(7 &* count)
            if byte < 0x80 { return value }
            count &+= 1
        }
        throw .malformed
    }

    /// The bytes of a text, which are UTF-8. Throws `.malformed` where they are not.
    func text(_ field: Field) throws(CallRefusal) -> HeadSlice {
        let (start, end) = (Int(field.payload.start), Int(field.payload.end))
        var index = ByteScanner.endOfPlainWords(bytes, from: start, to: end)
        while index < end, bytes[index] < 0x80 { index &+= 1 }
        if index < end {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[index..<end])
            guard String(validating: rest, as: UTF8.self) != nil else { throw .malformed }
        }
        return field.payload
    }
}

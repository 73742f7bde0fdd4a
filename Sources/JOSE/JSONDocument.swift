import COpenSSL

/// One value on the tape, in document order.
///
/// A member is two values in a row, its name and its value, so that whole members are skipped by `end`.
struct JSONEntry: Sendable {
    enum Kind: UInt8 {
        case object, array, string, number, yes, no, null
    }

    let kind: Kind
    /// Where a string's or number's bytes begin.
    let start: UInt32
    /// The bytes of a string or number; the members or elements of a container.
    var count: UInt32
    /// The tape's index behind this value and all that it contains.
    var end: UInt32
}

/// A parsed JSON text: its bytes, strings unescaped where they stand, and the tape that says what they are.
///
/// A class, so that the many values that refer to it cost one reference each. Invariant: entries come from
/// `JSONParser` alone, so their ranges lie within `bytes` and their ends within the tape.
final class JSONDocument: Sendable {
    let bytes: [UInt8]
    let tape: [JSONEntry]

    init(bytes: [UInt8], tape: [JSONEntry]) {
        self.bytes = bytes
        self.tape = tape
    }

    /// The bytes of the string or number at `index`.
    func text(at index: Int) -> ArraySlice<UInt8> {
        let entry = tape[index]
        return bytes[Int(entry.start)..<Int(entry.start) + Int(entry.count)]
    }

    /// Whether the string at `index` is `text`, byte by byte.
    func string(at index: Int, is text: UnsafeRawBufferPointer) -> Bool {
        let entry = tape[index]
        guard entry.kind == .string, Int(entry.count) == text.count else { return false }
        guard text.count > 0 else { return true }
        return bytes.withUnsafeBytes { bytes in
            let range = Int(entry.start)..<Int(entry.start) + Int(entry.count)
            guard let own = bytes[range].baseOrNil, let other = text.baseAddress else { return false }
            return memcmp(own, other, text.count) == 0
        }
    }

    /// The index of the value of the member `name` of the object at `index`.
    func member(_ name: UnsafeRawBufferPointer, of index: Int) -> Int? {
        var place = index + 1
        for _ in 0..<tape[index].count {
            if string(at: place, is: name) { return place + 1 }
            place = Int(tape[place + 1].end)
        }
        return nil
    }
}

extension Slice where Base == UnsafeRawBufferPointer {
    /// Where the slice begins; nil where it is empty.
    fileprivate var baseOrNil: UnsafeRawPointer? {
        UnsafeRawBufferPointer(rebasing: self).baseAddress
    }
}

/// A list of strings as C functions take it: NUL-terminated strings, a null pointer for an absent one, and another at the
/// end.
struct CStrings {
    private let bytes: [UInt8]
    private let offsets: [Int?]

    init(_ strings: [String?]) {
        var bytes: [UInt8] = []
        offsets = strings.map { string in
            guard let string else { return nil }
            let offset = bytes.count
            bytes.append(contentsOf: string.utf8)
            bytes.append(0)
            return offset
        }
        // The buffer is never empty, so that it has an address.
        bytes.append(0)
        self.bytes = bytes
    }

    /// Calls `body` with the list; its addresses are valid during the call only.
    func withPointers<Value>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value) -> Value {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } } + [nil]
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}

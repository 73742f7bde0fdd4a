/// One field of a head (RFC 9110 §5), as offsets into the bytes that the head lies in.
@usableFromInline package struct HeadField: Sendable {
    /// The name as it was written.
    @usableFromInline package let name: HeadSlice
    /// The value without white space around it. Where `isStrict` is false it may hold folds: line ends with white space
    /// behind them, each of which stands for one space (RFC 9112 §5.2).
    @usableFromInline package private(set) var value: HeadSlice
    /// From the name's first byte to after the line's end.
    @usableFromInline package private(set) var line: HeadSlice
    /// `CollapsedName.hash` of the name.
    @usableFromInline package let collapsedHash: UInt32
    /// Which field it is, where the gateway knows it by name.
    @usableFromInline package let known: KnownField
    /// Whether the line may be written to the next hop as it was read. Lines that may not come from HTTP/1 upstreams
    /// alone: with white space before the colon, folded, or ended by LF without CR.
    @usableFromInline package private(set) var isStrict: Bool

    /// Whether its sender had it enter no table of header compression, which every hop must keep to (RFC 7541 §6.2.3).
    @usableFromInline package var isUnindexed = false

    /// A field that lies at these offsets of `bytes`; `collapsedHash` is that of its name.
    @inlinable package init(
        name: HeadSlice, value: HeadSlice, line: HeadSlice, collapsedHash: UInt32, isStrict: Bool,
        in bytes: UnsafeRawBufferPointer
    ) {
        self.init(
            name: name, value: value, line: line, collapsedHash: collapsedHash,
            known: KnownField(name: UnsafeRawBufferPointer(rebasing: bytes[name.range])), isStrict: isStrict)
    }

    @usableFromInline init(
        name: HeadSlice, value: HeadSlice, line: HeadSlice, collapsedHash: UInt32, known: KnownField,
        isStrict: Bool
    ) {
        self.name = name
        self.value = value
        self.line = line
        self.collapsedHash = collapsedHash
        self.known = known
        self.isStrict = isStrict
    }

    /// Makes the text at `range` the value's next part, and the line end at `lineEnd`: the line that stands behind this
    /// one continues its value (RFC 9112 §5.2). A range without bytes adds nothing.
    package mutating func fold(_ range: Range<Int>, lineEnd: Int) {
        if !range.isEmpty {
            value = HeadSlice(value.isEmpty ? range.lowerBound : Int(value.start), range.upperBound)
        }
        line.end = Int32(truncatingIfNeeded: lineEnd)
        isStrict = false
    }

    /// Writes the value with one space in the place of each fold and the white space around it (RFC 9112 §5.2). Gives
    /// how many bytes it wrote: at most `value.count`, for which `output` must have room.
    package func unfold(_ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        var index = Int(value.start)
        let end = Int(value.end)
        while index < end {
            let byte = bytes[index]
            if byte == 10 || byte == 13 {
                while count > 0, ByteScanner.isSpace(output[count &- 1]) { count &-= 1 }
                while index < end, ByteScanner.isSpace(bytes[index]) { index &+= 1 }
                output[count] = 0x20
            } else {
                output[count] = byte
                index &+= 1
            }
            count &+= 1
        }
        return count
    }
}

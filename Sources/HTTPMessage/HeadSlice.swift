/// A run of bytes of a head, as offsets from the head's first byte. 32 bits each hold every head that `HeadLimits` lets
/// pass.
@usableFromInline package struct HeadSlice: Sendable, Hashable {
    /// The first byte of the run.
    @usableFromInline package var start: Int32
    /// The byte after its last one.
    @usableFromInline package var end: Int32

    /// The empty slice.
    @inlinable package init() {
        start = 0
        end = 0
    }

    /// The bytes from `start` up to `end`, which is not one of them.
    @inlinable package init(_ start: Int, _ end: Int) {
        self.start = Int32(truncatingIfNeeded: start)
        self.end = Int32(truncatingIfNeeded: end)
    }

    /// The same as a range of offsets.
    @inlinable package var range: Range<Int> { Int(start)..<Int(end) }
    /// Whether no byte lies in it.
    @inlinable package var isEmpty: Bool { start == end }
    /// How many bytes it holds.
    @inlinable package var count: Int { Int(end - start) }
}

/// What belongs to the streams of one connection, by their numbers.
///
/// A hash table with open addressing of its own, because the standard library's hashes a number with SipHash and allocates
/// for each change in place (measured: 2,300 instructions a request). A peer chooses its numbers, but only upwards and by
/// twos (RFC 9113 §5.1.1), and at most so many are open as we allow: so the number itself is its place, and a search ends
/// soon after it. Bounded by whoever adds: by the connection's streams.
@usableFromInline package struct StreamTable<Value> {
    /// Slots are as many as a power of two, at least twice as many as streams.
    @usableFromInline var slots: [Slot]
    /// How many streams there are.
    @usableFromInline package internal(set) var count = 0

    @usableFromInline struct Slot {
        /// No stream has the number 0 (RFC 9113 §5.1.1): it marks an empty slot.
        @usableFromInline var stream: Int32
        @usableFromInline var value: Value?

        @inlinable init(stream: Int32, value: Value?) {
            self.stream = stream
            self.value = value
        }
    }

    /// No streams.
    @inlinable package init() {
        slots = StreamTable.empty(StreamTable.initialSlots)
    }

    /// For how many streams a connection has room before it makes more; a power of two, of which half is used.
    @usableFromInline static var initialSlots: Int { 8 }

    @inlinable static func empty(_ count: Int) -> [Slot] {
        Array(repeating: Slot(stream: 0, value: nil), count: count)
    }

    /// Whether there are none.
    @inlinable package var isEmpty: Bool { count == 0 }

    /// What belongs to all streams, in no order.
    @inlinable package var values: [Value] { slots.compactMap(\.value) }

    /// What belongs to one stream; nil where there is nothing.
    @inlinable package subscript(stream: Int32) -> Value? {
        place(of: stream).flatMap { slots[$0].value }
    }

    /// Notes what belongs to a stream, in place of what did.
    @inlinable package mutating func insert(_ value: Value, of stream: Int32) {
        if let place = place(of: stream) {
            slots[place].value = value
            return
        }
        if (count + 1) * 2 > slots.count { grow() }
        count += 1
        put(Slot(stream: stream, value: value))
    }

    /// Changes what belongs to a stream; nil where nothing does.
    @discardableResult @inlinable package mutating func change<Result>(
        of stream: Int32, _ change: (inout Value) -> Result
    ) -> Result? {
        guard let place = place(of: stream), var value = slots[place].value.take() else { return nil }
        defer { slots[place].value = value }
        return change(&value)
    }

    /// Forgets a stream; what belonged to it.
    @discardableResult @inlinable package mutating func remove(_ stream: Int32) -> Value? {
        guard var hole = place(of: stream) else { return nil }
        let value = slots[hole].value
        count -= 1
        if count == 0, slots.count > StreamTable.initialSlots {
            self = StreamTable()
            return value
        }
        // Whatever was pushed beyond the hole by it moves back, so that no search ends before it.
        let mask = slots.count - 1
        var next = (hole + 1) & mask
        while slots[next].stream != 0 {
            if (next - home(slots[next].stream)) & mask >= (next - hole) & mask {
                slots[hole] = slots[next]
                hole = next
            }
            next = (next + 1) & mask
        }
        slots[hole] = Slot(stream: 0, value: nil)
        return value
    }

    /// Forgets all streams.
    @inlinable package mutating func removeAll() {
        self = StreamTable()
    }

    @inlinable func place(of stream: Int32) -> Int? {
        var index = home(stream)
        while slots[index].stream != 0 {
            if slots[index].stream == stream { return index }
            index = (index + 1) & (slots.count - 1)
        }
        return nil
    }

    @inlinable func home(_ stream: Int32) -> Int {
        Int(stream >> 1) & (slots.count - 1)
    }

    @inlinable mutating func put(_ slot: Slot) {
        var index = home(slot.stream)
        while slots[index].stream != 0 { index = (index + 1) & (slots.count - 1) }
        slots[index] = slot
    }

    @inlinable mutating func grow() {
        let old = slots
        slots = StreamTable.empty(old.count * 2)
        for slot in old where slot.stream != 0 { put(slot) }
    }
}

import COpenSSL

extension JSONParser {
    /// Refuses a member named twice, as RFC 7515 §4 and RFC 7519 §4 want it; names are compared unescaped.
    ///
    /// Few names are compared pair by pair, many through a table, so that a text of nothing but members costs no
    /// square. The table's hash is seeded for each process: nobody outside can aim at one slot.
    func refuseDuplicates(ofObjectAt index: Int) throws(JSONFlaw) {
        let count = Int(tape[index].count)
        guard count > 1 else { return }
        let hasDuplicate =
            count <= Limits.jsonPairwiseMembers ? hasEqualPair(index, count) : hasEqualHash(index, count)
        if hasDuplicate { throw .duplicateMember }
    }

    private func hasEqualPair(_ index: Int, _ count: Int) -> Bool {
        var place = index + 1
        for later in 0..<count {
            var earlier = index + 1
            for _ in 0..<later {
                if areEqual(earlier, place) { return true }
                earlier = Int(tape[earlier + 1].end)
            }
            place = Int(tape[place + 1].end)
        }
        return false
    }

    private func hasEqualHash(_ index: Int, _ count: Int) -> Bool {
        // At most half full, because an object has at most 256 members.
        var slots = [UInt32](repeating: 0, count: 2 * Limits.jsonMembersPerObject)
        var place = index + 1
        for _ in 0..<count {
            var slot = hash(place) & (slots.count - 1)
            while slots[slot] != 0 {
                if areEqual(Int(slots[slot]), place) { return true }
                slot = (slot + 1) & (slots.count - 1)
            }
            slots[slot] = UInt32(truncatingIfNeeded: place)
            place = Int(tape[place + 1].end)
        }
        return false
    }

    private func hash(_ place: Int) -> Int {
        var hasher = Hasher()
        let entry = tape[place]
        bytes.withUnsafeBytes { bytes in
            hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: bytes[range(of: entry)]))
        }
        return hasher.finalize()
    }

    private func areEqual(_ left: Int, _ right: Int) -> Bool {
        let left = tape[left]
        let right = tape[right]
        guard left.count == right.count else { return false }
        guard left.count > 0 else { return true }
        return bytes.withUnsafeBytes { bytes in
            let left = UnsafeRawBufferPointer(rebasing: bytes[range(of: left)])
            let right = UnsafeRawBufferPointer(rebasing: bytes[range(of: right)])
            guard let leftBase = left.baseAddress, let rightBase = right.baseAddress else { return false }
            return memcmp(leftBase, rightBase, left.count) == 0
        }
    }

    private func range(of entry: JSONEntry) -> Range<Int> {
        Int(entry.start)..<Int(entry.start) + Int(entry.count)
    }
}

/// The hosts that one loop's requests were for lately, with the tenants that they led to.
///
/// A hash table with open addressing, in which a host stands within a short window of slots. Entries are never removed:
/// those that belong to an older snapshot are not believed, and new ones are written over them.
struct HostCache {
    /// Counts the changes of hosts and keys; an entry of an older generation is not believed.
    private(set) var generation: UInt64 = 0
    private var slots: [Slot]
    private let seed: UInt64

    private struct Slot {
        /// The hash of the host; 0 where the slot is empty.
        var hash: UInt64 = 0
        var resolved: ResolvedTenant?
    }

    /// `seed` keeps outsiders from choosing hosts that share a slot.
    init(seed: UInt64) {
        self.seed = seed
        self.slots = Array(repeating: Slot(), count: Limits.hostCacheSlots.lowerBound)
    }

    /// Begins a new generation, with room for a directory of so many hosts.
    mutating func begin(hosts: Int) {
        generation &+= 1
        var count = slots.count
        while count < 2 * hosts, count < Limits.hostCacheSlots.upperBound { count *= 2 }
        if count > slots.count { slots = Array(repeating: Slot(), count: count) }
    }

    /// The resolved tenant remembered in this generation for exactly these bytes.
    func resolved(for host: UnsafeRawBufferPointer) -> ResolvedTenant? {
        let hash = hash(host)
        for step in 0..<Limits.hostCacheWindow {
            let index = index(hash, step)
            if slots[index].hash == hash {
                guard let resolved = slots[index].resolved, resolved.generation == generation,
                    HostCache.areEqual(resolved.host, host)
                else { return nil }
                return resolved
            }
            if slots[index].hash == 0 { return nil }
        }
        return nil
    }

    /// Remembers a resolved tenant of this generation. It goes where its host stood before, else into an empty or
    /// outdated slot of its window, else into the window's first slot.
    mutating func insert(_ resolved: ResolvedTenant) {
        let hash = resolved.host.withUnsafeBytes { self.hash($0) }
        var place: Int?
        for step in 0..<Limits.hostCacheWindow {
            let index = index(hash, step)
            if slots[index].hash == hash || slots[index].hash == 0 {
                place = slots[index].hash == hash ? index : place ?? index
                break
            }
            if place == nil, slots[index].resolved?.generation != generation { place = index }
        }
        slots[place ?? index(hash, 0)] = Slot(hash: hash, resolved: resolved)
    }

    /// A seeded hash of the bytes, eight at a time; never 0.
    private func hash(_ host: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: host.count)
        var offset = 0
        while offset + 8 <= host.count {
            hash = HostCache.mix(hash ^ host.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var tail: UInt64 = 0
        while offset < host.count {
            tail = tail << 8 | UInt64(host[offset])
            offset += 1
        }
        return HostCache.mix(hash ^ tail) | 1
    }

    private func index(_ hash: UInt64, _ step: Int) -> Int {
        (Int(truncatingIfNeeded: hash >> 32) &+ step) & (slots.count &- 1)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    private static func areEqual(_ known: [UInt8], _ host: UnsafeRawBufferPointer) -> Bool {
        known.withUnsafeBytes { UnsafeRawBufferPointer.areEqual($0, host) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes. Compares eight at a time, because `elementsEqual` costs more than the rest of a
    /// lookup.
    static func areEqual(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        guard left.count == right.count else { return false }
        var offset = 0
        while offset + 8 <= left.count {
            if left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            {
                return false
            }
            offset += 8
        }
        while offset < left.count {
            if left[offset] != right[offset] { return false }
            offset += 1
        }
        return true
    }
}

import HashTreeCollections

/// A tenant with the keys of its pools, as one loop resolved them from one snapshot.
///
/// A class that belongs to one loop: a warm request touches it and nothing that loops share, since reference counts
/// of shared objects would be written by every core.
package final class Standing {
    package let tenant: Tenant
    /// The tenant's version, read without touching the tenant.
    package let tenantVersion: UInt64
    /// In the order of the tenant's pools; nil for a pool never fetched.
    var pools: [PoolKeys?]
    let isSuspended: Bool
    let needsGroup: Bool
    let needsScope: Bool
    let hasUpstream: Bool
    /// A number that the loop's data plane remembers its own part of the tenant by; -1 until it has one.
    package var loopSlot: Int32 = -1

    init(_ tenant: Tenant, keys: KeyRing) {
        self.tenant = tenant
        self.tenantVersion = tenant.version
        self.pools = tenant.pools.map { keys[$0.key] }
        self.isSuspended = tenant.state == .suspended
        self.needsGroup = tenant.requiredGroups != nil
        self.needsScope = tenant.requiredScopes != nil
        self.hasUpstream = !tenant.upstreams.isEmpty
    }
}

/// One loop's few hosts that were asked for lately; a slot holds one host and the next one replaces it.
struct HostCache {
    private var slots: [Slot?]
    private let seed: UInt64

    private struct Slot {
        let host: [UInt8]
        let standing: Standing
    }

    /// `seed` keeps outsiders from choosing hosts that share a slot.
    init(seed: UInt64) {
        self.seed = seed
        self.slots = Array(repeating: nil, count: Limits.hostCacheSlots)
    }

    /// The standing remembered for exactly these bytes.
    func standing(for host: UnsafeRawBufferPointer, hash: UInt64) -> Standing? {
        guard let slot = slots[index(hash)], slot.host.count == host.count else { return nil }
        let isSame = slot.host.withUnsafeBytes { known in
            UnsafeRawBufferPointer.areEqual(known, host)
        }
        return isSame ? slot.standing : nil
    }

    mutating func insert(_ standing: Standing, for host: UnsafeRawBufferPointer, hash: UInt64) {
        slots[index(hash)] = Slot(host: Array(host), standing: standing)
    }

    mutating func removeAll() {
        for index in slots.indices { slots[index] = nil }
    }

    /// A seeded hash of the bytes, eight at a time.
    func hash(_ host: UnsafeRawBufferPointer) -> UInt64 {
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
        return HostCache.mix(hash ^ tail)
    }

    private func index(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> 32) & (Limits.hostCacheSlots - 1)
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes; eight at a time, since `elementsEqual` costs more than a request may.
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

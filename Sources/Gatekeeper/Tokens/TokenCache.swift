import JOSE

/// The identities of one loop's verified tokens, found by tenant and fingerprint of the token, within a budget of bytes.
///
/// When it is full, SIEVE decides which entry goes (Zhang et al., NSDI 2024): a hand walks from the oldest entry to the
/// newest, passes over those that were used since its last visit, and removes the first that was not. A flood of tokens
/// that come once so pushes out none that is used often. Besides, a tenant that holds more than its share gives way to
/// the others, for which no package has an option.
struct TokenCache {
    /// Bytes that all entries may cost together.
    let budgetBytes: Int
    /// Bytes that the entries cost now.
    private(set) var usedBytes = 0
    /// How many entries there are.
    private(set) var count = 0
    /// How many entries went to make room, since the beginning.
    private(set) var evictions: UInt64 = 0

    private var slots: [Slot] = []
    private var free: Int32 = -1
    private var newest: Int32 = -1
    private var oldest: Int32 = -1
    private var hand: Int32 = -1
    /// A hash table with open addressing and linear probing, of indices into `slots`; -1 where it is empty.
    private var table: [Int32] = Array(repeating: -1, count: 64)
    private var bytesByTenant: [UInt64: Int] = [:]

    private struct Slot {
        var fingerprint: TokenFingerprint
        var tenantVersion: UInt64
        var identity: Identity?
        var visited: Bool
        var newer: Int32
        var older: Int32
    }

    /// A cache for entries of so many bytes together.
    init(budgetBytes: Int) {
        self.budgetBytes = budgetBytes
    }

    /// The identity of a token at the tenant whose row has this version, marked as used; nil where it is not remembered.
    mutating func identity(for fingerprint: TokenFingerprint, tenantVersion: UInt64) -> Identity? {
        guard let place = place(of: fingerprint, tenantVersion) else { return nil }
        let slot = Int(table[place])
        slots[slot].visited = true
        return slots[slot].identity
    }

    /// Remembers the identity of a verified token, which may be forgotten at any time.
    mutating func insert(_ identity: Identity, for fingerprint: TokenFingerprint, tenantVersion: UInt64) {
        remove(fingerprint, tenantVersion: tenantVersion)
        let cost = identity.cost
        guard cost <= budgetBytes else { return }
        while usedBytes + cost > budgetBytes {
            guard evictOne(for: tenantVersion) else { return }
        }
        if (count + 1) * 2 > table.count { grow() }
        let slot = takeSlot(
            Slot(
                fingerprint: fingerprint, tenantVersion: tenantVersion, identity: identity, visited: false,
                newer: -1,
                older: newest))
        if newest >= 0 { slots[Int(newest)].newer = slot }
        newest = slot
        if oldest < 0 { oldest = slot }
        place(slot)
        count += 1
        usedBytes += cost
        bytesByTenant[tenantVersion, default: 0] += cost
    }

    /// Forgets one token, where it is remembered.
    mutating func remove(_ fingerprint: TokenFingerprint, tenantVersion: UInt64) {
        guard let place = place(of: fingerprint, tenantVersion) else { return }
        remove(at: place)
    }

    // MARK: Eviction

    private mutating func evictOne(for tenantVersion: UInt64) -> Bool {
        let share = budgetBytes / Limits.tokenCacheTenantShare
        let wanterIsAboveShare = bytesByTenant[tenantVersion, default: 0] > share
        for _ in 0..<Limits.evictionSteps {
            if hand < 0 { hand = oldest }
            guard hand >= 0 else { return false }
            let slot = slots[Int(hand)]
            let isOwn = slot.tenantVersion == tenantVersion
            let ownerIsAboveShare = bytesByTenant[slot.tenantVersion, default: 0] > share
            let mayGo = isOwn || ownerIsAboveShare || !wanterIsAboveShare
            let isSpared = slot.visited && (isOwn || !ownerIsAboveShare)
            let next = slot.newer
            if mayGo, !isSpared, let place = place(of: slot.fingerprint, slot.tenantVersion) {
                remove(at: place)
                evictions &+= 1
                hand = next
                return true
            }
            if mayGo { slots[Int(hand)].visited = false }
            hand = next
        }
        return false
    }

    // MARK: The list, from oldest to newest

    private mutating func takeSlot(_ slot: Slot) -> Int32 {
        if free >= 0 {
            let index = free
            free = slots[Int(index)].newer
            slots[Int(index)] = slot
            return index
        }
        slots.append(slot)
        return Int32(truncatingIfNeeded: slots.count - 1)
    }

    private mutating func remove(at place: Int) {
        let index = table[place]
        let slot = slots[Int(index)]
        close(gap: place)
        if slot.newer >= 0 { slots[Int(slot.newer)].older = slot.older } else { newest = slot.older }
        if slot.older >= 0 { slots[Int(slot.older)].newer = slot.newer } else { oldest = slot.newer }
        if hand == index { hand = slot.newer }
        let cost = slot.identity?.cost ?? 0
        usedBytes -= cost
        count -= 1
        let remaining = bytesByTenant[slot.tenantVersion, default: 0] - cost
        bytesByTenant[slot.tenantVersion] = remaining > 0 ? remaining : nil
        slots[Int(index)].identity = nil
        slots[Int(index)].newer = free
        free = index
    }

    // MARK: The table

    private func home(_ fingerprint: TokenFingerprint, _ tenantVersion: UInt64) -> Int {
        Int(truncatingIfNeeded: fingerprint.words.0 &+ tenantVersion &* 0x9E37_79B9_7F4A_7C15)
            & (table.count - 1)
    }

    private func place(of fingerprint: TokenFingerprint, _ tenantVersion: UInt64) -> Int? {
        var place = home(fingerprint, tenantVersion)
        while table[place] >= 0 {
            let slot = Int(table[place])
            if slots[slot].fingerprint == fingerprint, slots[slot].tenantVersion == tenantVersion {
                return place
            }
            place = (place + 1) & (table.count - 1)
        }
        return nil
    }

    private mutating func place(_ slot: Int32) {
        var place = home(slots[Int(slot)].fingerprint, slots[Int(slot)].tenantVersion)
        while table[place] >= 0 { place = (place + 1) & (table.count - 1) }
        table[place] = slot
    }

    /// Empties a place of the table, and moves later entries of the same run into the gap, so that they are still found.
    private mutating func close(gap: Int) {
        let mask = table.count - 1
        var gap = gap
        var place = (gap + 1) & mask
        while table[place] >= 0 {
            let slot = slots[Int(table[place])]
            if (place - home(slot.fingerprint, slot.tenantVersion)) & mask >= (place - gap) & mask {
                table[gap] = table[place]
                gap = place
            }
            place = (place + 1) & mask
        }
        table[gap] = -1
    }

    private mutating func grow() {
        let used = table.filter { $0 >= 0 }
        table = Array(repeating: -1, count: table.count * 2)
        for slot in used { place(slot) }
    }
}

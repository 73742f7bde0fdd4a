import NIOCore
import Synchronization

/// How many client connections there are, in all and from each address.
///
/// A class, because all loops count in it; touched as connections come and go, never by a warm request.
final class ConnectionCensus: Sendable {
    private let limit: Int
    /// Nil counts no addresses.
    let addressLimit: Int?
    private let total = Atomic<Int>(0)
    private let addresses = Mutex<[[UInt8]: Int]>([:])

    init(limit: Int, addressLimit: Int?) {
        self.limit = limit
        self.addressLimit = addressLimit
    }

    /// Counts one more connection; false where there are too many, which counts it all the same.
    func enter() -> Bool {
        total.add(1, ordering: .relaxed).newValue <= limit
    }

    func leave() {
        total.subtract(1, ordering: .relaxed)
    }

    /// What an address counts under: its 4 or 16 bytes.
    static func seat(of address: SocketAddress?) -> [UInt8] {
        address.flatMap(AddressRange.bytes) ?? []
    }

    /// Takes a seat for `address` (4 or 16 bytes); false where it has none left.
    func takeSeat(_ address: [UInt8]) -> Bool {
        guard let addressLimit else { return true }
        return addresses.withLock { seats in
            guard seats[address, default: 0] < addressLimit else { return false }
            seats[address, default: 0] += 1
            return true
        }
    }

    /// Gives back a seat that was taken.
    func leaveSeat(_ address: [UInt8]) {
        guard addressLimit != nil else { return }
        addresses.withLock { seats in
            let left = seats[address, default: 0] - 1
            seats[address] = left > 0 ? left : nil
        }
    }
}

import NIOCore

/// The addresses of this machine.
enum LocalInterfaces {
    /// Those of every interface that is up now, 4 or 16 bytes each in network order; empty where the system does not say.
    static func addresses() -> Set<[UInt8]> {
        let devices = (try? System.enumerateDevices()) ?? []
        return Set(devices.compactMap { $0.address.flatMap(AddressRange.bytes) })
    }
}

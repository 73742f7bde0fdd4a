import HTTPMessage
import NIOCore
import NIOSSL

/// What a certificate is for: its subject alternative names, never the common name. DNS names are bytes in lower case
/// (RFC 6125 §6.4), addresses 4 or 16 bytes in network order (RFC 5280 §4.2.1.6).
struct CertificateNames: Sendable {
    let exact: Set<[UInt8]>
    /// What follows the `*` of a wildcard, its dot included.
    let suffixes: Set<[UInt8]>
    let addresses: Set<[UInt8]>

    init(_ names: [[UInt8]], addresses: [[UInt8]] = []) {
        self.addresses = Set(addresses)
        let lowered = names.map { $0.map(ASCII.lowered) }
        exact = Set(lowered.filter { !$0.starts(with: "*.".utf8) })
        suffixes = Set(lowered.filter { $0.starts(with: "*.".utf8) }.map { Array($0.dropFirst()) })
    }

    /// The names of `certificate`; none where there is none.
    init(_ certificate: NIOSSLCertificate?) {
        // The one API of the library that says them; the alternative would be a second parser of certificates.
        let names = certificate?._subjectAlternativeNames()
        self.init(
            names?.filter { $0.nameType == .dnsName }.map { Array($0.contents) } ?? [],
            addresses: names?.filter { $0.nameType == .ipAddress }.map { Array($0.contents) } ?? [])
    }

    /// Every name and address, sorted, for the log.
    var texts: [String] {
        (exact.map { String(decoding: $0, as: UTF8.self) }
            + suffixes.map { "*" + String(decoding: $0, as: UTF8.self) }).sorted()
            + addresses.compactMap { CertificateNames.address($0)?.ipAddress }.sorted()
    }

    /// Whether `name` stands in it, or below a wildcard, which covers exactly one label (RFC 6125 §6.4.3), or is one of
    /// its addresses, an IPv6 address in brackets.
    func cover(_ name: [UInt8]) -> Bool {
        if exact.contains(name) { return true }
        if !addresses.isEmpty, let address = CertificateNames.address(written: name) {
            return addresses.contains(address)
        }
        guard !suffixes.isEmpty, let dot = name.firstIndex(of: 0x2E), dot > 0 else { return false }
        return suffixes.contains(Array(name[dot...]))
    }

    /// The bytes of a written address; nil for a name.
    static func address(written name: [UInt8]) -> [UInt8]? {
        // No name ends in a digit alone and none begins with a bracket, so that names cost nothing here.
        guard let last = name.last, last == 0x5D || ASCII.isDigit(last) || name.contains(0x3A) else {
            return nil
        }
        let bare = name.first == 0x5B && last == 0x5D ? name.dropFirst().dropLast() : name[...]
        return (try? SocketAddress(ipAddress: String(decoding: bare, as: UTF8.self), port: 0))
            .flatMap(AddressRange.bytes)
    }

    private static func address(_ bytes: [UInt8]) -> SocketAddress? {
        try? SocketAddress(packedIPAddress: ByteBuffer(bytes: bytes), port: 0)
    }
}

/// The certificate that one connection was shown, and which hosts may be asked for on it.
struct CertificateInUse {
    private let names: CertificateNames
    /// The host that was looked at last and may be asked for: at first the one of SNI.
    private var covered: [UInt8]
    /// The client asked for no name, and was shown a certificate for the address that it connected to: it knows this
    /// gateway by its address, as balancers do, and may ask for every host.
    private let isForAddress: Bool
    /// The name that the client asked for in the handshake (SNI), cut to a bound; empty where it asked for none.
    let asked: [UInt8]

    /// `address` is the one that the client connected to, in network order.
    init(_ names: CertificateNames, serverName: String?, address: [UInt8]? = nil) {
        self.names = names
        covered = (serverName ?? "").utf8.map(ASCII.lowered)
        asked = Array(covered.prefix(Limits.recordedHostBytes))
        isForAddress = serverName == nil && address.map(names.addresses.contains) ?? false
    }

    /// Whether a request for `host` belongs here: it is the name that the client asked for in the handshake, or the
    /// certificate covers it too.
    mutating func covers(_ host: UnsafeRawBufferPointer) -> Bool {
        if isForAddress { return true }
        if host.count == covered.count, host.elementsEqual(covered) { return true }
        var name = host.map(ASCII.lowered)
        if name.last == 0x2E { name.removeLast() }
        guard name == covered || names.cover(name) else { return false }
        covered = name
        return true
    }
}

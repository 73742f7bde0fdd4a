import NIOSSL

/// The DNS names of a certificate, as bytes in lower case (RFC 6125 §6.4): its subject alternative names, never the
/// common name.
struct CertificateNames: Sendable {
    private let exact: Set<[UInt8]>
    /// What follows the `*` of a wildcard, its dot included.
    private let suffixes: Set<[UInt8]>

    init(_ names: [[UInt8]]) {
        let lowered = names.map { $0.map(CertificateNames.lowered) }
        exact = Set(lowered.filter { !$0.starts(with: "*.".utf8) })
        suffixes = Set(lowered.filter { $0.starts(with: "*.".utf8) }.map { Array($0.dropFirst()) })
    }

    /// The names of `certificate`; none where there is none.
    init(_ certificate: NIOSSLCertificate?) {
        // The one API of the library that says them; the alternative would be a second parser of certificates.
        let names = certificate?._subjectAlternativeNames().filter { $0.nameType == .dnsName } ?? []
        self.init(names.map { Array($0.contents) })
    }

    /// Every name, sorted, for the log.
    var texts: [String] {
        (exact.map { String(decoding: $0, as: UTF8.self) }
            + suffixes.map { "*" + String(decoding: $0, as: UTF8.self) }).sorted()
    }

    /// Whether `name` itself stands in the certificate.
    func holds(_ name: [UInt8]) -> Bool { exact.contains(name) }

    /// Whether `name` stands in it, or below a wildcard, which covers exactly one label (RFC 6125 §6.4.3).
    func cover(_ name: [UInt8]) -> Bool {
        if exact.contains(name) { return true }
        guard !suffixes.isEmpty, let dot = name.firstIndex(of: 0x2E), dot > 0 else { return false }
        return suffixes.contains(Array(name[dot...]))
    }

    static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
}

/// The certificate that one connection was shown, and which hosts may be asked for on it.
struct CertificateInUse {
    private let names: CertificateNames
    /// The host that was looked at last and may be asked for: at first the one of SNI.
    private var covered: [UInt8]

    init(_ names: CertificateNames, serverName: String?) {
        self.names = names
        covered = (serverName ?? "").utf8.map(CertificateNames.lowered)
    }

    /// Whether a request for `host` belongs here: it is the name that the client asked for in the handshake, or the
    /// certificate covers it too.
    mutating func covers(_ host: UnsafeRawBufferPointer) -> Bool {
        if host.count == covered.count, host.elementsEqual(covered) { return true }
        var name = host.map(CertificateNames.lowered)
        if name.last == 0x2E { name.removeLast() }
        guard name == covered || names.cover(name) else { return false }
        covered = name
        return true
    }
}

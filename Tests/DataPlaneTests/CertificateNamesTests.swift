import Testing

@testable import DataPlane

@Suite struct CertificateNamesTests {
    private let names = CertificateNames(["Acme.example", "*.tenants.example"].map { Array($0.utf8) })

    private func covers(_ name: String) -> Bool { names.cover(Array(name.utf8)) }

    @Test("A name covers itself, a wildcard exactly one label")
    func covering() {
        #expect(covers("acme.example"))
        #expect(covers("a.tenants.example"))
        for name in [
            "b.acme.example", "tenants.example", "a.b.tenants.example", ".tenants.example", "xacme.example",
            "",
        ] {
            #expect(!covers(name), "\(name)")
        }
        #expect(names.texts == ["*.tenants.example", "acme.example"])
    }

    @Test("A connection serves the host it was opened for and every other of its certificate, and no more")
    func inUse() {
        var use = CertificateInUse(names, serverName: "Other.Example")
        func serves(_ host: String) -> Bool { Array(host.utf8).withUnsafeBytes { host in use.covers(host) } }
        #expect(serves("other.example") && serves("OTHER.example"))
        #expect(serves("acme.example") && serves("ACME.example.") && serves("x.tenants.example"))
        #expect(!serves("evil.example"))
        // Without a name in the handshake, what the certificate covers is all.
        var bare = CertificateInUse(names, serverName: nil)
        let evil = Array("evil.example".utf8).withUnsafeBytes { host in bare.covers(host) }
        let own = Array("acme.example".utf8).withUnsafeBytes { host in bare.covers(host) }
        #expect(!evil && own)
    }
}

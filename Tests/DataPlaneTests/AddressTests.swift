import NIOCore
import Testing

@testable import DataPlane

@Suite struct AddressRangeTests {
    private func contains(_ range: String, _ address: String) throws -> Bool {
        try #require(AddressRange(range)).contains(SocketAddress(ipAddress: address, port: 80))
    }

    @Test("A range holds what its prefix says, to the bit")
    func prefix() throws {
        #expect(try contains("10.0.0.0/8", "10.255.0.1"))
        #expect(try !contains("10.0.0.0/8", "11.0.0.0"))
        #expect(try contains("192.0.2.128/25", "192.0.2.255"))
        #expect(try !contains("192.0.2.128/25", "192.0.2.127"))
        #expect(try contains("0.0.0.0/0", "203.0.113.7"))
        #expect(try contains("192.0.2.1", "192.0.2.1"))
        #expect(try !contains("192.0.2.1", "192.0.2.2"))
        #expect(try contains("fd00::/8", "fdff::1"))
        #expect(try !contains("fd00::/8", "fe00::1"))
    }

    @Test("An IPv4 address mapped into IPv6 counts as IPv4")
    func mapped() throws {
        #expect(try contains("127.0.0.0/8", "::ffff:127.0.0.1"))
        #expect(try !contains("::/0", "::ffff:127.0.0.1"))
    }

    @Test(
        "What is no range is refused",
        arguments: ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0", "::/129", "a/8", "10.0.0.0/8/8"])
    func refused(text: String) {
        #expect(AddressRange(text) == nil)
    }
}

@Suite struct UpstreamAddressPolicyTests {
    private func policy(_ networks: [String] = [], own: [(String, Int)] = []) throws -> UpstreamAddressPolicy
    {
        UpstreamAddressPolicy(
            networks: networks.compactMap(AddressRange.init),
            ownListeners: try own.map { try SocketAddress(ipAddress: $0.0, port: $0.1) })
    }

    @Test(
        "Where clouds tell secrets nobody is sent, however the address is spelled",
        arguments: [
            "169.254.169.254", "169.254.170.2", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254",
            "fd20:ce::254",
            "100.100.100.200", "::ffff:100.100.100.200", "168.63.129.16", "::ffff:168.63.129.16",
            "::169.254.169.254", "64:ff9b::169.254.169.254", "64:ff9b::6464:64c8", "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1", "2002:a83f:8110::", "2001:0:a9fe:a9fe::1", "2001:0:1:2::5601:5601",
            "fd12::5efe:169.254.169.254", "2001:db8::200:5efe:a9fe:a9fe",
        ])
    func metadata(text: String) throws {
        #expect(try !policy().allows(SocketAddress(ipAddress: text, port: 80)))
        #expect(try !policy(["0.0.0.0/0", "::/0"]).allows(SocketAddress(ipAddress: text, port: 80)))
    }

    @Test(
        "Neighbours of those addresses are let through to",
        arguments: [
            "169.253.255.255", "169.255.0.0", "fec0::1", "fd00:ec2::253", "fd20:ce::255", "100.100.100.201",
            "168.63.129.17", "64:ff9b::192.0.2.1", "2002:c000:201::1", "10.0.0.1", "fd00::1", "2001:db8::1",
        ])
    func neighbours(text: String) throws {
        #expect(try policy().allows(SocketAddress(ipAddress: text, port: 80)))
    }

    @Test("The gateway's own listeners are refused, other ports are not")
    func ownListeners() throws {
        var policy = try policy(own: [("127.0.0.1", 8080), ("0.0.0.0", 9901), ("::", 8443)])
        policy.interfaces = { [[10, 0, 0, 7], [0xFD] + [UInt8](repeating: 0, count: 14) + [7]] }
        let refused = [
            ("127.0.0.1", 8080), ("127.0.0.2", 9901), ("0.0.0.0", 8080), ("::", 9901), ("::1", 9901),
            ("10.0.0.7", 9901),
            ("::ffff:10.0.0.7", 9901), ("::ffff:127.0.0.1", 8080), ("fd00::7", 8443), ("127.0.0.1", 8443),
            ("64:ff9b::127.0.0.1", 8080), ("64:ff9b::10.0.0.7", 9901), ("::127.0.0.1", 8080),
        ]
        for (host, port) in refused {
            #expect(try !policy.allows(SocketAddress(ipAddress: host, port: port)), "\(host) \(port)")
        }
        for (host, port) in [
            ("127.0.0.1", 8081), ("192.0.2.1", 9901), ("10.0.0.7", 8080), ("10.0.0.8", 9901),
        ] {
            #expect(try policy.allows(SocketAddress(ipAddress: host, port: port)), "\(host) \(port)")
        }
    }

    @Test("This machine's own addresses are known")
    func interfaces() {
        #expect(LocalInterfaces.addresses().contains([127, 0, 0, 1]))
    }

    @Test("Where networks are named, only they are allowed")
    func networks() throws {
        let policy = try policy(["10.0.0.0/8"])
        #expect(try policy.allows(SocketAddress(ipAddress: "10.1.2.3", port: 80)))
        #expect(try !policy.allows(SocketAddress(ipAddress: "192.0.2.1", port: 80)))
    }
}

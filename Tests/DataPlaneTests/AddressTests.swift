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
        "Link-local addresses are refused, the cloud's metadata service among them",
        arguments: ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
    func linkLocal(text: String) throws {
        #expect(try !policy().allows(SocketAddress(ipAddress: text, port: 80)))
        #expect(try !policy(["0.0.0.0/0", "::/0"]).allows(SocketAddress(ipAddress: text, port: 80)))
    }

    @Test("The gateway's own listeners are refused, other ports are not")
    func ownListeners() throws {
        let policy = try policy(own: [("127.0.0.1", 8080), ("0.0.0.0", 9901)])
        #expect(try !policy.allows(SocketAddress(ipAddress: "127.0.0.1", port: 8080)))
        #expect(try policy.allows(SocketAddress(ipAddress: "127.0.0.1", port: 8081)))
        #expect(try !policy.allows(SocketAddress(ipAddress: "127.0.0.2", port: 9901)))
        #expect(try !policy.allows(SocketAddress(ipAddress: "0.0.0.0", port: 8080)))
        #expect(try policy.allows(SocketAddress(ipAddress: "192.0.2.1", port: 9901)))
    }

    @Test("Where networks are named, only they are allowed")
    func networks() throws {
        let policy = try policy(["10.0.0.0/8"])
        #expect(try policy.allows(SocketAddress(ipAddress: "10.1.2.3", port: 80)))
        #expect(try !policy.allows(SocketAddress(ipAddress: "192.0.2.1", port: 80)))
    }
}

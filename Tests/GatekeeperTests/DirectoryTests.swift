import Testing

@testable import Gatekeeper

@Suite struct DirectoryTests {
    private func directory(_ hosts: [String]) throws -> Directory {
        var parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: [])
        var directory = Directory()
        for host in hosts {
            let row = TenantRow(host: host, region: "eu-west-1", poolID: "eu-west-1_abc")
            directory[try #require(HostPattern(host))] = .tenant(try parser.tenant(row))
        }
        return directory
    }

    private func found(_ host: String, in directory: Directory) -> String? {
        switch Host(exact: host).flatMap({ directory.entry(for: $0) }) {
        case .tenant(let tenant): tenant.name.description
        case .misconfigured: "misconfigured"
        case nil: nil
        }
    }

    @Test("An exact row beats a wildcard, a longer wildcard a shorter one")
    func precedence() throws {
        let directory = try directory(["a.example.com", "*.example.com", "*.b.example.com"])
        #expect(found("a.example.com", in: directory) == "a.example.com")
        #expect(found("c.example.com", in: directory) == "*.example.com")
        #expect(found("x.b.example.com", in: directory) == "*.b.example.com")
        #expect(found("x.y.b.example.com", in: directory) == "*.b.example.com")
        #expect(found("b.example.com", in: directory) == "*.example.com")
    }

    @Test("A wildcard does not match the name it stands below, nor a name that only ends alike")
    func wildcardEdges() throws {
        let directory = try directory(["*.example.com"])
        #expect(found("example.com", in: directory) == nil)
        #expect(found("badexample.com", in: directory) == nil)
        #expect(found("com", in: directory) == nil)
    }

    @Test("A refused row never falls through to a wildcard")
    func refusedRow() throws {
        var directory = try directory(["*.example.com", "a.example.com"])
        directory[try #require(HostPattern("a.example.com"))] = .misconfigured(RowFlaw("bad"))
        #expect(found("a.example.com", in: directory) == "misconfigured")
        #expect(found("x.example.com", in: directory) == "*.example.com")
    }

    @Test("A removed row is gone, and copies taken before keep it")
    func removal() throws {
        var directory = try directory(["a.example.com"])
        let before = directory
        directory[try #require(HostPattern("a.example.com"))] = nil
        #expect(found("a.example.com", in: directory) == nil)
        #expect(found("a.example.com", in: before) == "a.example.com")
        #expect(directory.count == 0)
        #expect(before.count == 1)
    }

    @Test("An upstream is shared while rows of two tenants name it, by default or of their own")
    func sharedUpstreams() throws {
        var parser = TenantParser(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil),
            defaultUpstreams: Origin.list("http://default") ?? [])
        var directory = Directory()
        func set(_ host: String, _ upstream: String?) throws {
            var row = TenantRow(host: host, region: "eu-west-1", poolID: "eu-west-1_abc")
            row.upstream = upstream
            directory[try #require(HostPattern(host))] = .tenant(try parser.tenant(row))
        }
        let fallback = Upstream(try #require(Origin("http://default")))
        let own = Upstream(try #require(Origin("http://own")))
        try set("a.test", nil)
        #expect(!directory.isShared(fallback))
        try set("b.test", "http://own http://default")
        #expect(directory.isShared(fallback) && !directory.isShared(own))
        try set("c.test", "http://own")
        #expect(directory.isShared(own))
        try set("b.test", "http://other")
        #expect(!directory.isShared(fallback) && !directory.isShared(own))
        try set("b.test", "http://own")
        directory[try #require(HostPattern("c.test"))] = .misconfigured(RowFlaw("bad"))
        #expect(!directory.isShared(own))
        directory[try #require(HostPattern("b.test"))] = nil
        try set("c.test", "http://own")
        #expect(!directory.isShared(own))
    }
}

@Suite struct TenantParserTests {
    private var parser = TenantParser(
        issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil),
        defaultUpstreams: Origin.list("http://default") ?? [])

    private func row(_ change: (inout TenantRow) -> Void = { _ in }) -> TenantRow {
        var row = TenantRow(host: "acme.example.com", region: "eu-west-1", poolID: "eu-west-1_abc")
        change(&row)
        return row
    }

    @Test("Three columns make a tenant that accepts both kinds of token of any client")
    mutating func defaults() throws {
        let tenant = try parser.tenant(row())
        #expect(tenant.state == .active)
        #expect(tenant.tokenUses == [.access, .id])
        #expect(tenant.clientIDs == nil)
        #expect(tenant.requiredGroups == nil)
        #expect(tenant.upstreams.map(\.description) == ["http://default:80"])
    }

    private static let rowFlaws: [(String, @Sendable (inout TenantRow) -> Void)] = [
        ("host", { $0.host = "Acme" }),
        ("region", { $0.region = "europe" }),
        ("pool_id", { $0.poolID = "abc" }),
        ("pool_id", { $0.poolID = "eu-west-2_abc" }),
        ("additional_regions", { $0.additionalRegions = ["eu-west-1"] }),
        ("additional_regions", { $0.additionalRegions = ["x"] }),
        ("upstream", { $0.upstream = "" }),
        ("upstream_ca", { $0.upstreamCA = "" }),
        ("upstream_ca", { $0.upstreamCA = "../ca" }),
        ("upstream_ca", { $0.upstreamCA = "CA" }),
        ("at_expiry", { $0.atExpiry = "expire" }),
        ("client_ids", { $0.clientIDs = [] }),
        ("token_uses", { $0.tokenUses = [] }),
        ("token_uses", { $0.tokenUses = ["refresh"] }),
        ("required_groups", { $0.requiredGroups = [] }),
        ("required_scopes", { $0.requiredScopes = [""] }),
        ("status", { $0.status = "gone" }),
    ]

    @Test("Each flaw of a row is said in a sentence", arguments: rowFlaws.indices)
    mutating func flaws(index: Int) {
        let (column, change) = Self.rowFlaws[index]
        let error = #expect(throws: RowFlaw.self) { try parser.tenant(row(change)) }
        #expect(error?.description.contains(column) == true)
    }

    @Test("Tenants of one pool share it, and each has a version of its own")
    mutating func sharing() throws {
        let one = try parser.tenant(row())
        let two = try parser.tenant(row { $0.host = "b.example.com" })
        #expect(one.pools[0] === two.pools[0])
        #expect(one.version != two.version)
    }
}

@Suite struct IdentityHeaderTests {
    private func encoded(_ text: String, comma: Bool = false) -> String {
        String(
            decoding: PercentEncoding.encoded(Array(text.utf8), also: comma ? UInt8(ascii: ",") : nil),
            as: UTF8.self)
    }

    @Test(
        "Printable ASCII passes, everything else is percent-encoded",
        arguments: [
            ("alice", "alice"), ("a b", "a b"), (" a ", "%20a%20"), ("100%", "100%25"), ("é", "%C3%A9"),
            ("a\r\nb", "a%0D%0Ab"),
            ("\u{0}", "%00"), ("\u{7F}", "%7F"), ("~", "~"), ("a,b", "a,b"), (" ", "%20"), ("", ""),
        ])
    func encoding(text: String, expected: String) {
        #expect(encoded(text) == expected)
    }

    @Test("A comma is encoded only where commas separate")
    func comma() {
        #expect(encoded("a,b", comma: true) == "a%2Cb")
    }

    @Test("The encoding has one inverse: no two values encode alike")
    func injective() {
        var generator = SystemRandomNumberGenerator()
        var seen: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<20_000 {
            let value: [UInt8] = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                [0x20, 0x25, 0x2C, 0x32, 0x30, 0x41, 0xFF, 0x00].randomElement(using: &generator) ?? 0x20
            }
            let encoded = PercentEncoding.encoded(value, also: UInt8(ascii: ","))
            #expect(seen[encoded, default: value] == value)
            seen[encoded] = value
            #expect(encoded.allSatisfy { $0 > 0x1F && $0 < 0x7F && $0 != 0x2C })
        }
    }
}

import Foundation
import Gatekeeper
import Testing

@testable import ControlPlane

/// Rows as the database prints them.
enum TestRows {
    static func row(
        _ host: String, pool: String = "eu-west-1_One", region: String = "eu-west-1", groups: String? = nil,
        status: String = "active", uses: String? = "{access,id}", rules: String? = nil
    ) -> PackedRow {
        PackedRow(texts: [
            host, region, pool, "{}", nil, nil, uses, groups, nil, "f", status, nil, nil, "t", "close", nil,
            nil, nil, "{}",
            "poolgate", "t", nil, nil, nil, "t", nil, "t", nil, rules,
        ])
    }

    static var content: DirectoryContent {
        DirectoryContent(
            parser: TenantParser(
                issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: []))
    }
}

extension Directory.Entry {
    var tenant: Tenant? {
        switch self {
        case .tenant(let tenant): tenant
        case .misconfigured: nil
        }
    }
}

@Suite struct DirectoryContentTests {
    private func tenant(_ content: DirectoryContent, _ host: String) throws -> Tenant? {
        content.directory[try #require(HostPattern(host))]?.tenant
    }

    @Test("A row read again unchanged keeps its tenant, a changed one gets another, a missing one goes")
    func byValue() throws {
        var content = TestRows.content
        _ = content.replaceAll(with: [
            TestRows.row("a.test"), TestRows.row("b.test"), TestRows.row("*.c.test"),
        ])
        let (a, b) = (try tenant(content, "a.test"), try tenant(content, "b.test"))
        let change = content.replaceAll(with: [
            TestRows.row("a.test"), TestRows.row("b.test", groups: "{staff}"),
        ])
        #expect(change.hosts == 2)
        #expect(try tenant(content, "a.test") === a)
        #expect(try tenant(content, "b.test") !== b)
        #expect(try tenant(content, "*.c.test") == nil)
        #expect(content.count == 2)
        #expect(content.directory.count == 2)
    }

    @Test("A bad row is refused alone, keeps its place, and recovers when it is mended")
    func quarantine() throws {
        var content = TestRows.content
        let change = content.replaceAll(with: [
            TestRows.row("a.test"), TestRows.row("bad.test", region: "eu-west-2"), TestRows.row("*.test"),
            TestRows.row("UPPER.test"), TestRows.row("null.test", uses: nil),
            TestRows.row("x.test", groups: "{{a}}"),
        ])
        #expect(Set(change.quarantined.map(\.host)) == ["bad.test", "UPPER.test", "null.test", "x.test"])
        #expect(try tenant(content, "a.test") != nil)
        let entry = content.directory.entry(for: try #require(Host(exact: "bad.test")))
        guard case .misconfigured = entry else {
            return #expect(Bool(false), "it falls through to the wildcard")
        }
        let again = content.apply(removedHosts: [], rows: [TestRows.row("bad.test")])
        #expect(again.quarantined.isEmpty)
        #expect(content.quarantined["bad.test"] == nil)
        #expect(try tenant(content, "bad.test") != nil)
    }

    @Test("Pools come with their first active tenant and go with their last")
    func pools() throws {
        var content = TestRows.content
        let (one, two) = (TestKeys.pool("One"), TestKeys.pool("Two"))
        var change = content.replaceAll(with: [TestRows.row("a.test"), TestRows.row("b.test")])
        #expect(change.addedPools == [one])
        change = content.apply(removedHosts: [], rows: [TestRows.row("a.test", pool: "eu-west-1_Two")])
        #expect(change.addedPools == [two])
        #expect(change.removedPools.isEmpty)
        change = content.apply(removedHosts: [], rows: [TestRows.row("b.test", status: "suspended")])
        #expect(change.removedPools == [one])
        change = content.apply(removedHosts: [], rows: [TestRows.row("b.test")])
        #expect(change.addedPools == [one])
        change = content.apply(removedHosts: [Array("a.test".utf8), Array("b.test".utf8)], rows: [])
        #expect(change.removedPools == [one, two])
        #expect(content.pools.isEmpty)
        #expect(content.count == 0)
    }

    @Test("A host deleted and inserted again in one read stays; its pool is not stopped in between")
    func deletedAndInserted() throws {
        var content = TestRows.content
        _ = content.replaceAll(with: [TestRows.row("a.test")])
        let change = content.apply(removedHosts: [Array("a.test".utf8)], rows: [TestRows.row("a.test")])
        #expect(try tenant(content, "a.test") != nil)
        #expect(change.addedPools.isEmpty)
        #expect(change.removedPools.isEmpty)
    }

    @Test("The table counts as emptied only when every row is named as removed")
    func emptied() {
        var content = TestRows.content
        _ = content.replaceAll(with: [TestRows.row("a.test"), TestRows.row("b.test")])
        let (a, b) = (Array("a.test".utf8), Array("b.test".utf8))
        #expect(!content.isEmptied(removing: [a, a]))
        #expect(!content.isEmptied(removing: [a, Array("c.test".utf8)]))
        #expect(content.isEmptied(removing: [a, b]))
    }

    @Test("Packing keeps NULL, empty and long texts apart, and refuses what is cut short")
    func packing() throws {
        let long = String(repeating: "x", count: 300)
        for texts in [["a", nil, ""], [long, "b", nil]] as [[String?]] {
            let rest =
                [
                    "eu-west-1_One", "{}", nil, nil, "{access}", nil, nil, "t", "active", "our-ca", "1000",
                    "f", "outlive", "90", "eu-west-1", "eu-west-1_Two", #"{"X-Plan":"custom:plan"}"#, "alb",
                    "f",
                    "jwt",
                    "access_token", "{https://app.test}", "f", "3600", "f", "orders", "[]",
                ]
                as [String?]
            let row = PackedRow(texts: [texts[0], texts[1] ?? "eu-west-1"] + rest)
            let unpacked = try row.unpacked()
            #expect(unpacked.host == texts[0])
            #expect(unpacked.upstream == nil)
            #expect(unpacked.allowUnverifiedEmail)
            #expect(unpacked.upstreamCA == "our-ca" && unpacked.maxBodyBytes == 1000)
            #expect(!unpacked.websockets && unpacked.atExpiry == "outlive" && unpacked.expiryGrace == 90)
            #expect(unpacked.secondRegion == "eu-west-1" && unpacked.secondPoolID == "eu-west-1_Two")
            #expect(unpacked.claimHeaders == #"{"X-Plan":"custom:plan"}"# && unpacked.headerProfile == "alb")
            #expect(!unpacked.forwardToken && !unpacked.allowPreflights)
            #expect(unpacked.cookieName == "jwt" && unpacked.queryParameter == "access_token")
            #expect(unpacked.corsOrigins == ["https://app.test"] && unpacked.maxTokenAge == 3600)
            #expect(!unpacked.assertion && unpacked.assertionAudience == "orders")
            #expect(unpacked.rules == "[]")
            for count in 0..<row.bytes.count {
                #expect(throws: RowFlaw.self) { try PackedRow(packed: row.bytes.prefix(count)).unpacked() }
            }
        }
    }
}

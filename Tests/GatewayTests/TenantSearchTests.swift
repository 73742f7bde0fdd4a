import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane
@testable import Gateway

@Suite struct TenantSearchTests {
    private let parser = TenantParser(
        issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: nil), defaultUpstreams: [])

    private func directory(_ rows: [(host: String, pool: String, status: String)]) throws -> Directory {
        var parser = self.parser
        var directory = Directory()
        for row in rows {
            var columns = TenantRow(host: row.host, region: "eu-west-1", poolID: row.pool)
            columns.status = row.status
            let tenant = try parser.tenant(columns)
            directory[tenant.name] = .tenant(tenant)
        }
        return directory
    }

    private func status(_ pool: String, _ state: PoolStatus.State) throws -> PoolStatus {
        let (region, poolID) = (try #require(Region("eu-west-1")), try #require(PoolID(pool)))
        let name = try #require(PoolName(region: region, poolID: poolID))
        return PoolStatus(
            pool: name, state: state, keyIDs: [], areKeysFromDisk: false, firstSeen: [:],
            since: Instant(seconds: 1),
            lastSuccess: nil, trustedUntil: nil,
            lastAttempt: nil, nextAttempt: nil, failure: state == .failing ? .status(404) : nil,
            sightings: [],
            endpoint: nil
        )
    }

    private func query(_ text: String) -> ListQuery { ListQuery(.tenants, FormFields(text.utf8)) }

    @Test(
        "A search finds hosts and pools in any letter case, counts their states, and a row that cannot be served stays"
    )
    func search() async throws {
        var directory = try directory([
            ("a.example", "eu-west-1_Good", "active"), ("b.example", "eu-west-1_Bad", "active"),
            ("*.a.example", "eu-west-1_Good", "active"), ("c.example", "eu-west-1_Good", "suspended"),
            ("d.example", "eu-west-1_New", "active"),
        ])
        directory[try #require(HostPattern("e.example"))] = .misconfigured(RowFlaw("a <b>flaw</b>"))
        let pools = [try status("eu-west-1_Good", .ready), try status("eu-west-1_Bad", .failing)]
        let search = TenantSearch(
            directory: directory, pools: Dictionary(uniqueKeysWithValues: pools.map { ($0.pool, $0) }))
        let all = await search.find(query(""))
        #expect(all.counts == [.ready: 2, .failing: 1, .waiting: 1, .suspended: 1, .quarantined: 1])
        #expect(
            all.window.rows.map(\.row.host.description) == [
                "*.a.example", "a.example", "b.example", "c.example", "d.example", "e.example",
            ])
        #expect(await search.find(query("q=A.EXAMPLE")).total == 2)
        #expect(await search.find(query("q=_good")).total == 3)
        let failing = await search.find(query("state=failing"))
        #expect(failing.window.rows.map(\.row.host.description) == ["b.example"])
        #expect(failing.window.rows.first?.row.detail?.contains("404") == true)
        #expect(failing.total == 6, "the other states keep their numbers")
        #expect(await search.find(query("q=nothing")).total == 0)
        let (quarantined, absent) = (HostPattern("e.example"), HostPattern("z.example"))
        #expect(search.line(try #require(quarantined))?.detail == "a <b>flaw</b>")
        #expect(search.line(try #require(absent)) == nil)
        #expect(await TenantSearch(directory: nil, pools: [:]).find(query("")).total == 0)
    }

    @Test(
        "The next page of a search begins behind the last row of the one before, and an address brings it back"
    )
    func pages() async throws {
        let rows = (0..<60).map { (host: "h\(10 + $0).example", pool: "eu-west-1_Good", status: "active") }
        let search = TenantSearch(directory: try directory(rows), pools: [:])
        let first = await search.find(query("q=example"))
        #expect(first.window.rows.count == Gateway.Limits.linesOfPage && first.window.hasMore)
        let last = try #require(first.window.rows.last)
        let next = query("q=example").at(.after(last.key))
        #expect(next.fields.map(\.value) == ["example", nil, "h34.example", nil])
        let second = await search.find(next)
        #expect(second.window.rows.first?.row.host.description == "h35.example")
        #expect(second.window.start == Gateway.Limits.linesOfPage)
    }
}

import HTTPMessage
import Testing

@testable import Gatekeeper

/// Fields are removed by their names as a head's names are folded; a name that is folded otherwise would get through.
@Suite struct StrippedNamesTests {
    private func folded(_ name: String, atMost count: Int = .max) -> [UInt8] {
        Array(name.utf8).withUnsafeBytes { CollapsedName.folded($0, atMost: count) }
    }

    @Test("Every name, and every beginning of names, that is removed is written as a folded name")
    func written() {
        for name in ProtectedHeaders.names + ProtectedHeaders.prefixes {
            #expect(folded(name) == Array(name.utf8), "\(name)")
        }
        for name in ["X-Rewrite-URL", "x_method.override", "X-Original-Anything", "X-HTTP-Method-Override"] {
            let overriding = ProtectedHeaders.overriding
            #expect(overriding.contains(folded(name, atMost: overriding.longestBytes + 1)), "\(name)")
        }
    }

    @Test(
        "A header that a row maps a claim to is removed in every spelling, with rules, without, and from preflights"
    )
    func mapped() throws {
        let fixture = try PoolFixture()
        var bench = Bench()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
        for rules in [nil, #"[{"id":1,"path_prefix":"/","access":"authenticated"}]"#] {
            try bench.serve(
                Bench.row(fixture) {
                    $0.claimHeaders = #"{"X-Plan-2":"custom:plan"}"#
                    $0.rules = rules
                })
            let caller = try #require(bench.admission(Asked(try fixture.token())))
            let preflight = try #require(
                bench.admission(
                    Asked {
                        $0.method = "OPTIONS"
                        $0.isPreflight = true
                    }))
            for stripped in [caller.stripped, preflight.stripped] {
                func removes(_ name: String) -> Bool {
                    stripped.contains(folded(name, atMost: stripped.longestBytes + 1))
                }
                for name in ["X-Plan-2", "x-plan-2", "X_PLAN_2", "x.Plan~2", "X-Plan_2"] {
                    #expect(removes(name), "\(name)")
                }
                for name in ["X-Plan-22", "X-Plan-", "X-Plan2", "Plan-2"] {
                    #expect(!removes(name), "\(name)")
                }
            }
        }
    }
}

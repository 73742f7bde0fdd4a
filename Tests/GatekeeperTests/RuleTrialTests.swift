import Testing

@testable import Gatekeeper

@Suite struct RuleTrialTests {
    private let rules = #"""
        [{"id":1,"path_prefix":"/","access":"authenticated"},
         {"id":2,"path_prefix":"/shop","access":"optional"},
         {"id":3,"path_prefix":"/shop","access":"public","methods":["GET"]},
         {"id":4,"path_prefix":"/shop/admin","access":"authenticated","shadow":true}]
        """#

    @Test("Rules are told in the order in which they are looked at")
    func order() throws {
        #expect(try RuleTrial(rules).order == [4, 3, 2, 1])
        #expect(try RuleTrial(nil).order.isEmpty)
    }

    @Test("A request finds the rule that decides, and the one in shadow before it")
    func found() throws {
        let trial = try RuleTrial(rules)
        #expect(trial.outcome(method: "GET", path: "/shop?a=/other") == .found(rule: 3, shadow: nil))
        #expect(trial.outcome(method: "HEAD", path: "/shop") == .found(rule: 3, shadow: nil))
        #expect(trial.outcome(method: "POST", path: "/sh%6Fp/x") == .found(rule: 2, shadow: nil))
        #expect(trial.outcome(method: "POST", path: "/shop/admin") == .found(rule: 2, shadow: 4))
        #expect(trial.outcome(method: "GET", path: "/shopping") == .found(rule: 1, shadow: nil))
        #expect(try RuleTrial(nil).outcome(method: "GET", path: "/x") == .found(rule: nil, shadow: nil))
    }

    @Test("What would be refused before any rule is told with its code")
    func refused() throws {
        let trial = try RuleTrial(rules)
        #expect(trial.outcome(method: "get", path: "/") == .refused(status: 400, code: "method_case"))
        for path in ["/a//b", "/a/../b", "/%2e/", "x"] {
            guard case .refused(400, _) = trial.outcome(method: "GET", path: path) else {
                Issue.record("\(path) is not refused")
                continue
            }
        }
    }

    @Test("Rules that no gateway could serve are told in a sentence")
    func flaws() {
        #expect(throws: RowFlaw.self) { try RuleTrial("[{}]") }
        #expect(throws: RowFlaw.self) { try RuleTrial("no JSON") }
    }
}

import DataPlane
import Gatekeeper

/// `/metrics`: every family of metrics, written from the facts of one scrape (ops/guide/metrics.md has the list).
struct MetricsPage {
    let facts: MetricsFacts
    var text: MetricsText

    /// The whole text.
    static func write(_ facts: MetricsFacts, as format: MetricsFormat) -> String {
        var page = MetricsPage(facts: facts, text: MetricsText(format))
        page.writeRequests()
        page.writeTenants()
        page.writeTokens()
        page.writeKeys()
        page.writeDirectory()
        page.writeUpstreams()
        page.writeConnections()
        page.writeCertificates()
        page.writeLoops()
        page.writeProcess()
        page.text.end()
        return page.text.text
    }

    // MARK: Requests

    private mutating func writeRequests() {
        let counters = facts.loops.counters
        text.begin(
            "poolgate_requests", .counter,
            "Requests by what became of them; the code is that of the refusal, as the log has it.")
        text.add(counters.admitted, ["verdict": "admitted", "code": "ok"])
        text.add(counters.cutResponses, ["verdict": "broken_off", "code": "response_cut"])
        text.add(counters.lostClients, ["verdict": "broken_off", "code": "client_lost"])
        var counts: [Code: UInt64] = [:]
        for (refusal, count) in counters.refusals { counts[Code(refusal), default: 0] &+= count }
        for code in Code.all {
            text.add(counts[code, default: 0], ["verdict": code.verdict.label, "code": code.code])
        }

        text.begin(
            "poolgate_questions", .counter,
            "Requests among them that were questions of other proxies, by the surface on which they were asked."
        )
        for surface in QuestionForm.surfaces {
            for verdict in LoopCounters.Verdict.allCases where verdict != .brokenOff {
                text.add(
                    counters.questions.count(on: surface, verdict),
                    ["surface": surface, "verdict": verdict.label])
            }
        }

        text.begin(
            "poolgate_request_duration_seconds", .histogram,
            "From a request's head to its response's end, WebSockets left out.")
        text.add(counters.admittedTimes, ["verdict": "admitted"])
        text.add(counters.refusedTimes, ["verdict": "refused"])
        text.add(counters.failedTimes, ["verdict": "failed"])
        text.begin(
            "poolgate_gateway_duration_seconds", .histogram,
            "The gateway's own share: from a request's head until it is sent upstream or refused, waits for keys and turns "
                + "included, waits for upstreams not.")
        text.add(counters.ownShares)
        text.begin(
            "poolgate_upstream_duration_seconds", .histogram,
            "From a request being sent upstream to the head of its response.")
        text.add(counters.upstreamTimes)

        text.begin(
            "poolgate_upstream_responses", .counter, "Responses of upstreams by the class of their status.")
        for digit in 1...9 {
            guard digit <= 5 || counters.responses[digit] > 0 else { continue }
            text.add(counters.responses[digit], ["class": "\(digit)xx"])
        }
        text.begin(
            "poolgate_shadow_refusals", .counter, "Requests that a rule in shadow would have refused.")
        text.add(counters.shadowRefusals)
    }

    /// A code of the log, with what it means for a request.
    private struct Code: Hashable {
        let verdict: LoopCounters.Verdict
        let code: String

        init(_ refusal: Refusal) {
            verdict = LoopCounters.Verdict(refusal)
            code = refusal.row.code
        }

        /// Every code once, in the order in which refusals are declared.
        static let all: [Code] = {
            var seen: Set<Code> = []
            return Refusal.allCases.map(Code.init).filter { seen.insert($0).inserted }
        }()
    }

    private mutating func writeTenants() {
        let tenants = facts.loops.tenants
        text.begin(
            "poolgate_tenant_requests", .counter,
            "Requests of the busiest tenants, of all others as 'other', and of hosts without a row as 'unknown'."
        )
        for (name, counts) in tenants.tenants { add(counts, of: name) }
        add(tenants.others, of: BusiestTenants.othersName)
        add(tenants.unknown, of: BusiestTenants.unknownName)
    }

    private mutating func add(_ counts: TenantCounts, of tenant: String) {
        for verdict in LoopCounters.Verdict.allCases {
            text.add(counts[verdict], ["tenant": tenant, "verdict": verdict.label])
        }
    }

    // MARK: Tokens

    private mutating func writeTokens() {
        let tokens = facts.loops.figures.tokens
        let counters = facts.loops.counters
        text.begin("poolgate_token_cache_hits", .counter, "Tokens that were remembered when they came.")
        text.add(tokens.hits)
        text.begin("poolgate_token_cache_misses", .counter, "Tokens that were not, and were looked into.")
        text.add(tokens.misses)
        text.begin(
            "poolgate_token_cache_evictions", .counter, "Remembered tokens that made room for others.")
        text.add(tokens.evictions)
        text.begin("poolgate_token_cache_entries", .gauge, "Tokens that are remembered.")
        text.add(tokens.entries)
        text.begin("poolgate_token_cache_bytes", .gauge, "What they cost.")
        text.add(tokens.bytes)
        text.begin("poolgate_token_cache_limit_bytes", .gauge, "What they may cost.")
        text.add(tokens.budgetBytes)
        text.begin("poolgate_signatures", .counter, "Signatures that were verified, by what was found.")
        text.add(tokens.genuineSignatures, ["result": "genuine"])
        text.add(tokens.wrongSignatures, ["result": "wrong"])
        text.begin(
            "poolgate_verification_waiting", .gauge,
            "Requests in line for their tenant's turn to have a token verified.")
        text.add(facts.loops.figures.waitingVerifications)
        text.begin(
            "poolgate_verification_wait_seconds", .histogram, "How long requests stood in that line.")
        text.add(counters.verificationWaits)
        text.begin(
            "poolgate_batches", .counter,
            "Batches of verifications and refusals that loops made between two looks at their sockets.")
        text.add(facts.loops.figures.batches)
        text.begin(
            "poolgate_held_back_connections", .gauge,
            "Connections that wait for their turn to be read from after a refusal.")
        text.add(facts.loops.figures.heldBackConnections)
    }
}

extension LoopCounters.Verdict {
    /// The word for it in metrics.
    var label: String {
        switch self {
        case .admitted: "admitted"
        case .refused: "refused"
        case .failed: "failed"
        case .brokenOff: "broken_off"
        }
    }
}

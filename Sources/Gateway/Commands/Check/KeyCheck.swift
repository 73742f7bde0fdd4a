import ControlPlane
import Gatekeeper
import JOSE

/// The key endpoints of all pools: what they publish, and whether this machine's clock is theirs.
struct KeyCheck {
    let settings: Settings

    /// What came of one pool: its finding, and by how many seconds the endpoint's clock is ahead of this one.
    private struct Result: Sendable {
        let finding: Finding
        let ahead: Int64?
    }

    /// What was found of each pool, and of the clock.
    func findings(_ pools: [PoolName]) async -> (pools: [Finding], clock: [Finding]) {
        let fetcher = KeyFetcher(settings)
        defer { fetcher.stop() }
        let results = await ParallelWork.map(pools, "key endpoints", atMost: Limits.checksAtOnce) { pool in
            let fetched = await fetcher.fetch(pool)
            return KeyCheck.result(pool, fetched, fetcher.source.endpoint(pool), at: .now)
        }
        return (results.map(\.finding), KeyCheck.clock(results.compactMap(\.ahead)))
    }

    private static func result(
        _ pool: PoolName, _ fetched: KeyFetchResult, _ endpoint: String?, at now: Instant
    ) -> Result {
        let subject = "keys of \(pool)"
        switch fetched {
        case .success(let keys):
            let kids = keys.keySet.keys.map(\.keyID.description).joined(separator: ", ")
            let skipped = keys.keySet.skipped.map { "\($0.keyID ?? "one without kid"): \($0.reason)" }
            let ahead = keys.serverSeconds.map { Instant(seconds: $0).seconds(since: now) }
            let finding =
                skipped.isEmpty
                ? Finding.good(subject, kids)
                : .warning(
                    subject, "\(kids); skipped \(skipped.joined(separator: ", "))",
                    "tokens of a skipped key are refused")
            return Result(finding: finding, ahead: ahead)
        case .failure(let failure):
            return Result(
                finding: .failure(
                    subject, failure.sentence(of: pool, at: endpoint),
                    "try that with curl: \(KeyCheck.hint(failure))"),
                ahead: nil)
        }
    }

    private static func hint(_ failure: KeyFetchFailure) -> String {
        switch failure {
        case .status, .redirect, .unusableKeySet: "is jwks-url-template right?"
        case .transfer: "names, routes, egress-proxy, ca-file?"
        }
    }

    /// The clock by the middle one of what the endpoints say, so that one that is wrong means nothing.
    private static func clock(_ ahead: [Int64]) -> [Finding] {
        guard !ahead.isEmpty else { return [] }
        let middle = ahead.sorted()[ahead.count / 2]
        guard abs(middle) > Limits.clockSeconds else {
            return [.good("clock", "within \(Limits.clockSeconds) s of the key endpoints'")]
        }
        return [
            .warning(
                "clock",
                "this machine's is \(PersonTime.span(abs(middle))) \(middle > 0 ? "behind" : "ahead of") the key endpoints'",
                "set it right (is NTP running?): tokens are believed too long or refused too early")
        ]
    }
}

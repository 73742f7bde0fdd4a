import ArgumentParser
import ControlPlane
import Gatekeeper
import Postgres

/// One run of `poolgate pools --withdraw` or `--lift`: finds the pool, writes, waits, and says what came of it.
struct KeyWithdrawalRun {
    let deed: KeyWithdrawals.Deed
    /// The key's name as it was given.
    let keyID: String
    /// The pool that was named; nil where it is to be found.
    let pool: PoolName?
    let isDry: Bool
    /// Who the history says is behind it.
    let actor: String
    let output: OutputOptions

    /// What is printed as JSON.
    private struct Report: Encodable {
        let pool: String
        let kid: String
        let isWithdrawn: Bool
        let withdrawnAt: String?
        let reason: String?
        let liveOn: Int?
        let of: Int?
        let isDryRun: Bool

        enum CodingKeys: String, CodingKey {
            case pool, kid, reason, of
            case isWithdrawn = "withdrawn"
            case withdrawnAt = "withdrawn_at"
            case liveOn = "live_on"
            case isDryRun = "dry_run"
        }
    }

    /// Does it; throws the exit status where it could not be done, or not every gateway has heard of it in time.
    func run(_ settings: Settings) async throws {
        try await CommandDatabase.use(settings) { url in
            do throws(KeyWithdrawals.Failure) {
                try await KeyWithdrawals.use(url, needed: Schema.migrator.newestVersion) {
                    (withdrawals) async throws(KeyWithdrawals.Failure) in
                    try await run(withdrawals)
                }
            } catch {
                Output.complaint(error.description)
                throw error.isUnreachable ? ExitCode.unavailable : ExitCode.failure
            }
        }
    }

    private func run(_ withdrawals: KeyWithdrawals) async throws(KeyWithdrawals.Failure) {
        let found: PoolName
        if let pool { found = pool } else { found = try await withdrawals.pool(of: keyID, for: deed) }
        guard !isDry else {
            show(found, nil)
            return
        }
        let done = try await withdrawals.perform(
            deed, keyID, of: found, by: actor, patience: Limits.withdrawalReach)
        show(found, done)
        if done.liveOn < done.gateways { throw .notEverywhere(done) }
    }

    private func show(_ pool: PoolName, _ done: KeyWithdrawals.Done?) {
        let isWithdrawn = deed != .lift
        let report = Report(
            pool: pool.description, kid: keyID, isWithdrawn: isWithdrawn,
            withdrawnAt: done?.withdrawal.at, reason: done?.withdrawal.reason, liveOn: done?.liveOn,
            of: done?.gateways, isDryRun: isDry)
        let state = isWithdrawn ? "withdrawn" : "trusted again"
        output.show(
            report,
            as: TextTable(
                ["POOL", "KEY", "STATE", "WITHDRAWN AT", "REASON", "LIVE ON"],
                rows: [
                    [
                        pool.description, keyID, isDry ? "would be \(state)" : state,
                        report.withdrawnAt ?? "-", report.reason ?? "-",
                        done.map { "\($0.liveOn) of \($0.gateways)" } ?? "-",
                    ]
                ]))
    }
}

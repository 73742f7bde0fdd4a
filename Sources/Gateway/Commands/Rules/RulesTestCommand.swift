import ArgumentParser
import Gatekeeper
import Postgres

/// `poolgate rules test`.
struct RulesTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Say which rule decides for a request.",
        usage: "poolgate rules test HOST METHOD PATH [--json] [SETTINGS]",
        discussion: """
            Judges the rows as every gateway does, without asking one. PATH is as clients write it, with or without a query. \
            Exits with 1 where the request is refused before any rule is looked at. 'poolgate explain' judges a whole \
            request.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST METHOD PATH")
        let operands = try words.operands(3...3)
        let host = operands[0].lowercased()
        let found = try await AdminDatabase.read(try words.readSettings()) {
            transaction throws(PostgresError) in
            try await HostRules.read(host, &transaction)
        }
        guard let found else { throw AdminDatabase.missing(.tenants, host) }
        let trial: RuleTrial
        switch found.trial {
        case .success(let usable): trial = usable
        case .failure(let flaw):
            Output.complaint("no gateway can serve these rules: \(ShownText.line(flaw.description))")
            throw ExitCode.failure
        }
        let outcome = trial.outcome(method: operands[1], path: operands[2])
        if output.isJSON {
            Output.line(ShownText.ofJSON(String(decoding: json(outcome, found), as: UTF8.self)))
        } else {
            show(outcome, found)
        }
        if case .refused = outcome { throw ExitCode.failure }
    }

    private func show(_ outcome: RuleTrial.Outcome, _ found: HostRules) {
        switch outcome {
        case .refused(let status, let code):
            Output.line("refused before any rule is looked at: \(status) \(code)")
        case .found(let id, let shadow):
            if let row = row(id, found) {
                Output.line("rule \(id ?? 0) decides")
                Output.table(RowListing.full(row))
            } else {
                Output.line(
                    "no rule of \(ShownText.line(found.host)) is for this request: it needs a good token")
            }
            if let shadow {
                Output.line("rule \(shadow) is in shadow: it is judged and reported, not enforced")
            }
        }
    }

    private func json(_ outcome: RuleTrial.Outcome, _ found: HostRules) -> [UInt8] {
        var json = Array("{\"host\":".utf8)
        JSONWords.append(found.host.utf8, to: &json)
        switch outcome {
        case .refused(let status, let code):
            json += ",\"refused\":{\"status\":\(status),\"code\":\"\(code)\"}}".utf8
        case .found(let id, let shadow):
            json += ",\"rule\":".utf8
            json += row(id, found)?.json ?? Array("null".utf8)
            json += ",\"shadow\":\(shadow.map { String($0) } ?? "null")}".utf8
        }
        return json
    }

    private func row(_ id: Int64?, _ found: HostRules) -> StoredRow? {
        id.flatMap { id in found.rows.first { $0["id"] == String(id) } }
    }
}

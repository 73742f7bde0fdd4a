import Gatekeeper
import Postgres

/// The rules of the tenant that serves a host, as rows and as a gateway reads them.
struct HostRules {
    /// The host of the tenant's row, which may be a wildcard.
    let host: String
    /// The rows, in the order in which a gateway looks at them.
    let rows: [StoredRow]
    /// The rules for trying them; nil where no gateway could serve them, and why.
    let trial: Result<RuleTrial, RowFlaw>

    /// Reads them; nil where no tenant serves the host.
    static func read(
        _ host: String, _ transaction: inout AdminTransaction
    ) async throws(PostgresError) -> HostRules? {
        let serving = try await transaction.run(TenantQueries.serving(host))
        guard serving.count > 0,
            let own = StoredRow(serving, 0, columns: RowTable.tenants.columns)["host"]
        else { return nil }
        let text = try await transaction.run(RuleQueries.asRead(of: own)).text(0, 0)
        let rules = try await transaction.run(RuleQueries.rules(of: own))
        let rows = (0..<rules.count).map { StoredRow(rules, $0, columns: RowTable.rules.columns) }
        do throws(RowFlaw) {
            let trial = try RuleTrial(text)
            let place = Dictionary(
                trial.order.enumerated().map { (String($1), $0) }, uniquingKeysWith: { first, _ in first })
            let ordered = rows.sorted {
                place[$0["id"] ?? "", default: 0] < place[$1["id"] ?? "", default: 0]
            }
            return HostRules(host: own, rows: ordered, trial: .success(trial))
        } catch {
            return HostRules(host: own, rows: rows, trial: .failure(error))
        }
    }

    /// What a rule asks of callers, in words.
    static func needs(_ row: StoredRow) -> String {
        let words = [
            ("required_groups", "any group of"), ("every_group", "every group of"),
            ("required_scopes", "any scope of"), ("every_scope", "every scope of"),
            ("required_claims", "claims"),
        ]
        let needs = words.compactMap { column, word in
            row.columns.firstIndex { $0.name == column }.flatMap { index in
                row.texts[index] == nil ? nil : "\(word) \(row.shown(at: index))"
            }
        }
        return needs.isEmpty ? "-" : needs.joined(separator: "; ")
    }
}

import ControlPlane
import Gatekeeper
import Postgres

/// The database: whether it can be reached, which schema it has, and whether the gateway's user may do what it must.
struct DatabaseCheck {
    let url: PostgresURL
    let settings: Settings

    /// What was found, and the rows where they could be read.
    func findings() async -> ([Finding], DirectoryContent?) {
        let (server, rights): ([Finding], [Finding])
        do throws(PostgresError) {
            (server, rights) = try await catalogues()
        } catch {
            return ([failure("database", error)], nil)
        }
        let needed = Schema.migrator.newestVersion
        do throws(PostgresError) {
            switch try await DirectoryReader.load(url, parser: TenantParser(settings), needed: needed) {
            // What rights and triggers an older schema lacks, the migrations bring.
            case .nothing:
                return (server + [.failure("schema", "there is none", "run 'poolgate migrate'")], nil)
            case .tooOld(let version):
                let flaw = "version \(version), \(needed) is needed"
                return (server + [.failure("schema", flaw, "run 'poolgate migrate'")], nil)
            case .content(let content, let version):
                let newer: Finding = .warning(
                    "schema", "version \(version), newer than the \(needed) of this program",
                    "update the gateway some time")
                let schema = version > needed ? newer : .good("schema", "version \(version)")
                return (server + rights + [schema], content)
            }
        } catch {
            let isExplained = rights.contains { $0.level == .failure }
            return (server + rights + (isExplained ? [] : [failure("tables", error)]), nil)
        }
    }

    private func failure(_ subject: String, _ error: PostgresError) -> Finding {
        .failure(subject, "\(url): \(error)", error.advice)
    }

    /// What the catalogues say: of the server, and of rights, triggers and row security.
    private func catalogues() async throws(PostgresError) -> (server: [Finding], rights: [Finding]) {
        let connection = try await PostgresConnection.connect(to: url)
        defer { connection.close() }
        let rows = try await connection.transaction(
            .readWrite,
            [
                CheckQueries.session, CheckQueries.lacking, CheckQueries.silentTriggers,
                CheckQueries.rowSecurity,
            ])
        guard rows.count == 4 else { throw .misuse("the database gave no result") }
        let user = rows[0].text(0, 0) ?? ""
        var server = [Finding.good("database", "\(url), Postgres \(rows[0].text(0, 1) ?? "")")]
        if let clock = try rows[0].integer(0, 3) {
            server += DatabaseCheck.clock(ahead: Instant(seconds: clock).seconds(since: .now))
        }
        if try rows[0].boolean(0, 2) == false {
            let lack = Finding.failure(
                "grants", "\(user) may not use the schema poolgate",
                "as its owner: GRANT poolgate_gateway TO \(quoted(user))")
            return (server, [lack])
        }
        let silent = triggers(rows[2], role: rows[0].text(0, 4) ?? "")
        return (server, grants(rows[1], user) + silent + security(rows[3]))
    }

    private func grants(_ lacking: PostgresRows, _ user: String) -> [Finding] {
        guard lacking.count > 0 else { return [.good("grants", "\(user) may read and write what it must")] }
        var relations: [(name: String, privileges: [String])] = []
        for row in 0..<lacking.count {
            let (relation, privilege) = (lacking.text(row, 0) ?? "", lacking.text(row, 1) ?? "")
            if relations.last?.name == relation {
                relations[relations.count - 1].privileges.append(privilege)
            } else {
                relations.append((relation, [privilege]))
            }
        }
        return relations.map { relation in
            let privileges = relation.privileges.joined(separator: ", ")
            return .failure(
                "grants", "\(user) lacks \(privileges) on poolgate.\(relation.name)",
                "as the schema's owner: GRANT \(privileges) ON poolgate.\(relation.name) TO \(quoted(user)), "
                    + "or GRANT poolgate_gateway TO \(quoted(user)), which has all that is needed")
        }
    }

    private func triggers(_ silent: PostgresRows, role: String) -> [Finding] {
        let names = (0..<silent.count).map {
            "\(silent.text($0, 1) ?? "") of poolgate.\(silent.text($0, 0) ?? "")"
        }
        var findings: [Finding] = []
        if !names.isEmpty {
            findings.append(
                .warning(
                    "triggers",
                    "off: \(Finding.some(names)); what is written meanwhile is neither checked, recorded nor told",
                    "as the schema's owner: SELECT poolgate.enable_triggers()"))
        }
        if role == "replica" {
            findings.append(
                .warning(
                    "triggers",
                    "session_replication_role is replica here, which keeps some triggers from firing",
                    "run 'ALTER ROLE … RESET session_replication_role', or the same of the database"))
        }
        return findings.isEmpty ? [.good("triggers", "all are on")] : findings
    }

    private func security(_ tables: PostgresRows) -> [Finding] {
        (0..<tables.count).map { row in
            let table = "poolgate.\(tables.text(row, 0) ?? "")"
            let hides = tables.text(row, 1) == "t"
            let advice =
                "as its owner run 'ALTER TABLE \(table) DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY'"
            return hides
                ? .failure(
                    "row security", "it would hide rows of \(table), and a part is never taken for all",
                    advice)
                : .warning("row security", "\(table) has it; the gateway's user passes by it now", advice)
        }
    }

    private static func clock(ahead: Int64) -> [Finding] {
        guard abs(ahead) > Limits.clockSeconds else { return [] }
        return [
            .warning(
                "clock",
                "this machine's is \(PersonTime.span(abs(ahead))) \(ahead > 0 ? "behind" : "ahead of") the database's",
                "set it right (is NTP running?)")
        ]
    }

    /// A role's name as SQL writes it.
    private func quoted(_ name: String) -> String {
        name.allSatisfy { $0.isLowercase && $0.isASCII || $0 == "_" || $0.isNumber }
            ? name : "\"\(name.replacing("\"", with: "\"\""))\""
    }
}

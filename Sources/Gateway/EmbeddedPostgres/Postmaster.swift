import ControlPlane
import Glibc
import Postgres

/// Postgres' server process (the postmaster), as its file `postmaster.pid` describes it (PostgreSQL source, `miscadmin.h`, "LOCK_FILE_LINE_*").
struct Postmaster: Sendable, Equatable {
    let pid: Int32
    /// When it was started, in seconds since 1970; this tells processes with the same number apart.
    let startedAt: String
    let port: Int
    /// The folder of its socket; empty where it has none.
    let socketFolder: String

    /// The role that owns everything in the embedded cluster.
    static let user = "poolgate"
    /// The port, which on a socket is only part of its name.
    static let port = 5432

    /// Parses the file's text; nil where it is not complete yet.
    init?(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 5, let pid = Digits.number(lines[0].utf8, atMost: Int(Int32.max)), pid > 1,
            let port = Digits.number(lines[3].utf8, atMost: 65_535)
        else { return nil }
        self.pid = Int32(pid)
        self.startedAt = String(lines[2])
        self.port = port
        self.socketFolder = String(lines[4])
    }

    /// What a gateway that started this process notes beside the data, to recognise the process later.
    var marker: String { "\(pid) \(startedAt)" }

    /// How libpq connects to it: `key='value'` pairs, in which the folder needs no percent-encoding.
    var url: String {
        "host=\(Postmaster.quoted(socketFolder)) port=\(port) user=\(Postmaster.user) dbname=postgres"
    }

    /// The command line by which a person reaches it.
    var psql: String {
        "psql -h \(Postmaster.shellWord(socketFolder)) -U \(Postmaster.user)\(port == Postmaster.port ? "" : " -p \(port)") postgres"
    }

    /// Whether it accepts connections.
    func acceptsConnections() async -> Bool {
        do {
            let connection = try await PostgresConnection.connect(
                to: PostgresURL(url), within: Limits.postgresAnswer)
            connection.close()
            return true
        } catch {
            return false
        }
    }

    private static func quoted(_ value: String) -> String {
        "'\(value.replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }

    private static func shellWord(_ value: String) -> String {
        Paths.isPlain(value) ? value : "'\(value.replacing("'", with: "'\\''"))'"
    }
}

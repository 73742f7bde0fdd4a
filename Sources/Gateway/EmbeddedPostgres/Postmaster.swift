import ControlPlane
import Glibc
import Postgres

/// A running Postgres as its `postmaster.pid` describes it (PostgreSQL source, `miscadmin.h`, "LOCK_FILE_LINE_*").
struct Postmaster: Sendable, Equatable {
    let pid: Int32
    /// Seconds since 1970, which tells two processes of one number apart.
    let startedAt: String
    let port: Int
    /// Where its socket lies; empty where it has none.
    let socketFolder: String

    /// The role that owns everything in the embedded cluster.
    static let user = "poolgate"
    static let port = 5432

    /// Parses the file's text; nil where it is not whole yet.
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

    /// What a gateway leaves beside the data it started a postmaster on, to know it again.
    var marker: String { "\(pid) \(startedAt)" }

    /// For libpq: as `key='value'` pairs, which need no percent-encoding of the folder.
    var url: String {
        "host=\(Postmaster.quoted(socketFolder)) port=\(port) user=\(Postmaster.user) dbname=postgres"
    }

    /// The line by which a person reaches it.
    var psql: String {
        "psql -h \(Postmaster.shellWord(socketFolder)) -U \(Postmaster.user)\(port == 5432 ? "" : " -p \(port)") postgres"
    }

    /// Whether it accepts connections.
    func answers() async -> Bool {
        do {
            let connection = try await PostgresConnection.connect(to: PostgresURL(url), within: .seconds(5))
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

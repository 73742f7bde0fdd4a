import Glibc
import Subprocess

/// One installation of Postgres: the folder of its programs and its version.
struct PostgresPrograms: Sendable {
    /// The folder of `initdb`, `pg_ctl` and `postgres`.
    let folder: String
    /// Such as `15.18`.
    let version: String
    let major: Int

    /// How a program ended and what it said.
    struct Outcome {
        let isSuccess: Bool
        let output: String

        /// The last line that it printed, bounded.
        var lastLine: String {
            let line = output.split(whereSeparator: \.isNewline).last.map(String.init) ?? "it gave no reason"
            return Printable.text(line)
        }
    }

    /// The newest installation, or, where there are data already, one of the major version that made them.
    static func find(searchPath: String, dataVersion: ClusterVersion?) async throws(EmbeddedPostgresFailure)
        -> PostgresPrograms
    {
        var installed: [PostgresPrograms] = []
        for folder in folders(searchPath: searchPath) {
            if let programs = await examine(folder) { installed.append(programs) }
        }
        // Programs that were run in a cancelled task have not ended well, which says nothing about what is installed.
        guard !Task.isCancelled else { throw .cancelled }
        guard let newest = installed.max(by: { $0.major < $1.major }) else { throw .noPrograms }
        guard let dataVersion else { return newest }
        guard let fitting = installed.first(where: { $0.major == dataVersion.major }) else {
            throw .otherVersion(
                data: dataVersion.major, installed: Set(installed.map(\.major)).sorted(),
                folder: dataVersion.folder)
        }
        return fitting
    }

    /// Runs one of the programs in the cluster's folder, as the cluster's user, in a session of its own.
    func run(
        _ program: String, _ arguments: [String], in cluster: Cluster
    ) async throws(EmbeddedPostgresFailure) -> Outcome {
        var options = PlatformOptions()
        options.createSession = true
        let path = "\(folder)/\(program)"
        guard let user = cluster.user else {
            return try await PostgresPrograms.run(path, arguments, at: cluster.folder, options)
        }
        // setpriv gives up root's rights, and no child of this process does before it runs a program: glibc's setgroups and
        // setuid wait for the process's other threads, which a child has not, and waited for ever where one was just ending.
        let change = ["--reuid=\(user.userID)", "--regid=\(user.groupID)", "--clear-groups", "--", path]
        return try await PostgresPrograms.run(
            PostgresPrograms.setpriv, change + arguments, at: cluster.folder, options)
    }

    /// Part of util-linux, which every Linux with Postgres has.
    private static let setpriv = "/usr/bin/setpriv"

    private static func run(
        _ path: String, _ arguments: [String], at folder: String, _ options: PlatformOptions
    ) async throws(EmbeddedPostgresFailure) -> Outcome {
        // Not this process's environment: a PGDATA or PGOPTIONS in it would change what the programs do.
        let environment: [Environment.Key: String] = ["PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"]
        do {
            let result = try await Subprocess.run(
                .path(literal(path)), arguments: Arguments(arguments), environment: .custom(environment),
                workingDirectory: literal(folder), platformOptions: options,
                output: .string(limit: Limits.toolOutputBytes), error: .combinedWithOutput)
            // A program that was ended because the task was cancelled has not failed.
            guard !Task.isCancelled else { throw CancellationError() }
            return Outcome(isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput)
        } catch is CancellationError {
            throw .cancelled
        } catch {
            return Outcome(isSuccess: false, output: "\(path): \(error)")
        }
    }

    /// Makes a path from a text, without importing the module that declares paths.
    private static func literal<Path: ExpressibleByStringLiteral>(_ text: String) -> Path
    where Path.StringLiteralType == String {
        Path(stringLiteral: text)
    }

    /// The folders with all three programs: first those where Debian, Red Hat and Alpine install Postgres, then those of the
    /// search path.
    private static func folders(searchPath: String) -> [String] {
        let debian = Paths.entries(of: "/usr/lib/postgresql").map { "/usr/lib/postgresql/\($0)/bin" }
        let redHat = Paths.entries(of: "/usr").filter { $0.hasPrefix("pgsql-") }.map { "/usr/\($0)/bin" }
        let alpine = Paths.entries(of: "/usr/libexec").filter { $0.hasPrefix("postgresql") }.map {
            "/usr/libexec/\($0)"
        }
        let named = searchPath.split(separator: ":").map(String.init)
        var seen: Set<String> = []
        return (debian + redHat + alpine + named).filter { folder in
            folder.hasPrefix("/") && seen.insert(folder).inserted
                && ["initdb", "pg_ctl", "postgres"].allSatisfy { access("\(folder)/\($0)", X_OK) == 0 }
        }
    }

    /// Runs `postgres --version`, which prints such as `postgres (PostgreSQL) 15.18 (Debian …)`.
    private static func examine(_ folder: String) async -> PostgresPrograms? {
        guard let outcome = try? await run("\(folder)/postgres", ["--version"], at: "/", PlatformOptions()),
            outcome.isSuccess
        else { return nil }
        let words = outcome.output.split { $0 == " " || $0.isNewline }
        guard words.count >= 3,
            let major = Digits.number(
                words[2].utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }, atMost: Limits.postgresMajorVersion)
        else { return nil }
        return PostgresPrograms(folder: folder, version: String(words[2]), major: major)
    }
}

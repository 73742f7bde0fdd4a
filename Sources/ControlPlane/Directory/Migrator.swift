package import Postgres

/// One migration file, as it stands in the program.
package struct Migration: Sendable, Hashable {
    /// The number that its name begins with.
    package let version: Int
    /// Its file's name without `.sql`.
    package let name: String
    /// The whole file: one transaction that takes the lock and records itself.
    package let sql: String
    /// What it records of itself: SHA-256 of the text between its marks, in hexadecimal.
    package let checksum: String

    package init(version: Int, name: String, sql: String, checksum: String) {
        self.version = version
        self.name = name
        self.sql = sql
        self.checksum = checksum
    }
}

/// Brings a database's schema to the version that this program knows.
package struct Migrator: Sendable {
    /// Why nothing was migrated, or not everything.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        /// The database has a migration that this program does not know.
        case newerSchema(found: Int, known: Int)
        case database(PostgresError)
        /// One file could not be applied; those before it were.
        case migration(name: String, PostgresError)
        /// Its user may not do it; the owner of the schema may, where there is one.
        case notOwner(PostgresError, owner: String?)

        package var description: String {
            switch self {
            case .newerSchema(let found, let known):
                "the database has schema version \(found), this program knows \(known); use the newer program"
            case .database(let error): error.description
            case .migration(let name, let error): "migration \(name): \(error)"
            case .notOwner(let error, let owner):
                if let owner {
                    "\(error); run 'poolgate migrate' with a database URL of the user \(owner), who owns the schema "
                        + "poolgate, and leave the gateway's own user as it is"
                } else {
                    "\(error); run 'poolgate migrate' with a database URL of a user that may CREATE schemas in this "
                        + "database; it will own the schema poolgate"
                }
            }
        }
    }

    /// What was done.
    package struct Report: Sendable {
        /// Names, in order; empty where the schema was up to date.
        package var applied: [String] = []
        /// What the files remarked, such as roles that could not be made.
        package var notices: [PostgresNotice] = []
        /// Migrations that were applied with another text than this program has.
        package var differing: [String] = []
        /// The schema's version now.
        package var version = 0
    }

    private let migrations: [Migration]

    /// The program's migrations, in any order.
    package init(_ migrations: [Migration]) {
        self.migrations = migrations.sorted { $0.version < $1.version }
    }

    /// The version of the newest migration; 0 without any.
    package var newestVersion: Int { migrations.last?.version ?? 0 }

    /// Applies what is missing, in order. Several programs may do so at once: one waits for the other.
    package func migrate(_ url: PostgresURL) async throws(Failure) -> Report {
        let connection: PostgresConnection
        do throws(PostgresError) {
            connection = try await PostgresConnection.connect(to: url)
        } catch {
            throw .database(error)
        }
        defer { connection.close() }
        let applied: [Int: String]
        do throws(PostgresError) {
            applied = try await Migrator.applied(connection)
        } catch {
            throw await Migrator.failure(.database(error), error, connection)
        }
        if let found = applied.keys.max(), found > newestVersion {
            throw .newerSchema(found: found, known: newestVersion)
        }
        var report = Report()
        for migration in migrations {
            if applied[migration.version] == nil {
                do throws(PostgresError) {
                    report.notices += try await connection.execute(
                        script: MigrationQueries.opening(within: Limits.migrationTime) + migration.sql,
                        within: Limits.migrationTime + Limits.migrationGrace)
                } catch {
                    throw await Migrator.failure(
                        .migration(name: migration.name, error), error, connection)
                }
                report.applied.append(migration.name)
            }
            report.version = migration.version
        }
        report.differing = try await differing(connection)
        return report
    }

    /// The failure, or, where a privilege is lacking, who has it.
    private static func failure(
        _ failure: Failure, _ error: PostgresError, _ connection: PostgresConnection
    ) async -> Failure {
        // insufficient_privilege: "permission denied …", "must be owner of …".
        guard case .refused(let refusal) = error, refusal.sqlState == "42501" else { return failure }
        let owner = try? await connection.query(MigrationQueries.owner).text(0, 0)
        return .notOwner(error, owner: owner ?? nil)
    }

    /// Migrations of which the database has seen another text, in order; asked for last, since a later file may know an
    /// earlier text of another one.
    private func differing(_ connection: PostgresConnection) async throws(Failure) -> [String] {
        do throws(PostgresError) {
            let recorded = try await Migrator.applied(connection)
            return migrations.filter { recorded[$0.version] != $0.checksum }.map(\.name)
        } catch {
            throw .database(error)
        }
    }

    private static func applied(_ connection: PostgresConnection) async throws(PostgresError) -> [Int: String]
    {
        guard try await DirectoryReader.schemaVersion(connection) != nil else { return [:] }
        let rows = try await connection.query(MigrationQueries.applied)
        var checksums: [Int: String] = [:]
        for row in 0..<rows.count {
            guard let version = try rows.integer(row, 0).flatMap({ Int(exactly: $0) }) else { continue }
            checksums[version] = rows.text(row, 2)
        }
        return checksums
    }
}

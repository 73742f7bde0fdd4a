package import Postgres

/// One file of `sql/migrations`, as this program carries it.
package struct Migration: Sendable, Hashable {
    /// The number that its name begins with.
    package let version: Int
    /// Its file's name without `.sql`.
    package let name: String
    /// The whole file: one transaction that takes the lock and records itself.
    package let sql: String
    /// What it records of itself in the database: the SHA-256 of the text between its `$migration$` marks, in hexadecimal.
    package let checksum: String

    /// A migration of this program.
    package init(version: Int, name: String, sql: String, checksum: String) {
        self.version = version
        self.name = name
        self.sql = sql
        self.checksum = checksum
    }
}

/// Brings a database's schema to the version that this program knows.
package struct Migrator: Sendable {
    /// Why migrations are missing still.
    package enum Failure: Error, Sendable, CustomStringConvertible {
        /// The database has a migration that this program does not know.
        case newerSchema(found: Int, known: Int)
        /// The database cannot be reached, or its schema not be read.
        case database(PostgresError)
        /// One migration could not be applied; those before it were.
        case migration(name: String, PostgresError)
        /// The user of the URL lacks the privileges. The schema's owner has them; nil without a schema.
        case notOwner(PostgresError, owner: String?)

        /// A sentence without its full stop.
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

    /// What `migrate` did.
    package struct Report: Sendable {
        /// The names of the migrations that were applied, in order; empty where the schema was up to date.
        package var applied: [String] = []
        /// What the migrations remarked, such as that roles could not be created.
        package var notices: [PostgresNotice] = []
        /// The names of migrations that were once applied with another text than this program has.
        package var differing: [String] = []
        /// The schema's version now.
        package var version = 0
    }

    private let migrations: [Migration]

    /// Takes the program's migrations, in any order.
    package init(_ migrations: [Migration]) {
        self.migrations = migrations.sorted { $0.version < $1.version }
    }

    /// The version of the newest migration; 0 where there is none.
    package var newestVersion: Int { migrations.last?.version ?? 0 }

    /// Applies the migrations that the database at `url` lacks, in order, each in a transaction of its own. Several programs
    /// may do so at once: one waits for the other.
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
                        script: SchemaQueries.opening(within: Limits.migrationTime) + migration.sql,
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

    /// `failure`, or, where the user lacks a privilege, who has it.
    private static func failure(
        _ failure: Failure, _ error: PostgresError, _ connection: PostgresConnection
    ) async -> Failure {
        // insufficient_privilege: "permission denied …", "must be owner of …".
        guard case .refused(let refusal) = error, refusal.sqlState == "42501" else { return failure }
        let owner = try? await connection.query(SchemaQueries.owner).text(0, 0)
        return .notOwner(error, owner: owner ?? nil)
    }

    /// The migrations that were applied with another text, in order. Asked for after everything was applied, since a
    /// migration may correct what an earlier one recorded of itself.
    private func differing(_ connection: PostgresConnection) async throws(Failure) -> [String] {
        do throws(PostgresError) {
            let recorded = try await Migrator.applied(connection)
            return migrations.filter { recorded[$0.version] != $0.checksum }.map(\.name)
        } catch {
            throw .database(error)
        }
    }

    /// The checksum that each applied migration recorded of itself, by version.
    private static func applied(_ connection: PostgresConnection) async throws(PostgresError) -> [Int: String]
    {
        guard try await SchemaVersion.installed(connection) != nil else { return [:] }
        let rows = try await connection.query(SchemaQueries.applied)
        var checksums: [Int: String] = [:]
        for row in 0..<rows.count {
            guard let version = try rows.integer(row, 0).flatMap({ Int(exactly: $0) }) else { continue }
            checksums[version] = rows.text(row, 2)
        }
        return checksums
    }
}

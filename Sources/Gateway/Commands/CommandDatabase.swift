import ArgumentParser
import ControlPlane
import Postgres

/// The database for commands other than `serve`: the one at the URL, or the embedded one, which runs as long as the command
/// needs it.
struct CommandDatabase {
    let url: PostgresURL
    private let embedded: EmbeddedPostgres?

    /// Calls `body` with the database's URL. An embedded Postgres is started before, unless it runs, and stopped again if it
    /// was started for this.
    static func use<Result>(
        _ settings: Settings, _ body: (PostgresURL) async throws -> Result
    ) async throws -> Result {
        let database = try await open(settings)
        do {
            let result = try await body(database.url)
            await database.embedded?.stop()
            return result
        } catch {
            await database.embedded?.stop()
            throw error
        }
    }

    private static func open(_ settings: Settings) async throws(ExitCode) -> CommandDatabase {
        if let url = settings.databaseURL { return CommandDatabase(url: url, embedded: nil) }
        do {
            let folder = try StateDirectory.prepare(settings.stateDirectory)
            let embedded = EmbeddedPostgres(
                stateDirectory: folder, searchPath: SettingsReader.searchPath, observe: { _ in })
            let url = try PostgresURL(try await embedded.start())
            return CommandDatabase(url: url, embedded: embedded)
        } catch {
            Output.complaint("\(error)")
            throw .failure
        }
    }
}

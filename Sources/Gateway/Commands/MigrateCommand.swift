import ArgumentParser
import ControlPlane
import Postgres

/// `poolgate migrate`: applies the migrations that the database lacks.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database's schema to this program's version.",
        usage: "poolgate migrate [SETTINGS]",
        discussion: """
            Takes the settings of 'poolgate serve', but needs a database URL of the schema's owner: the gateway's own \
            user may not change the schema. May be run at any time, and does nothing where the schema is up to date.
            """)

    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let settings = try arguments.readWithDatabase()
        try await CommandDatabase.use(settings) { url in
            let report: Migrator.Report
            do throws(Migrator.Failure) {
                report = try await Schema.migrator.migrate(url)
            } catch {
                Output.complaint(error.description)
                throw ExitCode.failure
            }
            for name in report.applied { Output.line("applied \(name)") }
            for notice in report.notices { Output.line(notice.description) }
            for name in report.differing {
                Output.line("WARNING: \(name) was applied with another text than this program has")
            }
            Output.line("the schema is at version \(report.version)")
        }
    }
}

import ArgumentParser

/// The program: an auth gateway for many tenants, each with a Cognito user pool of its own.
@main
struct Poolgate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poolgate",
        abstract: "An auth gateway for many tenants, each with a Cognito user pool of its own.",
        version: Version.current,
        subcommands: [
            ServeCommand.self, MigrateCommand.self, CheckCommand.self, ExplainCommand.self, PoolsCommand.self,
            VersionCommand.self,
        ])
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        Output.line(Version.current)
    }
}

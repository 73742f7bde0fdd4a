import ArgumentParser

/// The settings among a command's arguments, which every command takes alike.
struct SettingArguments: ParsableArguments {
    @Argument(parsing: .allUnrecognized, help: .hidden)
    var words: [String] = []

    /// The settings of this run; says every mistake and exits with 64 (EX_USAGE) where there are any.
    func read() throws(ExitCode) -> Settings {
        do throws(SettingsReader.Mistakes) {
            return try SettingsReader.read(arguments: words, environment: SettingsReader.processEnvironment)
        } catch {
            for sentence in error.sentences { Output.complaint(sentence) }
            throw .usage
        }
    }

    /// The settings of a command that cannot do without a database.
    func readWithDatabase() throws(ExitCode) -> Settings {
        let settings = try read()
        guard settings.databaseURL != nil || settings.isEmbedded else {
            Output.complaint(
                "no database: set POOLGATE_DATABASE_URL (or DATABASE_URL) to a Postgres URL, "
                    + "or pass --embedded for a private Postgres under the state directory")
            throw .usage
        }
        return settings
    }
}

extension ExitCode {
    /// EX_USAGE of sysexits.h: the command was used wrongly.
    static let usage = ExitCode(64)
}

import ArgumentParser

/// The settings among a command's arguments, which every command takes alike.
struct SettingArguments: ParsableArguments {
    @Argument(parsing: .allUnrecognized, help: .hidden)
    var words: [String] = []

    /// The settings of this run; says every mistake and exits with 64 (EX_USAGE) where there are any.
    func read(needsDatabase: Bool = false) throws(ExitCode) -> Settings {
        do throws(SettingsReader.Mistakes) {
            return try SettingsReader.read(
                arguments: words, environment: SettingsReader.processEnvironment, needsDatabase: needsDatabase
            )
        } catch {
            for sentence in error.sentences { Output.complaint(sentence) }
            throw .usage
        }
    }

    /// The settings of a command that cannot do without a database.
    func readWithDatabase() throws(ExitCode) -> Settings {
        try read(needsDatabase: true)
    }
}

extension ExitCode {
    /// EX_USAGE of sysexits.h: the command was used wrongly.
    static let usage = ExitCode(64)
}

import ArgumentParser

/// The settings among a command's arguments. Every command takes the same ones.
struct SettingArguments: ParsableArguments {
    /// The arguments that the command itself does not know.
    @Argument(parsing: .allUnrecognized, help: .hidden)
    var words: [String] = []

    /// The settings of this run. Where there are mistakes, prints all of them and throws the exit status 64.
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

    /// The same for a command that needs a database; that none is named is a mistake then.
    func readWithDatabase() throws(ExitCode) -> Settings {
        try read(needsDatabase: true)
    }
}

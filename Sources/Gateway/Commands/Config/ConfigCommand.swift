import ArgumentParser

/// `poolgate config`: what the settings are, and a file to begin with.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show the settings and where they come from, or an example of their file.",
        subcommands: [ConfigShowCommand.self, ConfigExampleCommand.self])
}

/// `poolgate config show`: every setting with its value and where that comes from.
struct ConfigShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show every setting, its value, and the flag, variable or line that it comes from.",
        usage: "poolgate config show [--json | --table] [SETTINGS]",
        discussion: """
            Takes the settings of 'poolgate serve' as they would be given to that, and says what would be made of them. \
            Secrets are hidden, and so are user names, passwords and queries in URLs. Exits with 64 where there are \
            mistakes, which are told on standard error.
            """)

    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() throws {
        let read = SettingsReader.readAll(
            arguments: arguments.words, environment: SettingsReader.processEnvironment)
        let report = ConfigurationReport(read)
        output.show(report, as: report.table)
        for sentence in read.mistakes { Output.complaint(sentence) }
        if !read.mistakes.isEmpty { throw ExitCode.usage }
    }
}

/// `poolgate config example`: a file of every setting.
struct ConfigExampleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "example",
        abstract: "Print a YAML file with every setting, its default and its meaning.",
        discussion: """
            Every setting is a comment in it, so that the file as it is changes nothing: take the '#' away before \
            what you change, and name the file by --config or POOLGATE_CONFIG.
            """)

    func run() {
        Output.line(ConfigurationExample.text)
    }
}

import ArgumentParser
import Foundation

/// The program: an auth gateway for many tenants, each with a Cognito user pool of its own.
@main
struct Poolgate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poolgate",
        abstract: "An auth gateway for many tenants, each with a Cognito user pool of its own.",
        discussion: ExitStatus.help,
        version: Version.current,
        subcommands: [
            ServeCommand.self, MigrateCommand.self, CheckCommand.self, ExplainCommand.self, PoolsCommand.self,
            TenantsCommand.self, RulesCommand.self, RevokeCommand.self, KeysCommand.self, ImportCommand.self,
            ExportCommand.self,
            TailCommand.self, StatusCommand.self, ConfigCommand.self, CompletionCommand.self,
            CompleteCommand.self, VersionCommand.self,
        ])

    /// Runs the command that the arguments name.
    ///
    /// In place of ArgumentParser's own `main`, which quotes arguments that it does not understand: one of them may be a
    /// token, or a URL with a password.
    static func main() async {
        ProcessSetup.fillStandardDescriptors()
        do {
            var command = try parseAsRoot(nil)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            let message = fullMessage(for: error)
            if code.isSuccess {
                if !message.isEmpty { Output.line(message) }
            } else if !message.isEmpty {
                Output.complaint(
                    ArgumentComplaint.withoutArguments(message, CommandLine.arguments.dropFirst()))
            }
            ProcessEnd.with(code.rawValue)
        }
        ProcessEnd.with(0)
    }
}

/// ArgumentParser's complaints about arguments that it does not understand, without anything that may be a secret.
enum ArgumentComplaint {
    /// Replaces every argument that the message quotes, unless it has the form of a flag's name. One that resembles a
    /// command's name is replaced by that name.
    static func withoutArguments(_ message: String, _ arguments: some Sequence<String>) -> String {
        var shown = message.hasPrefix("Error: ") ? String(message.dropFirst(7)) : message
        let commands = Poolgate.configuration.subcommands.compactMap { $0.configuration.commandName }
        for argument in arguments.sorted(by: { $0.utf8.count > $1.utf8.count }) where argument.utf8.count > 1
        {
            let name = argument.drop { $0 == "-" }
            let isFlag = argument.hasPrefix("--") && Printable.isName(String(name))
            guard !isFlag else { continue }
            let nearest =
                Printable.isName(argument) ? Resemblance.nearest(to: argument, among: commands) : nil
            let advice = nearest.map { "(did you mean '\($0)'?)" } ?? "(not shown, for it may hold a secret)"
            shown = shown.replacing("'\(argument)'", with: advice)
        }
        return shown
    }
}

/// `poolgate version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        Output.line(Version.current)
    }
}

/// `poolgate complete`: what the scripts ask for: the words that may stand in place of the last one.
struct CompleteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "complete", abstract: "Print what may be typed in place of the last word.",
        shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough, help: "The words behind 'poolgate', the last one unfinished.")
    var words: [String] = []

    func run() {
        let known = words.first == "--" ? Array(words.dropFirst()) : words
        for word in Completion(commands: CommandTree(dump: Poolgate._dumpHelp())).candidates(known) {
            Output.line(word)
        }
    }
}

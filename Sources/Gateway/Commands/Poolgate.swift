import ArgumentParser
import Foundation

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

    /// Runs the command that the arguments name.
    ///
    /// Our own, because ArgumentParser quotes the arguments that it does not understand, and one of them may be a URL
    /// with a password, or a token.
    static func main() async {
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
            end(code.rawValue)
        }
        end(0)
    }

    /// Ends the process with everything written, and without what libraries registered for its exit: they would free what
    /// OpenSSL, libcurl and libpq work with while threads that block in them may still be at work.
    private static func end(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }
}

/// What ArgumentParser says of arguments that it does not understand.
enum ArgumentComplaint {
    /// Every argument in quotes is left out, unless it is a flag's bare name or looks like a command's.
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

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() {
        Output.line(Version.current)
    }
}

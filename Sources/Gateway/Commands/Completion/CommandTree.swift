import Foundation

/// The commands with their flags, as ArgumentParser describes them.
struct CommandTree: Decodable {
    let commandName: String
    let subcommands: [CommandTree]?
    let arguments: [Argument]?
    let shouldDisplay: Bool?

    /// One flag, option or positional argument.
    struct Argument: Decodable {
        /// `flag`, `option` or `positional`.
        let kind: String
        let names: [Name]?
        let allValues: [String]?
        let shouldDisplay: Bool?
    }

    /// A name of an argument, such as `json` of the kind `long`.
    struct Name: Decodable {
        let kind: String
        let name: String
    }

    /// What ArgumentParser prints of a program.
    private struct Dump: Decodable {
        let command: CommandTree
    }

    /// The commands in what ArgumentParser prints of a program; none where it cannot be read.
    init(dump: String) {
        let read = try? JSONDecoder().decode(Dump.self, from: Data(dump.utf8))
        self = read?.command ?? CommandTree()
    }

    private init() {
        commandName = ""
        subcommands = nil
        arguments = nil
        shouldDisplay = nil
    }

    /// The subcommands that are shown.
    var shownCommands: [CommandTree] {
        (subcommands ?? []).filter { $0.shouldDisplay != false }
    }

    /// The long flags and options, with what each takes: nothing, or a value.
    var flags: [(flag: String, takesValue: Bool, values: [String])] {
        (arguments ?? []).filter { $0.kind != "positional" && $0.shouldDisplay != false }.flatMap {
            argument in
            (argument.names ?? []).filter { $0.kind == "long" }.map {
                ("--\($0.name)", argument.kind == "option", argument.allValues ?? [])
            }
        }
    }
}

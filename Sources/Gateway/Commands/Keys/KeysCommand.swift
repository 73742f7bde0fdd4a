import ArgumentParser

/// `poolgate keys`: the keys that sign assertions.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Write and list the keys that sign assertions.",
        discussion: """
            They are PEM files in the folder of --signing-keys. The gateway sees a new one within a second, publishes it, \
            and signs by it after --signing-key-delay.
            """,
        subcommands: [KeysNewCommand.self, KeysListCommand.self])
}

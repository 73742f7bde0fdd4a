import ArgumentParser

/// `poolgate rules`: the rows of `poolgate.rules`.
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules", abstract: "List, show, add, change, remove and try the rules of a tenant.",
        discussion: """
            A rule says for a path and everything below it who may pass: sql/README.md, "Rules by path". Rules are named by \
            their id, as the log and 'poolgate explain' name them. Needs the database URL of a member of poolgate_admin.
            """,
        subcommands: [
            RulesListCommand.self, RulesShowCommand.self, RulesAddCommand.self, RulesSetCommand.self,
            RulesRemoveCommand.self, RulesTestCommand.self,
        ])
}

import ArgumentParser

/// `poolgate rules set`.
struct RulesSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change columns of a rule.",
        usage:
            "poolgate rules set ID COLUMN=VALUE... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]",
        discussion: Assignments.help)

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "ID COLUMN=VALUE...")
        let operands = try words.operands(2...)
        let ids = try RuleIDs.read([operands[0]])
        let assignments = try Assignments.read(Array(operands.dropFirst()), for: .rules)
        try await RowUpdate.run(ids, of: .rules, assignments, words, options, output)
    }
}

import ArgumentParser

/// `poolgate tenants set`.
struct TenantsSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Change columns of a tenant.",
        usage: """
            poolgate tenants set HOST COLUMN=VALUE... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]
            """,
        discussion: """
            \(Assignments.help) Columns that are not named stay as they are, also where somebody else changes them \
            at this moment. 'host=NEW' renames the tenant, and its rules go along.
            """)

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST COLUMN=VALUE...")
        let operands = try words.operands(2...)
        let assignments = try Assignments.read(Array(operands.dropFirst()), for: .tenants)
        try await RowUpdate.run([operands[0]], of: .tenants, assignments, words, options, output)
    }
}

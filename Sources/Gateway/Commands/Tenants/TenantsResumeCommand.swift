import ArgumentParser

/// `poolgate tenants resume`.
struct TenantsResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Serve tenants again that were suspended.",
        usage:
            "poolgate tenants resume HOST... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]",
        discussion: "Of several hosts all are resumed, or none.")

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST...")
        let assignments = try Assignments.read(["status=active"], for: .tenants)
        try await RowUpdate.run(
            try words.operands(1...), of: .tenants, assignments, words, options, output)
    }
}

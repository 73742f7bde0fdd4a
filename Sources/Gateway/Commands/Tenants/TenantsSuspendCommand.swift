import ArgumentParser

/// `poolgate tenants suspend`.
struct TenantsSuspendCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend", abstract: "Refuse every request of tenants with 403, until they are resumed.",
        usage:
            "poolgate tenants suspend HOST... [--dry-run] [--wait [TIME]] [--actor NAME] [--json] [SETTINGS]",
        discussion: "Open WebSockets are closed as well. Of several hosts all are suspended, or none.")

    @OptionGroup var options: WriteOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var arguments: SettingArguments

    func run() async throws {
        let words = CommandWords(arguments, usage: "HOST...")
        let assignments = try Assignments.read(["status=suspended"], for: .tenants)
        try await RowUpdate.run(
            try words.operands(1...), of: .tenants, assignments, words, options, output)
    }
}

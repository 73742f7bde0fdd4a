import ArgumentParser

/// `poolgate tenants`: the rows of `poolgate.tenants`.
struct TenantsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tenants", abstract: "List, show, add, change, suspend and remove tenants.",
        discussion: """
            Writes with the SQL that an admin would use: the database judges each row, and every gateway serves it a moment \
            later. Needs the database URL of a member of poolgate_admin (--database-url or POOLGATE_DATABASE_URL).
            """,
        subcommands: [
            TenantsListCommand.self, TenantsShowCommand.self, TenantsAddCommand.self, TenantsSetCommand.self,
            TenantsSuspendCommand.self, TenantsResumeCommand.self, TenantsRemoveCommand.self,
        ])
}

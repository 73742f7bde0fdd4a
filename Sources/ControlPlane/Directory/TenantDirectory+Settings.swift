package import Gatekeeper
package import Postgres

extension TenantDirectory {
    /// Where the directory is, and how its rows are read.
    package struct Settings: Sendable {
        /// The database.
        package let url: PostgresURL
        /// Makes tenants of rows.
        package let parser: TenantParser
        /// The version of the newest migration that this program knows.
        package let schemaVersion: Int
        /// Where the last good rows are saved; nil saves none.
        package let savedRowsFile: StateFile?

        /// Settings that hold for the whole run.
        package init(
            url: PostgresURL, parser: TenantParser, schemaVersion: Int, savedRowsFile: StateFile?
        ) {
            self.url = url
            self.parser = parser
            self.schemaVersion = schemaVersion
            self.savedRowsFile = savedRowsFile
        }
    }

    /// Takes what the directory makes. Its closures are called in order and must not block.
    package struct Outlet: Sendable {
        /// Gets every new directory, after the pools that it needs were started.
        package let publish: @Sendable (Directory) -> Void
        /// Gets the status after every read and every change of the connection's state.
        package let report: @Sendable (DirectoryStatus) -> Void
        /// Gets what is worth a line of the log.
        package let observe: Observe

        /// An outlet of these closures.
        package init(
            publish: @escaping @Sendable (Directory) -> Void,
            report: @escaping @Sendable (DirectoryStatus) -> Void = { _ in },
            observe: @escaping Observe = { _ in }
        ) {
            self.publish = publish
            self.report = report
            self.observe = observe
        }
    }
}

import Glibc

/// The folder of last good snapshots and of the embedded Postgres.
enum StateDirectory {
    /// Makes it, 0700, where it does not exist, and answers with its absolute path; what stands in it is left alone.
    static func prepare(_ path: String) throws(EmbeddedPostgresFailure) -> String {
        try Paths.makeFolder(path)
        guard let resolved = Paths.resolved(path) else { throw .system(path, errno) }
        return resolved
    }
}

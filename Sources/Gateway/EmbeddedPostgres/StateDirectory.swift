import Glibc

/// The folder of the saved rows and of the embedded Postgres.
enum StateDirectory {
    /// Makes the folder, mode 0700, where it does not exist, and returns its absolute path. What is in it is left as it is.
    static func prepare(_ path: String) throws(EmbeddedPostgresFailure) -> String {
        try Paths.makeFolder(path)
        guard let resolved = Paths.resolved(path) else { throw .system(path, errno) }
        return resolved
    }
}

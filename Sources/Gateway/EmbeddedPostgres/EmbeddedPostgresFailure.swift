import Glibc

/// Why the embedded Postgres does not run.
enum EmbeddedPostgresFailure: Error, Equatable, CustomStringConvertible {
    /// No installation of Postgres was found.
    case noPrograms
    /// The data were made by a major version that is not installed.
    case otherVersion(data: Int, installed: [Int], folder: String)
    /// There is a folder with other things in it where the data belong.
    case foreignFolder(String)
    /// The process runs as root, and the system has no user `postgres`.
    case noUser
    /// A folder or file cannot be used, for the reason with this number (errno).
    case system(String, Int32)
    /// The folder for the socket exists and belongs to another user, or is open to others.
    case socketFolder(String)
    /// The data could not be made, for this reason.
    case creation(String)
    /// The server process did not start, for this reason.
    case start(String)
    /// The server process runs and accepts no connection.
    case silent(pid: Int32, folder: String)
    /// The task was cancelled.
    case cancelled

    /// A sentence without its full stop.
    var description: String {
        switch self {
        case .noPrograms:
            "no Postgres is installed that could be run (initdb, pg_ctl and postgres): "
                + "install one, such as with 'apt-get install postgresql', or set POOLGATE_DATABASE_URL"
        case .otherVersion(let data, let installed, let folder):
            "the data in \(folder) were made by Postgres \(data), and only Postgres "
                + "\(installed.map(String.init).joined(separator: " and ")) is installed: run "
                + "'apt-get install postgresql-\(data)' to use them as they are, or bring them over with pg_upgrade; "
                + "nothing was touched"
        case .foreignFolder(let folder):
            "\(folder) is not empty and holds no Postgres data; it was left alone"
        case .noUser:
            "Postgres does not run as root, and there is no user 'postgres' to run it as: "
                + "create that user, or run poolgate as another one"
        case .system(let thing, let number):
            "\(thing) cannot be used: \(String(cString: strerror(number)))"
        case .socketFolder(let folder):
            "\(folder) belongs to another user or is open to others: remove it, or choose another state directory"
        case .creation(let reason): "initdb failed: \(reason)"
        case .start(let reason): "Postgres did not start: \(reason)"
        case .silent(let pid, let folder):
            "Postgres runs on \(folder) as process \(pid) and accepts no connection"
        case .cancelled: "the start was given up"
        }
    }
}

import Glibc

/// Why there is no embedded Postgres; `description` is a sentence without its full stop.
enum EmbeddedPostgresFailure: Error, Equatable, CustomStringConvertible {
    /// No installation was found.
    case noPrograms
    /// The data were made by a major version that is not installed.
    case otherVersion(data: Int, installed: [Int], folder: String)
    /// A folder with something else in it stands where the data belong.
    case foreignFolder(String)
    /// The process is root, and the system has no user for Postgres.
    case noUser
    /// A folder or file cannot be used: which, and the system's number for the reason.
    case system(String, Int32)
    /// A folder for the socket exists and belongs to somebody else.
    case socketFolder(String)
    case creation(String)
    case start(String)
    /// A postmaster runs and answers nobody.
    case silent(pid: Int32, folder: String)
    case cancelled

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

import Glibc

/// Where the embedded Postgres has its data, and as whom it runs.
struct Cluster: Sendable {
    /// Holds the data, the log and mostly the socket; mode 0700, owned by whom it runs as.
    let folder: String
    /// Whom to run as; nil for the user of this process.
    let user: RunUser?

    static let dataName = "data"
    static let logName = "postgres.log"

    var data: String { "\(folder)/\(Cluster.dataName)" }

    /// Below the state directory; for root, where the user `postgres` cannot come there, below `/var/lib/poolgate`.
    init(stateDirectory: String) throws(EmbeddedPostgresFailure) {
        try self.init(stateDirectory: stateDirectory, outside: "/var/lib/poolgate")
    }

    init(stateDirectory: String, outside: String) throws(EmbeddedPostgresFailure) {
        guard let resolved = Paths.resolved(stateDirectory) else { throw .system(stateDirectory, errno) }
        let inside = "\(resolved)/postgres"
        guard geteuid() == 0 else {
            (folder, user) = (inside, nil)
            try Paths.makeFolder(folder)
            return
        }
        guard let entry = getpwnam("postgres") else { throw .noUser }
        let user = RunUser(userID: entry.pointee.pw_uid, groupID: entry.pointee.pw_gid)
        self.user = user
        let elsewhere = "\(outside)/\(Paths.digest(resolved))"
        // Data stay where they are, whatever became of the folders' modes meanwhile.
        let isElsewhere = Paths.exists("\(elsewhere)/\(Cluster.dataName)")
        if !isElsewhere, Paths.isOpen(resolved, to: user) {
            folder = inside
        } else {
            folder = elsewhere
            try Paths.makeFolder(outside, mode: 0o755)
        }
        try Paths.makeFolder(folder, owner: user)
    }

    // MARK: Data

    /// The major version that the data were made by; nil where there are none.
    func dataVersion() -> ClusterVersion? {
        guard let text = Paths.text(of: "\(data)/PG_VERSION", atMost: 64) else { return nil }
        return Digits.number(text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }, atMost: 1_000)
            .map { ClusterVersion(major: $0, folder: data) }
    }

    /// Data are made under another name first, so that a gateway that is killed meanwhile leaves nothing half made.
    var newDataName: String { "\(Cluster.dataName).new" }

    /// Makes room for new data.
    func prepareForCreation() throws(EmbeddedPostgresFailure) {
        if Paths.exists(data) {
            guard rmdir(data) == 0 else { throw .foreignFolder(data) }
        }
        Paths.removeTree("\(folder)/\(newDataName)")
    }

    func adoptNewData() throws(EmbeddedPostgresFailure) {
        guard rename("\(folder)/\(newDataName)", data) == 0 else { throw .system(data, errno) }
    }

    // MARK: Postmaster

    /// What `postmaster.pid` says; nil where there is none or it is not whole yet.
    func postmaster() -> Postmaster? {
        Paths.text(of: "\(data)/postmaster.pid", atMost: 4_096).flatMap { Postmaster($0) }
    }

    /// Whether that process runs on these data: a postmaster's working directory is its data directory.
    func isAlive(_ postmaster: Postmaster) -> Bool {
        guard let folder = Paths.resolved("/proc/\(postmaster.pid)/cwd"), let data = Paths.resolved(data)
        else {
            return false
        }
        return folder.utf8.elementsEqual(data.utf8)
    }

    func removePostmasterFile() {
        unlink("\(data)/postmaster.pid")
    }

    /// Whether a gateway started the postmaster, and not a person.
    func isStartedByGateway(_ postmaster: Postmaster) -> Bool {
        let marker = Paths.text(of: markerFile, atMost: 256)
        return marker == Cluster.launching || marker == postmaster.marker
    }

    /// Notes that a gateway is about to start one, where none ran; whichever is found next is that one.
    func markLaunch() {
        Paths.write(Cluster.launching, to: markerFile)
    }

    func mark(_ postmaster: Postmaster) {
        Paths.write(postmaster.marker, to: markerFile)
    }

    func removeMarker() {
        unlink(markerFile)
    }

    private var markerFile: String { "\(folder)/started" }
    private static let launching = "launching"

    /// The last line of the server's log, which says why it did not start.
    func lastLogLine() -> String? {
        Paths.tail(of: "\(folder)/\(Cluster.logName)", bytes: 4_096)?
            .split(whereSeparator: \.isNewline).last { $0.contains("FATAL") || $0.contains("ERROR") }
            .map { Printable.text(String($0)) }
    }

    // MARK: Socket

    /// Makes the folder of the socket for a Postgres about to be started, 0700: beside the data, or, where that path is too long or has characters that
    /// Postgres or a shell could misread, below `/tmp`.
    func prepareSocketFolder() throws(EmbeddedPostgresFailure) -> String {
        var path = "\(folder)/socket"
        if path.utf8.count > Limits.socketFolderBytes || !Paths.isPlain(path) {
            path = "/tmp/poolgate-\(Paths.digest(folder))"
        }
        try Paths.makeFolder(path, owner: user)
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == user?.userID ?? geteuid(), status.st_mode & 0o777 == 0o700
        else { throw .socketFolder(path) }
        // Left by one that was killed; its process number may still be taken. Nothing runs on these data now.
        for name in [".s.PGSQL.\(Postmaster.port).lock", ".s.PGSQL.\(Postmaster.port)"] {
            unlink("\(path)/\(name)")
        }
        return path
    }
}

/// Which major version made which data.
struct ClusterVersion: Sendable {
    let major: Int
    let folder: String
}

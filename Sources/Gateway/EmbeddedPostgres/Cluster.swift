import Glibc

/// Where the data of the embedded Postgres are, and as which user it runs.
struct Cluster: Sendable {
    /// The folder of the data, the log and, mostly, the socket. Mode 0700; it belongs to the user that Postgres runs as.
    let folder: String
    /// The user that Postgres runs as; nil for that of this process.
    let user: RunUser?

    static let dataName = "data"
    static let logName = "postgres.log"

    var data: String { "\(folder)/\(Cluster.dataName)" }

    /// Makes the folder. It is below the state directory. As root, Postgres runs as the user `postgres`, and where that user
    /// cannot reach the state directory, the folder is below `/var/lib/poolgate`.
    init(stateDirectory: String) throws(EmbeddedPostgresFailure) {
        try self.init(stateDirectory: stateDirectory, outside: "/var/lib/poolgate")
    }

    /// The same, with another folder than `/var/lib/poolgate`, for tests.
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
        // Data that exist are used where they are, even if the user could reach the state directory by now.
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

    /// The major version of Postgres that made the data; nil where there are none.
    func dataVersion() -> ClusterVersion? {
        guard let text = Paths.text(of: "\(data)/PG_VERSION", atMost: Limits.versionFileBytes) else {
            return nil
        }
        return Digits.number(
            text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 }, atMost: Limits.postgresMajorVersion
        )
        .map { ClusterVersion(major: $0, folder: data) }
    }

    /// The folder in which data are made before they are given their name, so that a gateway that is killed meanwhile leaves
    /// no unfinished data under that name.
    var newDataName: String { "\(Cluster.dataName).new" }

    /// Removes what an unfinished creation has left.
    func prepareForCreation() throws(EmbeddedPostgresFailure) {
        if Paths.exists(data) {
            guard rmdir(data) == 0 else { throw .foreignFolder(data) }
        }
        Paths.removeTree("\(folder)/\(newDataName)")
    }

    /// Gives new data their name.
    func adoptNewData() throws(EmbeddedPostgresFailure) {
        guard rename("\(folder)/\(newDataName)", data) == 0 else { throw .system(data, errno) }
    }

    // MARK: Postmaster

    /// The server process that `postmaster.pid` names; nil where there is no such file, or it is not complete yet.
    func postmaster() -> Postmaster? {
        Paths.text(of: "\(data)/postmaster.pid", atMost: Limits.postmasterFileBytes).flatMap {
            Postmaster($0)
        }
    }

    /// Whether that process runs on these data. The working directory of Postgres' server process (the postmaster) is its
    /// data directory.
    func isAlive(_ postmaster: Postmaster) -> Bool {
        guard let folder = Paths.resolved("/proc/\(postmaster.pid)/cwd"), let data = Paths.resolved(data)
        else {
            return false
        }
        return folder.utf8.elementsEqual(data.utf8)
    }

    /// Removes what a server process that does not run any more has left.
    func removePostmasterFile() {
        unlink("\(data)/postmaster.pid")
    }

    /// Whether a gateway has started the server process, and not a person.
    func isStartedByGateway(_ postmaster: Postmaster) -> Bool {
        let marker = Paths.text(of: markerFile, atMost: Limits.markerFileBytes)
        return marker == Cluster.launching || marker == postmaster.marker
    }

    /// Notes beside the data that a gateway is about to start the server process: the next one that is found is that one.
    func markLaunch() {
        Paths.write(Cluster.launching, to: markerFile)
    }

    /// Notes beside the data that a gateway has started this server process.
    func mark(_ postmaster: Postmaster) {
        Paths.write(postmaster.marker, to: markerFile)
    }

    /// Removes that note.
    func removeMarker() {
        unlink(markerFile)
    }

    private var markerFile: String { "\(folder)/started" }
    private static let launching = "launching"

    /// The last error in the server's log, which says why it did not start.
    func lastLogLine() -> String? {
        Paths.tail(of: "\(folder)/\(Cluster.logName)", bytes: Limits.logTailBytes)?
            .split(whereSeparator: \.isNewline).last { $0.contains("FATAL") || $0.contains("ERROR") }
            .map { Printable.text(String($0)) }
    }

    // MARK: Socket

    /// Makes the folder of the socket, mode 0700, for a Postgres that is about to be started: beside the data or, where that
    /// path is too long or has characters that Postgres or a shell could misread, below `/tmp`.
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
        // Nothing runs on these data now, but one that was killed may have left these files; with them Postgres would not
        // start if another program has that process number by now.
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

package import Foundation
import Synchronization

/// A Postgres cluster of its own for a test: made by initdb under the temporary directory, reached by a socket and
/// by a loopback port, stopped and removed with the last reference, or when the test process dies.
///
/// A class, because it stands for a running server.
package final class TemporaryPostgres: Sendable {
    /// The cluster's folder, which also holds its socket.
    package let directory: String
    /// The loopback port, which also names the socket.
    package let port: Int
    private let keeper: Mutex<(process: Process, leash: Pipe)?>

    /// Makes a cluster and waits until it answers; as root it belongs to the user `postgres`.
    package init(settings: [String: String] = [:]) throws {
        directory = try Self.makeDirectory()
        port = try Self.freePort()
        let user = "--username=postgres"
        try Self.run(
            Self.binary("initdb"),
            [
                "-D", "\(directory)/data", "-A", "trust", user, "-E", "UTF8",
                "--locale=C", "--no-sync", "--no-instructions",
            ])
        keeper = Mutex(nil)
        try start(settings: settings)
    }

    deinit {
        stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// The URL of a database by its socket.
    package func url(database: String = "postgres") -> String {
        "postgres://postgres@/\(database)?host=\(directory)&port=\(port)"
    }

    /// The URL of a database by its loopback port.
    package func tcpURL(database: String = "postgres") -> String {
        "postgres://postgres@127.0.0.1:\(port)/\(database)"
    }

    /// Starts the server, again if it was stopped, and waits until it answers.
    package func start(settings: [String: String] = [:]) throws {
        try? FileManager.default.removeItem(atPath: "\(directory)/data/postmaster.pid")
        var arguments = ["-D", "\(directory)/data", "-k", directory, "-p", String(port)]
        // Nothing has to outlast the machine, and of small databases none is worth a visit of autovacuum or compiling.
        let all = [
            "listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "jit": "off",
            "autovacuum": "off", "max_connections": "60",
        ].merging(settings) { $1 }
        for (name, value) in all { arguments += ["-c", "\(name)=\(value)"] }
        let program = try Self.binary("postgres")
        let process = Process()
        let leash = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", Self.keeperScript, directory] + Self.asOwner([program] + arguments)
        // Other children must not hold the leash as well.
        _ = fcntl(leash.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        try? FileManager.default.removeItem(atPath: "\(directory)/stopped")
        process.standardInput = leash
        let log = "\(directory)/log"
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let output = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        output.seekToEndOfFile()
        process.standardOutput = output
        process.standardError = output
        try process.begin()
        keeper.withLock { $0 = (process, leash) }
        for _ in 0..<600 {
            if (try? Self.run(Self.binary("pg_isready"), ["-q", "-h", directory, "-p", String(port)])) != nil
            {
                return
            }
            usleep(20_000)
        }
        throw Failure(
            description:
                "Postgres did not start: \((try? String(contentsOfFile: log, encoding: .utf8)) ?? "")")
    }

    /// Runs the server, and holds a leash: when the test process ends in whatever way, `cat` sees the end of its
    /// input, and server and folder go. Where the test stopped the server itself, the folder stays.
    private static let keeperScript = """
        exec 3<&0
        "$@" 3<&- </dev/null & server=$!
        (cat <&3 >/dev/null; kill -QUIT $server; kill -CONT $server) 2>/dev/null & watch=$!
        exec 3<&- </dev/null
        wait $server
        kill $watch 2>/dev/null
        [ -e "$0/stopped" ] || rm -rf "$0"
        """

    /// Stops the server at once, as a crash would, and waits until it is gone.
    package func stop() {
        guard
            let (process, leash) = keeper.withLock({ keeper in
                defer { keeper = nil }
                return keeper
            })
        else { return }
        _ = FileManager.default.createFile(atPath: "\(directory)/stopped", contents: nil)
        if let pid = try? postmaster() {
            kill(pid, SIGQUIT)
            kill(pid, SIGCONT)
        }
        try? leash.fileHandleForWriting.close()
        process.waitForEnd()
    }

    /// The process id of the postmaster.
    package func postmaster() throws -> Int32 {
        let text = try String(contentsOfFile: "\(directory)/data/postmaster.pid", encoding: .utf8)
        guard let line = text.split(separator: "\n").first, let pid = Int32(line) else {
            throw Failure(description: "postmaster.pid holds no process id")
        }
        return pid
    }

    /// Makes an empty database and returns its URL by the socket.
    package func createDatabase(_ name: String) throws -> String {
        try psql("CREATE DATABASE \"\(name)\"")
        return url(database: name)
    }

    /// Runs SQL with psql, as an admin would, and returns what it prints, unaligned and without headings.
    @discardableResult
    package func psql(_ sql: String, database: String = "postgres") throws -> String {
        try Self.run(
            "/usr/bin/env", ["psql", url(database: database), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql])
    }

    /// Applies the files with plain psql, in the order given.
    package func apply(files: [String], database: String = "postgres") throws {
        for file in files {
            try Self.run(
                "/usr/bin/env",
                ["psql", url(database: database), "-Xq", "-v", "ON_ERROR_STOP=1", "-f", file])
        }
    }

    /// The migration files of this repository, in their order.
    package static func migrations() throws -> [String] {
        let folder = repository.appending(path: "sql/migrations").path
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".sql") }
            .sorted()
            .map { "\(folder)/\($0)" }
    }

    /// The root of this repository, found from this file's own place in it.
    package static var repository: URL {
        URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    /// Runs a program and returns what it printed; throws what it complained of where it fails.
    @discardableResult
    package static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> String {
        let process = Process()
        let isOurs = program.hasPrefix("/usr/lib/postgresql") && !program.hasSuffix("pg_isready")
        let command = isOurs ? asOwner([program] + arguments) : [program] + arguments
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.begin()
        let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let status = process.waitForEnd()
        guard status == 0 else {
            throw Failure(description: "\(program) ended with \(status): \(printed)")
        }
        return printed
    }

    /// Why a server or a program could not be run.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Postgres refuses to run as root.
    private static func asOwner(_ command: [String]) -> [String] {
        guard getuid() == 0 else { return command }
        return ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] + command
    }

    private static func binary(_ name: String) throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap(Int.init).filter {
            FileManager.default.isExecutableFile(atPath: "\(root)/\($0)/bin/\(name)")
        }.max()
        guard let newest else { throw Failure(description: "no \(name) is installed under \(root)") }
        return "\(root)/\(newest)/bin/\(name)"
    }

    private static func makeDirectory() throws -> String {
        // Short, because a socket's path has at most 107 bytes.
        var template = Array("/tmp/pgt-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(description: "no temporary directory can be made")
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if getuid() == 0 {
            guard let owner = getpwnam("postgres") else {
                throw Failure(description: "there is no user postgres")
            }
            chown(path, owner.pointee.pw_uid, owner.pointee.pw_gid)
        }
        return path
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw Failure(description: "no loopback port is free") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

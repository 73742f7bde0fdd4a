import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Gateway

/// An embedded Postgres with what it said.
private final class Observed: Sendable {
    let postgres: EmbeddedPostgres
    private let seen: Words

    private final class Words: Sendable {
        let all = Mutex<[String]>([])
    }

    init(_ folder: String) {
        let seen = Words()
        self.seen = seen
        postgres = EmbeddedPostgres(
            stateDirectory: folder, searchPath: "",
            observe: { event in seen.all.withLock { $0.append("\(event)".prefix { $0 != "(" }.description) } }
        )
    }

    var events: [String] { seen.all.withLock { $0 } }

    func waits(for event: String) async throws {
        for _ in 0..<1_000 {
            if events.contains(event) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("no \(event) among \(events)")
    }
}

private func postmaster(in folder: TemporaryFolder) throws -> Int32 {
    let text = try String(contentsOfFile: "\(folder.path)/postgres/data/postmaster.pid", encoding: .utf8)
    return try #require(Postmaster(text)).pid
}

/// Whether the process ends soon: stopping waits only a moment for a Postgres that takes its time.
private func ends(_ pid: Int32) async throws -> Bool {
    for _ in 0..<1_000 where isRunning(pid) { try await Task.sleep(for: .milliseconds(10)) }
    return !isRunning(pid)
}

private func isRunning(_ pid: Int32) -> Bool {
    (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)).map { !$0.contains(") Z ") } ?? false
}

private func ask(_ url: String, _ sql: String) async throws -> String? {
    let connection = try await PostgresConnection.connect(to: PostgresURL(url))
    defer { connection.close() }
    return try await connection.query(sql).text(0, 0)
}

private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
}

@Suite(.serialized) struct EmbeddedPostgresTests {
    @Test("It is made with UTF8 and locale C, reached by a private socket alone, stopped, and found again")
    func creation() async throws {
        let folder = try TemporaryFolder()
        let first = Observed(folder.path)
        let url = try await first.postgres.start()
        #expect(first.events == ["created", "started"])
        #expect(try await ask(url, "SHOW server_encoding") == "UTF8")
        #expect(try await ask(url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C")
        #expect(try await ask(url, "SHOW listen_addresses") == "")
        #expect(try mode("\(folder.path)/postgres/socket") == 0o700)
        #expect(try mode("\(folder.path)/postgres/data") == 0o700)
        _ = try await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        let pid = try postmaster(in: folder)
        #expect(isRunning(pid))
        await first.postgres.stop()
        #expect(try await ends(pid))
        #expect(["stopped", "stopping"].contains(first.events.last))

        let second = Observed(folder.path)
        #expect(try await second.postgres.start() == url)
        #expect(second.events == ["started"])
        #expect(try await ask(url, "SELECT n FROM kept") == "7")
        await second.postgres.stop()
    }

    @Test("It runs in a session of its own, so that a terminal's signals do not reach it")
    func ownSession() async throws {
        let folder = try TemporaryFolder()
        let embedded = Observed(folder.path)
        _ = try await embedded.postgres.start()
        let pid = try postmaster(in: folder)
        #expect(getsid(pid) != getsid(0) && getsid(pid) == pid)
        await embedded.postgres.stop()
    }

    @Test("Of two gateways on one directory one starts it, the other adopts it, and who started it stops it")
    func adoption() async throws {
        let folder = try TemporaryFolder()
        let (one, other) = (Observed(folder.path), Observed(folder.path))
        async let first = one.postgres.start()
        async let second = other.postgres.start()
        #expect(try await first == second)
        let starter = one.events.contains("started") ? one : other
        let adopter = one.events.contains("started") ? other : one
        #expect(adopter.events.last == "adopted" && !adopter.events.contains("started"))
        let pid = try postmaster(in: folder)
        await adopter.postgres.stop()
        #expect(isRunning(pid))
        await starter.postgres.stop()
        #expect(try await ends(pid))
    }

    @Test("When the gateway that started it leaves, the other starts it again at the same place")
    func restartByAnother() async throws {
        let folder = try TemporaryFolder()
        let (one, other) = (Observed(folder.path), Observed(folder.path))
        let url = try await one.postgres.start()
        _ = try await other.postgres.start()
        let watch = Task { await other.postgres.watch() }
        await one.postgres.stop()
        try await other.waits(for: "started")
        #expect(other.events == ["adopted", "died", "started"])
        #expect(try await ask(url, "SELECT 1") == "1")
        watch.cancel()
        await watch.value
        let pid = try postmaster(in: folder)
        await other.postgres.stop()
        #expect(try await ends(pid))
    }

    @Test("A Postgres that is killed is started again")
    func killedPostgres() async throws {
        let folder = try TemporaryFolder()
        let embedded = Observed(folder.path)
        let url = try await embedded.postgres.start()
        let watch = Task { await embedded.postgres.watch() }
        kill(try postmaster(in: folder), SIGKILL)
        try await embedded.waits(for: "died")
        for _ in 0..<500 where embedded.events.filter({ $0 == "started" }).count < 2 {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try await ask(url, "SELECT 1") == "1")
        watch.cancel()
        await watch.value
        await embedded.postgres.stop()
    }

    @Test("One that a person started is adopted and left running")
    func startedByPerson() async throws {
        let folder = try TemporaryFolder()
        let first = Observed(folder.path)
        let url = try await first.postgres.start()
        await first.postgres.stop()
        let cluster = try Cluster(stateDirectory: folder.path)
        let programs = try await PostgresPrograms.find(searchPath: "", dataVersion: cluster.dataVersion())
        let byHand = try await programs.run(
            "pg_ctl",
            [
                "start", "-w", "-D", "data", "-l", "by-hand.log", "-o",
                "-k \(cluster.folder)/socket -c listen_addresses=",
            ],
            in: cluster)
        #expect(byHand.isSuccess)
        let pid = try postmaster(in: folder)
        let second = Observed(folder.path)
        #expect(try await second.postgres.start() == url)
        #expect(second.events == ["adopted"])
        await second.postgres.stop()
        #expect(isRunning(pid))
        kill(pid, SIGQUIT)
        #expect(try await ends(pid))
    }

    @Test(
        "Data of another major version are named with both versions and what to run, and nothing is touched")
    func otherMajorVersion() async throws {
        let folder = try TemporaryFolder()
        let first = Observed(folder.path)
        _ = try await first.postgres.start()
        await first.postgres.stop()
        let mark = "\(folder.path)/postgres/data/PG_VERSION"
        let installed = try String(contentsOfFile: mark, encoding: .utf8).trimmingCharacters(in: .newlines)
        try "9\n".write(toFile: mark, atomically: false, encoding: .utf8)
        let before = folder.contents()
        let second = Observed(folder.path)
        let failure = await #expect(throws: EmbeddedPostgresFailure.self) {
            try await second.postgres.start()
        }
        let sentence = failure?.description ?? ""
        #expect(
            sentence.contains("made by Postgres 9") && sentence.contains("Postgres \(installed) is installed")
        )
        #expect(sentence.contains("apt-get install postgresql-9") && sentence.contains("pg_upgrade"))
        #expect(folder.contents() == before && second.events == [])
    }

    @Test("A folder with something else in it is left alone")
    func foreignFolder() async throws {
        let folder = try TemporaryFolder()
        let foreign = "\(folder.path)/postgres/data"
        try FileManager.default.createDirectory(atPath: foreign, withIntermediateDirectories: true)
        try "mine".write(toFile: "\(foreign)/notes", atomically: true, encoding: .utf8)
        let embedded = Observed(folder.path)
        await #expect(throws: EmbeddedPostgresFailure.foreignFolder("\(folder.path)/postgres/data")) {
            try await embedded.postgres.start()
        }
        #expect(try String(contentsOfFile: "\(foreign)/notes", encoding: .utf8) == "mine")
    }

    @Test("What a killed start left behind does not hinder the next one")
    func remains() async throws {
        let folder = try TemporaryFolder()
        let half = "\(folder.path)/postgres/data.new/base"
        try FileManager.default.createDirectory(atPath: half, withIntermediateDirectories: true)
        if getuid() == 0 {
            try TemporaryPostgres.run("/bin/chown", ["-R", "postgres", "\(folder.path)/postgres"])
        }
        let first = Observed(folder.path)
        _ = try await first.postgres.start()
        kill(try postmaster(in: folder), SIGKILL)
        await first.postgres.stop()
        // The file of the dead one names a process that lives and is no Postgres: this one.
        let file = "\(folder.path)/postgres/data/postmaster.pid"
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false)
        try ([Substring("\(getpid())")] + lines.dropFirst()).joined(separator: "\n")
            .write(toFile: file, atomically: false, encoding: .utf8)
        let second = Observed(folder.path)
        let url = try await second.postgres.start()
        #expect(second.events == ["started"])
        #expect(try await ask(url, "SELECT 1") == "1")
        await second.postgres.stop()
    }

    @Test("A directory of any name will do")
    func oddDirectoryNames() async throws {
        let folder = try TemporaryFolder(suffix: " it's $(a) \"dir\" \(String(repeating: "long", count: 20))")
        let embedded = Observed(folder.path)
        let url = try await embedded.postgres.start()
        #expect(try await ask(url, "SELECT 1") == "1")
        let psql = try #require(await embedded.postgres.psql)
        #expect(psql.hasPrefix("psql -h /tmp/poolgate-") && psql.utf8.count < 80)
        let socket = String(psql.split(separator: " ")[2])
        #expect(try mode(socket) == 0o700)
        await embedded.postgres.stop()
        try? FileManager.default.removeItem(atPath: socket)
    }

    @Test("A socket folder that somebody else has opened is refused")
    func openSocketFolder() throws {
        let folder = try TemporaryFolder()
        let cluster = try Cluster(stateDirectory: folder.path)
        let socket = try cluster.prepareSocketFolder()
        chmod(socket, 0o755)
        #expect(throws: EmbeddedPostgresFailure.socketFolder(socket)) { try cluster.prepareSocketFolder() }
    }

    @Test(
        "For root, data lie outside a directory that the user postgres cannot enter, and stay where they are",
        .enabled(if: getuid() == 0, "only root runs it as another user"))
    func dataOfRoot()
        throws
    {
        let (open, closed, outside) = (try TemporaryFolder(), try TemporaryFolder(), try TemporaryFolder())
        chmod(closed.path, 0o700)
        #expect(
            try Cluster(stateDirectory: open.path, outside: outside.path).folder == "\(open.path)/postgres")
        let cluster = try Cluster(stateDirectory: closed.path, outside: outside.path)
        #expect(cluster.folder.hasPrefix(outside.path + "/"))
        #expect(try mode(cluster.folder) == 0o700)
        mkdir(cluster.data, 0o700)
        chmod(closed.path, 0o755)
        #expect(try Cluster(stateDirectory: closed.path, outside: outside.path).folder == cluster.folder)
    }

    @Test(
        "The postmaster's file is read only when it is whole",
        arguments: [
            ("12\n/data\n170\n5432\n/sock\n\n", 12),
            ("12\n/data\n170\n5432\n/sock\nlocalhost\n  123 4\nready\n", 12),
            ("12\n/data\n170\n5432", nil), ("", nil), ("1\n/d\n1\n5432\n/s\n", nil),
            ("-5\n/d\n1\n5432\n/s\n", nil),
            ("99999999999\n/d\n1\n5432\n/s\n", nil), ("12\n/d\n1\n70000\n/s\n", nil),
        ])
    func postmasterFile(text: String, pid: Int32?) {
        #expect(Postmaster(text)?.pid == pid)
    }
}

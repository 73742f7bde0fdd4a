import Foundation
import TestSupport
import Testing

@testable import Gateway

@Suite(.serialized) struct GatewayProcessTests {
    private static let nowhere = ["--database-url", "postgres://127.0.0.1:1/x"]

    @Test("serve without a database names both choices and exits 64")
    func serveWithoutDatabase() async throws {
        let ended = try await GatewayProcess.run(["serve"])
        #expect(ended.status == 64 && ended.output.isEmpty)
        #expect(ended.errors.contains("POOLGATE_DATABASE_URL") && ended.errors.contains("--embedded"))
    }

    @Test("Mistakes are told one a line, and nothing is started")
    func mistakes() async throws {
        let ended = try await GatewayProcess.run(
            ["serve", "--embedded", "--workers", "x", "--wat"], environment: ["POOLGATE_LOG_LEVEL": "loud"])
        #expect(ended.status == 64)
        #expect(ended.errors.split(separator: "\n").count == 3)
        #expect(ended.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("poolgate: ") })
    }

    @Test("Every command helps, and the version is printed")
    func helpAndVersion() async throws {
        for command in ["serve", "migrate", "check", "explain", "pools", "version"] {
            let ended = try await GatewayProcess.run([command, "--help"])
            #expect(ended.status == 0 && ended.output.contains("USAGE: poolgate \(command)"), "\(command)")
        }
        #expect(try await GatewayProcess.run(["version"]).output == "\(Version.current)\n")
    }

    @Test("From nothing to a tenant served by SQL, and back to nothing at once")
    func wholeLife() async throws {
        let gateway = try GatewayProcess.serve([
            "--embedded", "--jwks-url-template", "http://127.0.0.1:1/{pool}",
        ])
        let admin = try await gateway.address("admin")
        let proxy = try await gateway.address("proxy")
        try await gateway.event("ready")
        // On a busy machine making Postgres may take longer than the proxy waits to open.
        let names = gateway.names()
        #expect(names.starts(with: ["starting", "listening"]))
        #expect(
            names.filter { $0.hasPrefix("postgres") || $0 == "migrated" } == [
                "postgres_created", "postgres_started", "migrated",
            ])
        #expect(try await GatewayProcess.ask("http://\(admin)/live").status == 200)
        #expect(try await GatewayProcess.ask("http://\(admin)/ready").status == 200)
        #expect(try await GatewayProcess.ask("http://\(proxy)/", ["-H", "Host: new.example"]).status == 421)
        let psql = try #require(gateway.output.split(separator: "\n").first).description
        #expect(psql.hasPrefix("psql -h "))
        let insert =
            "INSERT INTO poolgate.tenants (host, region, pool_id, upstream) "
            + "VALUES ('new.example', 'eu-west-1', 'eu-west-1_PwMfVzLQg', 'http://127.0.0.1:9')"
        try TemporaryPostgres.run("/bin/sh", ["-c", "\(psql) -Xqc \"\(insert)\""])
        try await gateway.event("directory_read", ["read": "changes"])
        let answer = try await GatewayProcess.ask("http://\(proxy)/a?secret=1", ["-H", "Host: new.example"])
        #expect(answer.status == 401)
        let refusal = try await gateway.event("refused", ["tenant": "new.example"])
        #expect(refusal["code"] as? String == "missing_token" && refusal["status"] as? Int == 401)
        let requestID = try #require(refusal["request_id"] as? String)
        #expect(refusal["path"] as? String == "/a" && answer.body.contains(requestID))
        let began = ContinuousClock.now
        gateway.signal(SIGTERM)
        #expect(try await gateway.ended(within: .seconds(20)) == 0)
        #expect(.now - began < .seconds(10))
        // Asked to stop, and waited for only as long as it keeps its promise of a second.
        #expect(
            [["postgres_stopped", "stopped"], ["postgres_stopping", "stopped"]].contains(
                gateway.names().suffix(2)))
        #expect(gateway.errors.split(separator: "\n").count == gateway.events.count)
    }

    @Test("A Postgres whose gateway was killed is adopted by the next one, which then stops it")
    func adoptionAfterKill() async throws {
        let folder = try TemporaryFolder()
        let first = try GatewayProcess.serve(["--embedded"], folder: folder)
        try await first.event("ready")
        first.signal(SIGKILL)
        #expect(try await first.ended(within: .seconds(20)) == 1_009)
        let second = try GatewayProcess.serve(["--embedded"], folder: folder)
        #expect(try await second.event("postgres_adopted")["stopped_by"] as? String == "this gateway")
        try await second.event("ready")
        second.signal(SIGINT)
        #expect(try await second.ended(within: .seconds(20)) == 0)
        #expect(second.names().contains { $0 == "postgres_stopped" || $0 == "postgres_stopping" })
    }

    @Test("A stop while Postgres is being made is prompt, and hinders no later start")
    func stopDuringCreation() async throws {
        let folder = try TemporaryFolder()
        let first = try GatewayProcess.serve(["--embedded"], folder: folder)
        _ = try await first.address("admin")
        let began = ContinuousClock.now
        first.signal(SIGTERM)
        #expect(try await first.ended(within: .seconds(20)) == 0)
        #expect(.now - began < .seconds(10))
        #expect(first.names().last == "stopped" && !first.names().contains("postgres_created"))
        let second = try GatewayProcess.serve(["--embedded"], folder: folder)
        try await second.event("ready")
        #expect(second.names().contains("postgres_created"))
        second.signal(SIGTERM)
        #expect(try await second.ended(within: .seconds(20)) == 0)
    }

    @Test("Data of another major version end the start with 1 and a sentence")
    func otherMajorVersion() async throws {
        let folder = try TemporaryFolder()
        let first = try GatewayProcess.serve(["--embedded"], folder: folder)
        try await first.event("ready")
        first.signal(SIGTERM)
        _ = try await first.ended(within: .seconds(20))
        let mark = "\(folder.path)/state/postgres/data/PG_VERSION"
        try "9\n".write(toFile: mark, atomically: false, encoding: .utf8)
        let second = try GatewayProcess.serve(["--embedded"], folder: folder)
        #expect(try await second.ended(within: .seconds(20)) == 1)
        #expect((second.events.last?["error"] as? String)?.contains("made by Postgres 9") == true)
    }

    @Test("While it waits for Postgres it is live, not ready, and stops at once")
    func waitingForPostgres() async throws {
        for number in [SIGTERM, SIGINT] {
            let gateway = try GatewayProcess.serve(Self.nowhere)
            let admin = try await gateway.address("admin")
            try await gateway.event("database_lost")
            #expect(try await GatewayProcess.ask("http://\(admin)/live").status == 200)
            let ready = try await GatewayProcess.ask("http://\(admin)/ready")
            #expect(ready.status == 503 && ready.body.contains("no tenant directory could be loaded"))
            let began = ContinuousClock.now
            gateway.signal(number)
            #expect(try await gateway.ended(within: .seconds(20)) == 0)
            #expect(.now - began < .seconds(10))
        }
    }

    @Test("Without a directory the proxy opens after five seconds and says that it is starting")
    func noDirectory() async throws {
        let gateway = try GatewayProcess.serve(Self.nowhere)
        let began = ContinuousClock.now
        let proxy = try await gateway.address("proxy")
        #expect(.now - began > .seconds(4) && .now - began < .seconds(30))
        #expect(gateway.names().contains("no_directory"))
        let answer = try await GatewayProcess.ask("http://\(proxy)/")
        #expect(answer.status == 503 && answer.body.contains("starting"))
        gateway.signal(SIGTERM)
        #expect(try await gateway.ended(within: .seconds(20)) == 0)
    }

    @Test("Without its database it serves what it knew, two seconds after the start")
    func noDatabase() async throws {
        let server = try TemporaryPostgres()
        let folder = try TemporaryFolder()
        #expect(try await GatewayProcess.run(["migrate", "--database-url", server.url()]).status == 0)
        try server.psql(
            "INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('a.example', 'eu-west-1', 'eu-west-1_abcdefghi')"
        )
        let first = try GatewayProcess.serve(
            ["--database-url", server.url(), "--log-level", "debug"], folder: folder)
        try await first.event("snapshot_saved")
        first.signal(SIGTERM)
        #expect(try await first.ended(within: .seconds(20)) == 0)
        server.stop()
        let second = try GatewayProcess.serve(["--database-url", server.url()], folder: folder)
        try await second.event("snapshot_loaded")
        let proxy = try await second.address("proxy")
        #expect(try await GatewayProcess.ask("http://\(proxy)/", ["-H", "Host: a.example"]).status == 503)
        #expect(try await GatewayProcess.ask("http://\(proxy)/", ["-H", "Host: b.example"]).status == 421)
        try await second.event("ready")
    }

    @Test("Against an older schema it stays unready saying what to run, and goes on by itself afterwards")
    func olderSchema() async throws {
        let server = try TemporaryPostgres()
        let gateway = try GatewayProcess.serve(["--database-url", server.url()])
        let admin = try await gateway.address("admin")
        #expect(try await gateway.event("schema_too_old")["advice"] as? String == "run 'poolgate migrate'")
        let ready = try await GatewayProcess.ask("http://\(admin)/ready")
        #expect(ready.status == 503 && ready.body.contains("run 'poolgate migrate'"))
        let environment = ["DATABASE_URL": server.url()]
        #expect(
            try await GatewayProcess.run(
                ["check", "--table", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
                environment: environment
            ).status == 1)
        let migrated = try await GatewayProcess.run(["migrate"], environment: environment)
        #expect(migrated.status == 0 && migrated.output.contains("applied 0001_"))
        try await gateway.event("ready")
        let again = try await GatewayProcess.run(["migrate"], environment: environment)
        #expect(again.status == 0 && !again.output.contains("applied") && !again.output.contains("WARNING"))
        #expect(
            try await GatewayProcess.run(
                ["check", "--table", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
                environment: environment
            ).status == 0)
        try server.psql(
            "INSERT INTO poolgate.migrations (name, version, checksum) VALUES ('9999_later', 9999, 'x')")
        let refused = try await GatewayProcess.run(["migrate"], environment: environment)
        #expect(refused.status == 1 && refused.errors.contains("use the newer program"))
    }

    @Test("A second signal ends at once what the first only began")
    func secondSignal() async throws {
        let server = try TemporaryPostgres()
        _ = try await GatewayProcess.run(["migrate", "--database-url", server.url()])
        let gateway = try GatewayProcess.serve(["--database-url", server.url(), "--shutdown-delay", "1m"])
        let (admin, proxy) = try await (gateway.address("admin"), gateway.address("proxy"))
        try await gateway.event("ready")
        gateway.signal(SIGTERM)
        try await gateway.event("stopping")
        #expect(try await GatewayProcess.ask("http://\(admin)/ready").status == 503)
        #expect(try await GatewayProcess.ask("http://\(proxy)/").status == 421)
        gateway.signal(SIGTERM)
        #expect(try await gateway.ended(within: .seconds(20)) == 128 + SIGTERM)
    }

    @Test("SIGHUP and SIGPIPE change nothing")
    func ignoredSignals() async throws {
        let gateway = try GatewayProcess.serve(Self.nowhere)
        let admin = try await gateway.address("admin")
        gateway.signal(SIGHUP)
        gateway.signal(SIGPIPE)
        #expect(try await GatewayProcess.ask("http://\(admin)/live").status == 200)
        #expect(gateway.isRunning)
    }

    @Test("A port that is taken ends the start with 1 and a sentence")
    func takenPort() async throws {
        let first = try GatewayProcess.serve(Self.nowhere)
        let taken = try await first.address("admin")
        let admin = try GatewayProcess(
            ["serve", "--listen", "127.0.0.1:0", "--admin-listen", taken] + Self.nowhere)
        #expect(try await admin.ended(within: .seconds(20)) == 1)
        #expect(
            (admin.events.last?["error"] as? String)?.hasPrefix(
                "--admin-listen \(taken) cannot be listened on: another program listens on port") == true)
        let proxy = try GatewayProcess(
            ["serve", "--listen", taken, "--admin-listen", "127.0.0.1:0"] + Self.nowhere)
        #expect(try await proxy.ended(within: .seconds(20)) == 1)
        #expect(
            (proxy.events.last?["error"] as? String)?.hasPrefix(
                "--listen \(taken) cannot be listened on: another program listens on port") == true)
    }
}

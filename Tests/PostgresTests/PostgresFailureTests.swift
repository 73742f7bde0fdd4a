import Glibc
import TestSupport
import Testing

@testable import Postgres

/// What happens when the server does not behave. Each test hurts a cluster of its own.
@Suite(.serialized) struct PostgresFailureTests {
    @Test("A server that hangs costs the deadline and the connection, and a new one works afterwards")
    func hangingServer() async throws {
        let server = try TemporaryPostgres()
        let url = try PostgresURL(server.tcpURL())
        let connection = try await PostgresConnection.connect(to: url)
        let backend = try #require(
            Int32(try await connection.query("SELECT pg_backend_pid()").text(0, 0) ?? ""))
        let postmaster = try server.postmaster()
        kill(backend, SIGSTOP)
        kill(postmaster, SIGSTOP)
        defer {
            kill(backend, SIGCONT)
            kill(postmaster, SIGCONT)
        }
        let started = ContinuousClock.now
        await #expect(throws: PostgresError.timedOut(.milliseconds(300))) {
            try await connection.query("SELECT 1", within: .milliseconds(300))
        }
        await #expect(throws: PostgresError.connectionLost("the server did not answer within 0.3 seconds")) {
            try await connection.query("SELECT 1")
        }
        for await _ in connection.notifications {}
        await #expect(throws: PostgresError.unreachable("127.0.0.1:\(server.port) did not answer in time")) {
            try await PostgresConnection.connect(to: url, within: .milliseconds(300))
        }
        #expect(ContinuousClock.now - started < .seconds(10))
        kill(backend, SIGCONT)
        kill(postmaster, SIGCONT)
        #expect(try await PostgresConnection.connect(to: url).query("SELECT 1").count == 1)
    }

    @Test("A server killed in a query is a lost connection, and works again when it is back")
    func killedServer() async throws {
        let server = try TemporaryPostgres()
        let url = try PostgresURL(server.url())
        let busy = try await PostgresConnection.connect(to: url)
        let idle = try await PostgresConnection.connect(to: url)
        try await idle.listen(to: "poolgate")
        let task = Task { try await busy.query("SELECT pg_sleep(30)") }
        try await Task.sleep(for: .milliseconds(100))
        server.stop()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        guard case .connectionLost = error else {
            Issue.record("\(String(describing: error)) is no lost connection")
            return
        }
        for await _ in idle.notifications {}
        let later = await #expect(throws: PostgresError.self) { try await idle.query("SELECT 1") }
        guard case .connectionLost = later else {
            Issue.record("\(String(describing: later)) is no lost connection")
            return
        }
        let refused = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(to: url)
        }
        #expect(refused?.description.hasPrefix("the database cannot be reached: ") == true)
        try server.start()
        #expect(try await PostgresConnection.connect(to: url).query("SELECT 1").count == 1)
    }

    @Test("A backend that is terminated while idle ends the notifications with the server's word")
    func terminatedBackend() async throws {
        let server = try TemporaryPostgres()
        let url = try PostgresURL(server.url())
        let connection = try await PostgresConnection.connect(to: url)
        try server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'poolgate'")
        for await _ in connection.notifications {}
        let error = await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1") }
        #expect(
            error == .connectionLost("terminating connection due to administrator command")
                || error?.description.contains("server closed the connection") == true)
    }

    @Test("A dead first host costs its own time only, and the second serves")
    func deadFirstHost() async throws {
        let server = try TemporaryPostgres()
        let silent = try SilentServer()
        let url = try PostgresURL(
            "postgres://postgres@127.0.0.1:\(silent.port),127.0.0.1:\(server.port)/postgres?connect_timeout=3"
        )
        let started = ContinuousClock.now
        let connection = try await PostgresConnection.connect(to: url)
        #expect(try await connection.query("SELECT inet_server_port()").text(0, 0) == String(server.port))
        let elapsed = ContinuousClock.now - started
        #expect(elapsed > .seconds(2) && elapsed < .seconds(20))
    }

    @Test("A server that only reads is not what a gateway connects to")
    func readOnlyServer() async throws {
        let server = try TemporaryPostgres(settings: ["default_transaction_read_only": "on"])
        await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(to: PostgresURL(server.url()))
        }
        let url = try PostgresURL(server.url() + "&target_session_attrs=any")
        #expect(try await PostgresConnection.connect(to: url).query("SELECT 1").count == 1)
    }

    @Test("A refused password is not repeated")
    func refusedPassword() async throws {
        let server = try TemporaryPostgres()
        try server.psql("CREATE ROLE joe LOGIN PASSWORD 'right'")
        try server.psql(
            "COPY (SELECT 'host all joe 127.0.0.1/32 scram-sha-256') TO '\(server.directory)/data/pg_hba.conf'"
        )
        // The local line is gone with the file, so the reload goes by signal.
        kill(try server.postmaster(), SIGHUP)
        try await Task.sleep(for: .milliseconds(300))
        let url = try PostgresURL("postgres://joe:s3cr3tpass@127.0.0.1:\(server.port)/postgres")
        let error = await #expect(throws: PostgresError.self) {
            try await PostgresConnection.connect(to: url)
        }
        #expect(error?.description.contains("password authentication failed") == true)
        #expect(error?.description.contains("s3cr3tpass") == false)
        let right = try PostgresURL("postgres://joe:right@127.0.0.1:\(server.port)/postgres")
        #expect(try await PostgresConnection.connect(to: right).query("SELECT 1").count == 1)
    }

    @Test("A cancelled connect returns at once")
    func cancelledConnect() async throws {
        let silent = try SilentServer()
        let url = try PostgresURL("postgres://postgres@127.0.0.1:\(silent.port)/postgres")
        let task = Task { try await PostgresConnection.connect(to: url) }
        try await Task.sleep(for: .milliseconds(50))
        let started = ContinuousClock.now
        task.cancel()
        await #expect(throws: PostgresError.cancelled) { try await task.value }
        #expect(ContinuousClock.now - started < .seconds(4))
    }
}

/// A port that accepts connections and never says a word.
private final class SilentServer: Sendable {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        try #require(isListening && listen(descriptor, 8) == 0)
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}

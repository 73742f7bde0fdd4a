import TestSupport
import Testing

@testable import Postgres

/// One cluster for all tests that do not hurt it.
private let shared = Result { try TemporaryPostgres() }

@Suite struct PostgresConnectionTests {
    private func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(to: PostgresURL(shared.get().url()))
    }

    @Test("Parameters go in and values come out, NULL included")
    func parametersAndValues() async throws {
        let connection = try await connect()
        let rows = try await connection.query(
            "SELECT $1::text AS a, $2::int AS b, $3::bool AS c, $4::text[] AS d, $5::text AS e, '' AS f",
            ["it's \"quoted\" \\ é", .integer(-7), .boolean(true), .texts(["a,b", nil, "\"", ""]), nil])
        #expect(rows.count == 1)
        let columns = try rows.columns(["a", "b", "c", "d", "e", "f"])
        #expect(rows.text(0, columns[0]) == "it's \"quoted\" \\ é")
        #expect(try rows.integer(0, columns[1]) == -7)
        #expect(try rows.boolean(0, columns[2]) == true)
        #expect(try rows.textArray(0, columns[3]) == ["a,b", nil, "\"", ""])
        #expect(rows.text(0, columns[4]) == nil && rows.isNull(0, columns[4]))
        #expect(rows.text(0, columns[5])?.isEmpty == true)
        #expect(connection.serverVersion >= 130_000)
    }

    @Test("Outside a result and of another type nothing is made up")
    func nothingMadeUp() async throws {
        let rows = try await connect().query("SELECT 'x' AS a, NULL AS b")
        #expect(
            rows.text(1, 0) == nil && rows.text(0, 2) == nil && rows.text(-1, 0) == nil
                && rows.name(of: 9) == "")
        #expect(throws: PostgresError.misuse("the database's column a cannot be read as boolean")) {
            try rows.boolean(0, 0)
        }
        #expect(throws: PostgresError.misuse("the database's column a cannot be read as integer")) {
            try rows.integer(0, 0)
        }
        #expect(throws: PostgresError.misuse("the database's column a cannot be read as text[]")) {
            try rows.textArray(0, 0)
        }
        #expect(throws: PostgresError.misuse("the database's answer has no column c")) {
            try rows.columns(["a", "c"])
        }
        #expect(try rows.boolean(0, 1) == nil && rows.integer(0, 1) == nil && rows.textArray(0, 1) == nil)
    }

    @Test("A refusal carries state, message and hint, and the connection lives on")
    func refusals() async throws {
        let connection = try await connect()
        let sql =
            "DO $$ BEGIN RAISE EXCEPTION 'no %', 'way' USING ERRCODE = 'check_violation', HINT = 'try this'; END $$"
        let refusal = PostgresRefusal(
            sqlState: "23514", message: "no way", hint: "try this", origin: "exec_stmt_raise")
        await #expect(throws: PostgresError.refused(refusal)) { try await connection.query(sql) }
        #expect(
            PostgresError.refused(refusal).description
                == "the database refused: no way (try this) [SQLSTATE 23514]")
        #expect(try await connection.query("SELECT 1").text(0, 0) == "1")
    }

    @Test("A snapshot transaction sees one state and cannot write; a failure takes all back")
    func snapshotTransaction() async throws {
        let connection = try await connect()
        try await connection.execute(script: "CREATE TABLE moving (n int); INSERT INTO moving VALUES (1)")
        let rows = try await connection.transaction(
            .repeatableRead,
            [
                .init("SELECT pg_current_snapshot()::text"), .init("SHOW transaction_isolation"),
                .init("SELECT n FROM moving"),
            ])
        #expect(rows.count == 3 && rows[1].text(0, 0) == "repeatable read" && rows[2].text(0, 0) == "1")
        await #expect(throws: PostgresError.self) {
            try await connection.transaction(.repeatableRead, [.init("INSERT INTO moving VALUES (2)")])
        }
        await #expect(throws: PostgresError.self) {
            try await connection.transaction(
                .readWrite, [.init("INSERT INTO moving VALUES (3)"), .init("SELECT 1/0")])
        }
        let written = try await connection.transaction(
            .readWrite, [.init("INSERT INTO moving SELECT generate_series(4, 6)")])
        #expect(written[0].affectedRows == 3)
        #expect(
            try await connection.query("SELECT count(*), min(n) FROM moving WHERE n > 1").bytes(0, 0)
                == Array("3".utf8))
    }

    @Test("A script brings its notices and never leaves a transaction open")
    func scripts() async throws {
        let connection = try await connect()
        let notices = try await connection.execute(
            script:
                "DO $$ BEGIN RAISE NOTICE 'one'; END $$; BEGIN; DO $$ BEGIN RAISE WARNING 'two'; END $$; COMMIT"
        )
        #expect(notices.map(\.description) == ["NOTICE: one", "WARNING: two"])
        await #expect(
            throws: PostgresError.misuse("a database command left a transaction open; it was rolled back")
        ) {
            try await connection.execute(script: "BEGIN; CREATE TABLE half (n int)")
        }
        await #expect(throws: PostgresError.self) {
            try await connection.execute(script: "BEGIN; SELECT 1/0; COMMIT")
        }
        #expect(try await connection.query("SELECT to_regclass('half')").isNull(0, 0))
    }

    @Test("Misuse is a sentence, not an accident")
    func misuse() async throws {
        let connection = try await connect()
        await #expect(throws: PostgresError.misuse("a query contains a NUL byte")) {
            try await connection.query("SELECT 1\0")
        }
        await #expect(throws: PostgresError.misuse("a query contains a NUL byte")) {
            try await connection.query("SELECT $1", ["a\0b"])
        }
        let many = [PostgresValue](repeating: nil, count: 65_536)
        await #expect(throws: PostgresError.self) { try await connection.query("SELECT 1", many) }
        #expect(try await connection.query("").count == 0)
        await #expect(throws: PostgresError.misuse("COPY cannot be used here")) {
            try await connection.execute(script: "COPY (SELECT 1) TO STDOUT")
        }
        await #expect(throws: PostgresError.misuse("COPY cannot be used here")) {
            try await connection.query("SELECT 1")
        }
    }

    @Test("A notification arrives while the connection is idle, with any channel's name")
    func notifications() async throws {
        let listener = try await connect()
        try await listener.listen(to: "poolgate")
        try await listener.listen(to: "odd \"name\"")
        let sender = try await connect()
        _ = try await sender.query(
            "SELECT pg_notify('poolgate', 'tenants'), pg_notify('odd \"name\"', $1)", ["x"])
        var heard: [PostgresNotification] = []
        for await notification in listener.notifications {
            heard.append(notification)
            if heard.count == 2 { break }
        }
        #expect(
            Set(heard) == [
                .init(channel: "poolgate", payload: "tenants"), .init(channel: "odd \"name\"", payload: "x"),
            ])
        #expect(try await listener.query("SELECT 1").count == 1)
    }

    @Test("A slow query ends at its deadline and the connection stays usable")
    func slowQuery() async throws {
        let connection = try await connect()
        let started = ContinuousClock.now
        await #expect(throws: PostgresError.timedOut(.seconds(1))) {
            try await connection.query("SELECT pg_sleep(30)", within: .seconds(1))
        }
        #expect(ContinuousClock.now - started < .seconds(20))
        #expect(try await connection.query("SELECT 1").count == 1)
        #expect(try await connection.query("SHOW statement_timeout").text(0, 0) == "9s")
    }

    @Test("A call that waits behind a slow one has its own deadline")
    func waitingCall() async throws {
        let connection = try await connect()
        async let slow = connection.query("SELECT pg_sleep(2)")
        while try await connection.query("SELECT 1", within: .seconds(9)).count != 1 {}
        async let first = connection.query("SELECT pg_sleep(4)")
        try await Task.sleep(for: .milliseconds(50))
        let started = ContinuousClock.now
        await #expect(throws: PostgresError.timedOut(.milliseconds(100))) {
            try await connection.query("SELECT 1", within: .milliseconds(100))
        }
        #expect(ContinuousClock.now - started < .milliseconds(3_500))
        _ = try await (slow, first)
    }

    @Test("A cancelled call returns at once and disturbs no other")
    func cancelledCall() async throws {
        let connection = try await connect()
        let task = Task { try await connection.query("SELECT pg_sleep(5)") }
        try await Task.sleep(for: .milliseconds(50))
        let started = ContinuousClock.now
        task.cancel()
        await #expect(throws: PostgresError.cancelled) { try await task.value }
        #expect(ContinuousClock.now - started < .seconds(4))
        #expect(try await connection.query("SELECT 1").count == 1)
    }

    @Test("Closing ends the call under way, later calls and the notifications")
    func closing() async throws {
        let connection = try await connect()
        let task = Task { try await connection.query("SELECT pg_sleep(30)") }
        try await Task.sleep(for: .milliseconds(50))
        connection.close()
        await #expect(throws: PostgresError.closed) { try await task.value }
        await #expect(throws: PostgresError.closed) { try await connection.query("SELECT 1") }
        for await _ in connection.notifications {}
    }

    @Test("Dropping a connection closes it")
    func droppedConnection() async throws {
        let watcher = try await connect()
        var other: PostgresConnection? = try await connect()
        let pid = try await other?.query("SELECT pg_backend_pid()").text(0, 0) ?? ""
        other = nil
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1::int"
        for _ in 0..<200 where try await watcher.query(sql, [.text(pid)]).text(0, 0) != "0" {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await watcher.query(sql, [.text(pid)]).text(0, 0) == "0")
    }

    @Test("A hundred calls at once are all answered, each with its own answer")
    func concurrentCalls() async throws {
        let connection = try await connect()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let rows = try await connection.query("SELECT $1::int + 1", [.integer(number)])
                    #expect(try rows.integer(0, 0) == Int64(number + 1))
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("100,000 rows of 15 columns are read in seconds")
    func manyRows() async throws {
        let connection = try await connect()
        let columns = (1...15).map { "'column \($0) of row ' || n" }.joined(separator: ", ")
        let started = ContinuousClock.now
        let rows = try await connection.query(
            "SELECT \(columns) FROM generate_series(1, 100000) n", within: .seconds(60))
        var bytes = 0
        for row in 0..<rows.count {
            for column in 0..<rows.columnCount { bytes += rows.withBytes(row, column) { $0?.count ?? 0 } }
        }
        #expect(rows.count == 100_000 && bytes > 30_000_000)
        #expect(ContinuousClock.now - started < .seconds(30))
    }
}

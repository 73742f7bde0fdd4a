import TestSupport
import Testing

@testable import Postgres

/// One cluster for all tests that do not hurt it.
private let shared = Result { try TemporaryPostgres() }

@Suite struct PostgresTransactionTests {
    private func connect() async throws -> PostgresConnection {
        try await PostgresConnection.connect(to: PostgresURL(shared.get().url()))
    }

    private func begin(_ connection: PostgresConnection, idle: Duration = .seconds(10)) async throws
        -> PostgresTransaction
    {
        try await PostgresTransaction.begin(on: connection, .readWrite, idle: idle)
    }

    private func count(_ table: String) async throws -> Int64? {
        try await connect().query("SELECT count(*) FROM \(table)").integer(0, 0)
    }

    @Test("What is committed is there, what is rolled back is not, and remarks come with each statement")
    func ends() async throws {
        let connection = try await connect()
        try await connection.execute(script: "CREATE TABLE ends (a int)")
        let kept = try await begin(connection)
        _ = try await kept.run(PostgresStatement("INSERT INTO ends VALUES ($1::int)", [.integer(1)]))
        let remark = try await kept.run(
            PostgresStatement("DO $$ BEGIN RAISE WARNING 'so' USING HINT = 'thus'; END $$"))
        #expect(remark.notices.map(\.description) == ["WARNING: so"] && remark.notices[0].hint == "thus")
        #expect(try await count("ends") == 0)
        #expect(try await kept.commit().isEmpty)
        #expect(try await count("ends") == 1)
        let dropped = try await begin(connection)
        _ = try await dropped.run(PostgresStatement("DELETE FROM ends"))
        try await dropped.rollBack()
        #expect(try await count("ends") == 1)
    }

    @Test("While one is open its connection does nothing else, and without one there is nothing to end")
    func oneAtATime() async throws {
        let connection = try await connect()
        let transaction = try await begin(connection)
        await #expect(throws: PostgresError.misuse("a transaction is open on this connection")) {
            try await connection.query("SELECT 1")
        }
        #expect(try await transaction.run(PostgresStatement("SELECT 2")).rows.integer(0, 0) == 2)
        try await transaction.rollBack()
        await #expect(throws: PostgresError.misuse("no transaction is open")) {
            try await transaction.commit()
        }
        #expect(try await connection.query("SELECT 1").integer(0, 0) == 1)
    }

    @Test("A statement that fails leaves the transaction to its caller, who may go back to a savepoint")
    func savepoints() async throws {
        let connection = try await connect()
        let transaction = try await begin(connection)
        _ = try await transaction.run(PostgresStatement("SAVEPOINT a"))
        await #expect(throws: PostgresError.self) {
            _ = try await transaction.run(PostgresStatement("SELECT 1 / 0"))
        }
        _ = try await transaction.run(PostgresStatement("ROLLBACK TO SAVEPOINT a"))
        _ = try await transaction.run(PostgresStatement("SELECT 1"))
        await #expect(throws: PostgresError.self) {
            _ = try await transaction.run(PostgresStatement("SELECT 1 / 0"))
        }
        await #expect(
            throws: PostgresError.misuse(
                "a statement of the transaction failed, so that it cannot be committed")
        ) { try await transaction.commit() }
        #expect(try await connection.query("SELECT 1").integer(0, 0) == 1)
    }

    @Test("What the server says more about a refusal is kept")
    func detail() async throws {
        let connection = try await connect()
        do throws(PostgresError) {
            _ = try await connection.query(
                "DO $$ BEGIN RAISE EXCEPTION 'no' USING DETAIL = 'because', HINT = 'do'; END $$")
            Issue.record("it is not refused")
        } catch {
            guard case .refused(let refusal) = error else { throw error }
            #expect(refusal.detail == "because" && refusal.hint == "do")
        }
    }

    @Test("The server ends a transaction for which nothing comes")
    func idle() async throws {
        let connection = try await connect()
        let transaction = try await begin(connection, idle: .milliseconds(50))
        for await _ in connection.notifications {}
        await #expect(throws: PostgresError.self) { try await transaction.commit() }
    }
}

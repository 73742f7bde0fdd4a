import CLibPQ

/// Makes a connection: tries the hosts of a URL in order, and never takes longer than a deadline.
///
/// The hosts are tried here and not by libpq, because libpq's non-blocking connect has no time limit for a single host: a
/// dead first host would use up the time of the living second one.
struct Connector {
    let mailbox: ConnectionMailbox
    let url: PostgresURL

    /// Connects before `deadline`, which is `limit` after the start. Throws `unreachable` with the reason of every host that
    /// was tried, or `timedOut`.
    func connect(by deadline: ContinuousClock.Instant, limit: Duration) throws(PostgresError) -> Session {
        var failures: [String] = []
        for target in url.targets {
            let now = ContinuousClock.now
            guard now < deadline else { break }
            let own = target.timeout.map { min(now + $0, deadline) } ?? deadline
            do throws(PostgresError) {
                return try connect(to: target, by: own)
            } catch .unreachable(let reason) {
                failures.append(reason)
            }
        }
        guard !failures.isEmpty else { throw .timedOut(limit) }
        throw .unreachable(failures.joined(separator: "; "))
    }

    private func connect(
        to target: PostgresURL.Target, by deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> Session {
        guard let connection = start(target) else { throw .unreachable("out of memory") }
        var isMade = false
        defer { if !isMade { PQfinish(connection) } }
        guard PQstatus(connection) != CONNECTION_BAD else {
            throw .unreachable(url.cleaner.cleanComplaint(PQerrorMessage(connection)))
        }
        var phase = PGRES_POLLING_WRITING
        while phase != PGRES_POLLING_OK {
            guard phase == PGRES_POLLING_READING || phase == PGRES_POLLING_WRITING else {
                throw failure(connection)
            }
            let event = SocketWait.wait(
                socket: PQsocket(connection), reading: phase == PGRES_POLLING_READING,
                writing: phase == PGRES_POLLING_WRITING, wakeReader: mailbox.wakeReader, until: deadline)
            if mailbox.isClosed { throw .closed }
            switch event {
            case .ready: phase = PQconnectPoll(connection)
            case .woken: continue
            case .expired:
                throw .unreachable(
                    "\(target.name.isEmpty ? "the server" : target.name) did not answer in time")
            }
        }
        guard PQsetnonblocking(connection, 1) == 0 else { throw failure(connection) }
        isMade = true
        return Session(connection: connection, mailbox: mailbox, cleaner: url.cleaner)
    }

    private func start(_ target: PostgresURL.Target) -> OpaquePointer? {
        let keywords = CStrings(target.parameters.map(\.keyword))
        let values = CStrings(target.parameters.map(\.value))
        return keywords.withPointers { keywords in
            values.withPointers { values in PQconnectStartParams(keywords, values, 0) }
        }
    }

    private func failure(_ connection: OpaquePointer) -> PostgresError {
        .unreachable(url.cleaner.clean(PQerrorMessage(connection)))
    }
}

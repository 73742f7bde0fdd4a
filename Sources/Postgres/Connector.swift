import CLibPQ

/// Makes a connection, trying the hosts of a URL in order, without ever blocking beyond a deadline.
///
/// The hosts are tried one by one and not by libpq itself, because libpq's non-blocking connect knows no time limit
/// for a single host: a dead first host would use up the time of the living second one.
struct Connector {
    let mailbox: ConnectionMailbox
    let url: PostgresURL

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

/// Strings as C wants lists of them: NUL-terminated, nil for an absent one, and a nil at the end.
struct CStrings {
    private let bytes: [UInt8]
    private let offsets: [Int?]

    init(_ strings: [String?]) {
        var bytes: [UInt8] = []
        offsets = strings.map { string in
            guard let string else { return nil }
            let offset = bytes.count
            bytes.append(contentsOf: string.utf8)
            bytes.append(0)
            return offset
        }
        // Never empty, so that there is an address.
        bytes.append(0)
        self.bytes = bytes
    }

    /// Calls `body` with the list; its addresses are valid during the call only.
    func withPointers<Value>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Value) -> Value {
        bytes.withUnsafeBytes { buffer in
            let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = offsets.map { offset in offset.flatMap { base?.advanced(by: $0) } } + [nil]
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}

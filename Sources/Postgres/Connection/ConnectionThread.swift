import Platform

/// What runs on a connection's thread: it connects, runs commands one after the other, and waits for notifications while
/// there is no command.
enum ConnectionThread {
    /// Starts the thread. It delivers `opening` once, and ends when the mailbox is closed or the connection breaks.
    static func start(
        mailbox: ConnectionMailbox, url: PostgresURL, deadline: Duration,
        opening: Pending<ConnectionMailbox.Opened>
    ) {
        let instant = ContinuousClock.now + deadline
        let isStarted = DetachedThread.start("poolgate-pg") {
            run(mailbox: mailbox, url: url, deadline: instant, limit: deadline, opening: opening)
        }
        guard !isStarted else { return }
        let error = PostgresError.unreachable("no thread is left for a connection")
        mailbox.end(error)
        opening.finish(.failure(error))
    }

    /// The whole life of the connection, on its thread.
    private static func run(
        mailbox: ConnectionMailbox, url: PostgresURL, deadline: ContinuousClock.Instant, limit: Duration,
        opening: Pending<ConnectionMailbox.Opened>
    ) {
        let session: Session
        do throws(PostgresError) {
            session = try Connector(mailbox: mailbox, url: url).connect(by: deadline, limit: limit)
        } catch {
            mailbox.end(error)
            opening.finish(.failure(error))
            return
        }
        opening.finish(.success(session.opened))
        let reason = serve(mailbox, session)
        session.finish()
        mailbox.end(reason)
    }

    /// Runs commands until the connection ends; returns why it did.
    private static func serve(_ mailbox: ConnectionMailbox, _ session: Session) -> PostgresError {
        while !mailbox.isClosed {
            if let command = mailbox.next() {
                let outcome = session.run(command)
                command.pending.finish(outcome)
                if let end = session.end { return end }
                continue
            }
            do throws(PostgresError) {
                try session.watch()
            } catch {
                return error
            }
        }
        return .closed
    }
}

import CLibPQ
import Glibc

/// The thread that a connection lives on: connects, serves commands one after the other, and watches for
/// notifications while there are none.
enum ConnectionThread {
    /// Starts the thread, detached. It finishes `opening` once, and ends when the mailbox is closed or the
    /// connection breaks.
    static func start(
        mailbox: ConnectionMailbox, url: PostgresURL, deadline: Duration,
        opening: Pending<ConnectionMailbox.Opened>
    ) {
        let context = Unmanaged.passRetained(
            Context(mailbox: mailbox, url: url, deadline: .now + deadline, limit: deadline, opening: opening))
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runConnection, context.toOpaque()) == 0 else {
            context.release()
            let error = PostgresError.unreachable("no thread is left for a connection")
            mailbox.end(error)
            opening.finish(.failure(error))
            return
        }
        pthread_detach(thread)
    }

    /// What the thread is started with; a class, because C carries one address.
    fileprivate final class Context {
        let mailbox: ConnectionMailbox
        let url: PostgresURL
        let deadline: ContinuousClock.Instant
        let limit: Duration
        let opening: Pending<ConnectionMailbox.Opened>

        init(
            mailbox: ConnectionMailbox, url: PostgresURL, deadline: ContinuousClock.Instant, limit: Duration,
            opening: Pending<ConnectionMailbox.Opened>
        ) {
            self.mailbox = mailbox
            self.url = url
            self.deadline = deadline
            self.limit = limit
            self.opening = opening
        }
    }

    fileprivate static func run(_ context: Context) {
        poolgate_name_thread("poolgate-pg")
        // Signals are for threads that handle them.
        var every = sigset_t()
        sigfillset(&every)
        pthread_sigmask(SIG_BLOCK, &every, nil)
        let mailbox = context.mailbox
        let session: Session
        do throws(PostgresError) {
            session = try Connector(mailbox: mailbox, url: context.url).connect(
                by: context.deadline, limit: context.limit)
        } catch {
            mailbox.end(error)
            context.opening.finish(.failure(error))
            return
        }
        context.opening.finish(.success(session.opened))
        let reason = serve(mailbox, session)
        session.finish()
        mailbox.end(reason)
    }

    /// Serves until the connection ends; returns why it did.
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

private func runConnection(_ address: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let address else { return nil }
    ConnectionThread.run(Unmanaged<ConnectionThread.Context>.fromOpaque(address).takeRetainedValue())
    return nil
}

/// The one thread on which libcurl makes transfers, at most `Limits.transfersAtOnce` at a time.
///
/// A class, because it stands for a thread: dropping the last reference ends it. Others leave what they want in the
/// mailbox, under its lock.
final class TransferThread: Sendable {
    private let mailbox: TransferMailbox

    /// Starts the thread.
    init(egress: EgressSettings) {
        mailbox = TransferMailbox()
        TransferLoop.start(mailbox: mailbox, egress: egress)
    }

    deinit {
        mailbox.stop()
    }

    /// A number for one transfer, by which `update` finds it.
    func makeTicket() -> FetchQueue.Ticket { mailbox.makeTicket() }

    /// Makes one transfer when its turn comes. Cancelling the task ends it with `cancelled`.
    func transfer(_ request: TransferRequest, _ priority: FetchPriority, _ ticket: FetchQueue.Ticket) async
        -> TransferOutcome
    {
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                mailbox.submit(TransferMailbox.Order(request, priority, ticket, continuation))
            }
        } onCancel: {
            mailbox.cancel(ticket)
        }
        mailbox.forgetCancellation(of: ticket)
        return outcome
    }

    /// Gives a transfer that has not begun another priority.
    func update(_ ticket: FetchQueue.Ticket, _ priority: FetchPriority) {
        mailbox.update(ticket, priority)
    }

    /// Ends every transfer with `cancelled`, and the thread; later transfers end so at once.
    func stop() {
        mailbox.stop()
    }
}

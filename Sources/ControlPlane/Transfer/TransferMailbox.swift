import CLibCurl
import Synchronization

/// What others have asked of the transfer thread, kept under a lock until the thread takes it.
///
/// A class, because the thread and its owner share it, and the thread may outlive its owner for a moment.
final class TransferMailbox: Sendable {
    typealias Ticket = FetchQueue.Ticket

    /// A transfer that somebody waits for.
    struct Order: Sendable {
        let request: TransferRequest
        let priority: FetchPriority
        let ticket: Ticket
        let continuation: CheckedContinuation<TransferOutcome, Never>

        init(
            _ request: TransferRequest, _ priority: FetchPriority, _ ticket: Ticket,
            _ continuation: CheckedContinuation<TransferOutcome, Never>
        ) {
            self.request = request
            self.priority = priority
            self.ticket = ticket
            self.continuation = continuation
        }
    }

    /// What came since the thread looked last.
    struct Mail: Sendable {
        var orders: [Order] = []
        var updates: [(Ticket, FetchPriority)] = []
        /// The transfers whose tasks were cancelled and have not seen their end yet.
        var cancelled: Set<Ticket> = []
        var isStopped = false
    }

    private struct State {
        var mail = Mail()
        var lastTicket: Ticket = 0
        /// The address of libcurl's multi handle while the thread lives. Outside the thread it is used under the lock
        /// alone, and for `curl_multi_wakeup` alone, which any thread may call.
        var multiAddress: UInt?
    }

    private let state = Mutex(State())

    /// A number that no other transfer has.
    func makeTicket() -> Ticket {
        state.withLock {
            $0.lastTicket += 1
            return $0.lastTicket
        }
    }

    /// Asks for a transfer; after `stop` it ends with `cancelled` at once.
    func submit(_ order: Order) {
        let isRefused = state.withLock { state in
            if state.mail.isStopped || state.mail.cancelled.contains(order.ticket) { return true }
            state.mail.orders.append(order)
            wake(state)
            return false
        }
        if isRefused { order.continuation.resume(returning: .failure(.cancelled)) }
    }

    /// Asks for another priority of a transfer.
    func update(_ ticket: Ticket, _ priority: FetchPriority) {
        state.withLock { state in
            guard !state.mail.isStopped else { return }
            state.mail.updates.append((ticket, priority))
            wake(state)
        }
    }

    /// Asks for the end of a transfer, which may not have been submitted yet.
    func cancel(_ ticket: Ticket) {
        state.withLock { state in
            state.mail.cancelled.insert(ticket)
            wake(state)
        }
    }

    /// Forgets that a transfer was cancelled, once its task has seen the end.
    func forgetCancellation(of ticket: Ticket) {
        state.withLock { state in
            if !state.mail.cancelled.isEmpty { state.mail.cancelled.remove(ticket) }
        }
    }

    /// Asks for the end of all transfers and of the thread.
    func stop() {
        state.withLock { state in
            state.mail.isStopped = true
            wake(state)
        }
    }

    /// Called by the thread: with its multi handle as it begins, and with nil before the handle is freed.
    func setMulti(_ multi: UnsafeMutableRawPointer?) {
        state.withLock { $0.multiAddress = multi.map { UInt(bitPattern: $0) } }
    }

    /// Takes everything that came since the last call. Cancellations stay until `forgetCancellation`.
    func take() -> Mail {
        state.withLock { state in
            let mail = state.mail
            state.mail.orders = []
            state.mail.updates = []
            return mail
        }
    }

    private func wake(_ state: borrowing State) {
        guard let address = state.multiAddress else { return }
        _ = curl_multi_wakeup(UnsafeMutableRawPointer(bitPattern: address))
    }
}

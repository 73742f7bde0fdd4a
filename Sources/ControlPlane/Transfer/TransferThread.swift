import CLibCurl
import Platform
import Synchronization

/// The one thread on which libcurl runs: transfers go in, answers come out, and at most so many are under way.
///
/// A class, because it stands for a thread. Everybody else only touches `mailbox`, under its lock.
final class TransferThread: Sendable {
    typealias Ticket = FetchQueue.Ticket
    typealias Outcome = Result<TransferAnswer, TransferFailure>

    private let mailbox: TransferMailbox

    /// Starts the thread.
    init(egress: EgressSettings) {
        mailbox = TransferMailbox()
        TransferLoop.start(mailbox: mailbox, egress: egress)
    }

    deinit {
        mailbox.stop()
    }

    /// A number by which a transfer that waits can be moved.
    func makeTicket() -> Ticket { mailbox.makeTicket() }

    /// Does one exchange when its turn comes; cancelling the task ends it with `cancelled`.
    func transfer(_ request: TransferRequest, _ priority: FetchPriority, _ ticket: Ticket) async -> Outcome {
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

    /// Changes the turn of a transfer that has not begun.
    func update(_ ticket: Ticket, _ priority: FetchPriority) {
        mailbox.update(ticket, priority)
    }

    /// Ends every transfer with `cancelled`, those submitted later too, and the thread with them.
    func stop() {
        mailbox.stop()
    }
}

/// What the thread shall do next, left by others under a lock.
///
/// A class, because the thread and its owner share it, and the thread may outlive its owner for a moment.
final class TransferMailbox: Sendable {
    typealias Ticket = FetchQueue.Ticket

    struct Order: Sendable {
        let request: TransferRequest
        let priority: FetchPriority
        let ticket: Ticket
        let continuation: CheckedContinuation<TransferThread.Outcome, Never>

        init(
            _ request: TransferRequest, _ priority: FetchPriority, _ ticket: Ticket,
            _ continuation: CheckedContinuation<TransferThread.Outcome, Never>
        ) {
            self.request = request
            self.priority = priority
            self.ticket = ticket
            self.continuation = continuation
        }
    }

    struct Mail: Sendable {
        var orders: [Order] = []
        var updates: [(Ticket, FetchPriority)] = []
        var cancelled: Set<Ticket> = []
        var isStopped = false
    }

    private struct State {
        var mail = Mail()
        var lastTicket: Ticket = 0
        /// The multi handle's address while the thread lives; only `curl_multi_wakeup`, which any thread may call,
        /// is called with it outside the thread, and only under the lock.
        var multiAddress: UInt?
    }

    private let state = Mutex(State())

    func makeTicket() -> Ticket {
        state.withLock {
            $0.lastTicket += 1
            return $0.lastTicket
        }
    }

    func submit(_ order: Order) {
        let isRefused = state.withLock { state in
            if state.mail.isStopped || state.mail.cancelled.contains(order.ticket) { return true }
            state.mail.orders.append(order)
            wake(state)
            return false
        }
        if isRefused { order.continuation.resume(returning: .failure(.cancelled)) }
    }

    func update(_ ticket: Ticket, _ priority: FetchPriority) {
        state.withLock { state in
            guard !state.mail.isStopped else { return }
            state.mail.updates.append((ticket, priority))
            wake(state)
        }
    }

    func cancel(_ ticket: Ticket) {
        state.withLock { state in
            state.mail.cancelled.insert(ticket)
            wake(state)
        }
    }

    func forgetCancellation(of ticket: Ticket) {
        state.withLock { state in
            if !state.mail.cancelled.isEmpty { state.mail.cancelled.remove(ticket) }
        }
    }

    func stop() {
        state.withLock { state in
            state.mail.isStopped = true
            wake(state)
        }
    }

    /// Called by the thread as it begins, and with nil as it ends.
    func setMulti(_ multi: UnsafeMutableRawPointer?) {
        state.withLock { $0.multiAddress = multi.map { UInt(bitPattern: $0) } }
    }

    /// Everything that came since the last call. Cancellations stay until their task has seen the end.
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

/// The body of the thread: libcurl's multi handle and the transfers that it runs.
struct TransferLoop {
    private let mailbox: TransferMailbox
    private let egress: EgressSettings
    private let multi: UnsafeMutableRawPointer
    private var queue = FetchQueue()
    private var orders: [TransferMailbox.Ticket: TransferMailbox.Order] = [:]
    private var running: [TransferMailbox.Ticket: Transfer] = [:]
    private var tickets: [UnsafeMutableRawPointer: TransferMailbox.Ticket] = [:]

    private static let isReady: Bool = poolgate_curl_global_init() == CURLE_OK

    /// Starts a detached thread that runs until the mailbox says stop.
    static func start(mailbox: TransferMailbox, egress: EgressSettings) {
        let isStarted = DetachedThread.start("poolgate-curl") { run(mailbox: mailbox, egress: egress) }
        if !isStarted { mailbox.stop() }
    }

    private static func run(mailbox: TransferMailbox, egress: EgressSettings) {
        guard isReady, let multi = curl_multi_init() else {
            mailbox.stop()
            let left = mailbox.take()
            for order in left.orders { order.continuation.resume(returning: .failure(.cancelled)) }
            return
        }
        _ = poolgate_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Limits.idleConnections)
        mailbox.setMulti(multi)
        var loop = TransferLoop(mailbox: mailbox, egress: egress, multi: multi)
        while loop.turn() {}
        mailbox.setMulti(nil)
        loop.endAll()
        curl_multi_cleanup(multi)
    }

    private init(mailbox: TransferMailbox, egress: EgressSettings, multi: UnsafeMutableRawPointer) {
        self.mailbox = mailbox
        self.egress = egress
        self.multi = multi
    }

    /// Reads the mail, starts what may start, moves bytes, sleeps; false when it is time to stop.
    private mutating func turn() -> Bool {
        let mail = mailbox.take()
        guard !mail.isStopped else {
            for order in mail.orders { order.continuation.resume(returning: .failure(.cancelled)) }
            return false
        }
        for order in mail.orders {
            orders[order.ticket] = order
            queue.add(order.ticket, order.priority)
        }
        for (ticket, priority) in mail.updates { queue.update(ticket, priority) }
        for ticket in mail.cancelled { finish(ticket, .failure(.cancelled)) }

        var stillRunning: Int32 = 0
        var now = ContinuousClock.now
        repeat {
            while let ticket = queue.next(at: now) { start(ticket) }
            _ = curl_multi_perform(multi, &stillRunning)
        } while takeEnded()
        now = ContinuousClock.now
        var pause = Duration.seconds(60)
        if let turn = queue.nextTurn(at: now), queue.runningCount < Limits.transfersAtOnce {
            pause = min(pause, max(.milliseconds(1), now.duration(to: turn)))
        }
        let (seconds, attoseconds) = pause.components
        let milliseconds = Int32(truncatingIfNeeded: seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
        _ = curl_multi_poll(multi, nil, 0, max(1, milliseconds), nil)
        return true
    }

    private mutating func start(_ ticket: TransferMailbox.Ticket) {
        guard let order = orders[ticket] else {
            queue.remove(ticket)
            return
        }
        guard let transfer = Transfer(order.request, egress: egress) else {
            finish(ticket, .failure(.badURL))
            return
        }
        running[ticket] = transfer
        tickets[transfer.easy] = ticket
        guard curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
            finish(ticket, .failure(.broken(detail: "out of memory")))
            return
        }
    }

    /// Answers those whose transfers ended; whether there were any, for then others may start.
    private mutating func takeEnded() -> Bool {
        var isAny = false
        var code = CURLE_OK
        while let easy = poolgate_curl_multi_ended(multi, &code) {
            guard let ticket = tickets[easy], let transfer = running[ticket] else { continue }
            finish(ticket, transfer.outcome(code))
            isAny = true
        }
        return isAny
    }

    private mutating func finish(_ ticket: TransferMailbox.Ticket, _ outcome: TransferThread.Outcome) {
        guard let order = orders.removeValue(forKey: ticket) else { return }
        queue.remove(ticket)
        if let transfer = running.removeValue(forKey: ticket) {
            tickets[transfer.easy] = nil
            curl_multi_remove_handle(multi, transfer.easy)
            transfer.end()
        }
        order.continuation.resume(returning: outcome)
    }

    private mutating func endAll() {
        for ticket in Array(orders.keys) { finish(ticket, .failure(.cancelled)) }
        for order in mailbox.take().orders { order.continuation.resume(returning: .failure(.cancelled)) }
    }
}

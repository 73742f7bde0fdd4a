import CLibCurl
import Platform

/// What runs on the transfer thread: libcurl's multi handle (libcurl-multi(3)) and the transfers that are under way.
struct TransferLoop {
    private let mailbox: TransferMailbox
    private let egress: EgressSettings
    private let multi: UnsafeMutableRawPointer
    private var queue = FetchQueue()
    private var orders: [TransferMailbox.Ticket: TransferMailbox.Order] = [:]
    private var running: [TransferMailbox.Ticket: Transfer] = [:]
    private var tickets: [UnsafeMutableRawPointer: TransferMailbox.Ticket] = [:]

    /// Whether libcurl could be set up, which is done once for the process.
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
        while loop.runBatch() {}
        mailbox.setMulti(nil)
        loop.endAll()
        curl_multi_cleanup(multi)
    }

    private init(mailbox: TransferMailbox, egress: EgressSettings, multi: UnsafeMutableRawPointer) {
        self.mailbox = mailbox
        self.egress = egress
        self.multi = multi
    }

    /// Takes the mail, begins the transfers whose turn it is, moves bytes, and sleeps until something happens; false when
    /// it is time to end.
    private mutating func runBatch() -> Bool {
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
        } while finishEnded()
        now = ContinuousClock.now
        var pause = Limits.longestTransferPause
        if let start = queue.nextStart(at: now), queue.runningCount < Limits.transfersAtOnce {
            pause = min(pause, max(Limits.shortestTransferPause, now.duration(to: start)))
        }
        let (seconds, attoseconds) = pause.components
        let milliseconds = Int32(truncatingIfNeeded: seconds * 1_000 + attoseconds / 1_000_000_000_000_000)
        _ = curl_multi_poll(multi, nil, 0, max(1, milliseconds), nil)
        return true
    }

    /// Begins a transfer.
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

    /// Finishes the transfers that have ended; false where there was none. Where there was one, another may begin.
    private mutating func finishEnded() -> Bool {
        var isAny = false
        var code = CURLE_OK
        while let easy = poolgate_curl_multi_ended(multi, &code) {
            guard let ticket = tickets[easy], let transfer = running[ticket] else { continue }
            finish(ticket, transfer.outcome(code))
            isAny = true
        }
        return isAny
    }

    /// Resumes the task that waits for a transfer, and forgets the transfer. The handle leaves the multi handle before it is
    /// freed.
    private mutating func finish(_ ticket: TransferMailbox.Ticket, _ outcome: TransferOutcome) {
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

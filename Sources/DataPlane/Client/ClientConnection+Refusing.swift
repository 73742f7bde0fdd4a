import Gatekeeper
import NIOCore

/// Answers of the gateway's own, and what is noted about a request.
extension ClientConnection {
    /// Answers the request under way with a refusal; what it left unread is dropped before closing.
    func refuse(_ refusal: Refusal, detail: RefusalDetail? = nil) {
        guard phase != .closed, phase != .lingering else { return }
        if exchange.isAnswerBegun {
            abort()
            return
        }
        let now = worker.now
        let row = refusal.row
        let isMessageKnown = exchange.head.readableBytes > 0
        if !exchange.isRequestComplete { skipBufferedBody() }
        let persists =
            isMessageKnown && exchange.isPersistent && exchange.isRequestComplete && !isLastRequest
            && !row.closesConnection
        exchange.isPersistent = persists
        let requestID = RequestID.random()
        var bytes = channel.allocator.buffer(capacity: 768)
        RefusalResponseWriter.write(
            row,
            RefusalResponseWriter.Circumstances(
                host: bytesOfHead(exchange.hostRange), isHead: exchange.isHead, closes: !persists,
                isHTTP10: exchange.isHTTP10, allowedOrigin: exchange.allowedOrigin, requestID: requestID,
                date: worker.date(at: now)),
            into: &bytes)
        record(refusal, status: row.status.code, requestID: requestID, detail: detail, now: now)
        exchange.isAnswerBegun = true
        send(bytes, isHead: true)
        dropUpstream()
        if isMessageKnown {
            if persists, row.status.code < 500 { worker.holdBack(self) }
            finishExchange()
        } else {
            linger()
        }
    }

    /// Leaves a record of what a rule in shadow would have done to the request under way.
    func reportShadow(_ rule: Int64, _ refusal: Refusal) {
        guard worker.records(refusal, of: exchange.tenant, status: 0) else { return }
        worker.ring.append(
            RequestRecord(
                time: worker.now, requestID: .none, tenant: exchange.tenant?.name.description,
                host: bytesOfHead(exchange.hostRange), method: bytesOfHead(exchange.methodRange),
                path: bytesOfHead(exchange.pathRange), status: 0, refusal: refusal, detail: .shadowRule(rule),
                microseconds: 0))
    }

    /// Leaves a record of the request under way.
    func record(
        _ refusal: Refusal?, status: Int, requestID: RequestID, detail: RefusalDetail? = nil, now: Instant
    ) {
        if let refusal, !worker.records(refusal, of: exchange.tenant, status: status) { return }
        let elapsed = exchange.started.nanoseconds == 0 ? 0 : now.nanoseconds &- exchange.started.nanoseconds
        worker.ring.append(
            RequestRecord(
                time: now, requestID: requestID, tenant: exchange.tenant?.name.description,
                host: bytesOfHead(exchange.hostRange), method: bytesOfHead(exchange.methodRange),
                path: bytesOfHead(exchange.pathRange), status: status, refusal: refusal,
                detail: detail ?? refusal?.detail,
                microseconds: elapsed / 1000))
    }

    /// At most `Limits.recordedBytes` of the head under way.
    private func bytesOfHead(_ range: Range<Int>) -> [UInt8] {
        let length = min(range.count, Limits.recordedBytes)
        return exchange.head.getBytes(at: exchange.head.readerIndex + range.lowerBound, length: length) ?? []
    }
}

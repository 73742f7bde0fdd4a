import Gatekeeper
import HTTPMessage
import NIOCore

/// What the log is told of an exchange.
extension Exchange {
    /// Leaves a record of the request: its refusal, or nil where an upstream responded. `id` is that of a response of the
    /// gateway's own.
    func record(
        _ refusal: Refusal?, status: Int, id: RequestID = .random(), detail: RefusalDetail? = nil
    ) {
        if let refusal, !worker.records.admits(refusal, of: tenant?.tenant, status: status) { return }
        let now = worker.clock.now
        let elapsed = cameAt.nanoseconds == 0 ? 0 : now.nanoseconds &- cameAt.nanoseconds
        worker.records.append(
            RequestRecord(
                time: now, requestID: id, tenant: tenant?.tenant.name.description,
                host: text(head.host.range),
                method: text(head.methodName.range), path: text(head.path.range), status: status,
                refusal: refusal, detail: detail, microseconds: elapsed / 1000))
    }

    /// Leaves a record of what a rule in shadow would have done to the request.
    func recordShadow(_ rule: Int64, _ refusal: Refusal) {
        worker.counters.shadowRefusals &+= 1
        guard worker.records.admits(refusal, of: tenant?.tenant, status: 0) else { return }
        worker.records.append(
            RequestRecord(
                time: worker.clock.now, requestID: .none, tenant: tenant?.tenant.name.description,
                host: text(head.host.range), method: text(head.methodName.range), path: text(head.path.range),
                status: 0, refusal: refusal, detail: .shadowRule(rule), microseconds: 0))
    }

    /// At most `Limits.recordedBytes` of the head.
    func text(_ range: Range<Int>) -> [UInt8] {
        let length = min(range.count, Limits.recordedBytes)
        return headBytes.getBytes(at: headBytes.readerIndex + range.lowerBound, length: length) ?? []
    }

    /// The origin whose page may read a refusal, as the browser spells it, since it compares byte by byte; empty where
    /// the tenant's row does not name it (Fetch, "CORS check").
    var allowedOrigin: [UInt8] {
        guard let tenant = tenant?.tenant, head.saysOrigin else { return [] }
        return headBytes.withUnsafeReadableBytes { bytes in
            guard let origin = RequestFacts(head, bytes).origin, let asked = WebOrigin(origin),
                tenant.corsOrigins.contains(asked.canonical)
            else { return [] }
            return Array(origin)
        }
    }
}

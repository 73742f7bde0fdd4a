import Gatekeeper
import HTTPMessage
import NIOCore

/// What the log is told of an exchange.
extension Exchange {
    /// Leaves a record of a refusal.
    func record(_ refusal: Refusal, status: Int, detail: RefusalDetail?) {
        isRecorded = true
        let isAdmitted = worker.records.admits(refusal, of: tenant?.tenant, status: status)
        guard isAdmitted || trace?.spans != nil else { return }
        var record = recordOfRequest(status: status)
        record.refusal = refusal
        record.detail = detail
        leaveSpans(record)
        if isAdmitted { worker.records.append(record) }
    }

    /// Leaves a record of an admitted request's end, where every request has one and this one has none yet, and of its
    /// spans.
    func recordEnd(_ end: RequestRecord.End) {
        let recordsAll = worker.settings.recordsEveryRequest
        guard recordsAll || trace?.spans != nil, !isRecorded, times.came != 0 else { return }
        isRecorded = true
        if times.done == 0 || status == 101 { times.done = worker.clock.monotonic }
        var record = recordOfRequest(status: status)
        record.end = end
        leaveSpans(record)
        if recordsAll { worker.records.append(record) }
    }

    /// Leaves a record of what a rule in shadow would have done to the request.
    func recordShadow(_ rule: Int64, _ refusal: Refusal) {
        worker.counters.shadowRefusals &+= 1
        guard worker.records.admits(refusal, of: tenant?.tenant, status: 0) else { return }
        var record = recordOfRequest(status: 0)
        record.refusal = refusal
        record.detail = .shadowRule(rule)
        worker.records.append(record)
    }

    /// What there is to say of the request now, whatever became of it.
    private func recordOfRequest(status: Int) -> RequestRecord {
        let now = worker.clock.now
        var record = RequestRecord(time: now, status: status, tenant: tenant?.tenant.name)
        record.requestID = requestID
        if !head.methodName.isEmpty {
            record.text = headBytes.withUnsafeReadableBytes { bytes in
                RecordedText(
                    method: bytes[head.methodName.range], host: bytes[head.host.range],
                    path: bytes[head.path.range])
            }
            record.spoken =
                webSocket != nil && status == 101
                ? .webSocket : isHTTP2 ? .http2 : head.isHTTP10 ? .http10 : .http11
        }
        record.form = question?.form
        record.client = clientAddress
        if let identity {
            record.subject = identity.recordedSubject
            record.isSubjectVerified = true
        } else if let note {
            record.subject = note.subject
            record.isSubjectVerified = note.isSubjectVerified
        }
        record.rule = rule
        record.microseconds = cameAt.nanoseconds == 0 ? 0 : (now.nanoseconds &- cameAt.nanoseconds) / 1000
        record.times = times
        record.trace = trace
        record.bytesIn = bytesIn
        record.bytesOut = bytesOut
        record.upstream = member?.pool.upstream
        return record
    }

    /// The client's address: behind a trusted balancer the one that it names.
    private var clientAddress: SocketAddress? {
        guard peer.way.isTrusted, head.saysWay else { return peer.way.address }
        return headBytes.withUnsafeReadableBytes {
            peer.way.client(head, $0, trusted: worker.settings.trustedProxies)
        } ?? peer.way.address
    }

    /// The name that a trusted balancer gives the request; nil where it gives none that can be kept, or several.
    func givenID() -> RequestID? {
        guard head.saysTrace, peer.way.isTrusted else { return nil }
        return headBytes.withUnsafeReadableBytes { bytes in
            var names = head.fields.lazy.filter { $0.known == .requestID }.makeIterator()
            guard let name = names.next(), names.next() == nil else { return nil }
            return RequestID(given: UnsafeRawBufferPointer(rebasing: bytes[name.value.range]))
        }
    }

    /// The request's host as it came, cut to a bound; empty where the head could not be read.
    var hostText: [UInt8] {
        headBytes.getBytes(
            at: headBytes.readerIndex + Int(head.host.start),
            length: min(head.host.count, Limits.recordedHostBytes)) ?? []
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

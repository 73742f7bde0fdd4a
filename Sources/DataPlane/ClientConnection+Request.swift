import Gatekeeper
import HTTP1
import NIOCore

/// The way of a request: head, judgement, upstream, body.
extension ClientConnection {
    /// What comes next after a head was looked at, decided while its bytes were at hand.
    private enum Step {
        case needMore
        case refuse(Refusal, detail: String)
        case forward(Origin)
        case wait(WantedKey)
    }

    /// Reads a head from `inbound`, where it is whole.
    func readHead() {
        let progress = inbound.withUnsafeReadableBytes { parser.parse($0) }
        switch progress {
        case .needMore:
            if exchange.started.nanoseconds == 0 {
                exchange.started = worker.now
                expectProgress(within: Limits.headTicks)
            }
        case .flaw(let flaw):
            exchange.isPersistent = false
            refuse(Refusal(flaw), detail: flaw.rawValue)
        case .complete:
            beginExchange()
            perform(judge(answer: nil))
        }
    }

    private func beginExchange() {
        exchange.started = worker.now
        exchange.method = parser.head.method
        exchange.isHTTP10 = parser.head.isHTTP10
        exchange.isPersistent = parser.head.isPersistent
        exchange.expectsContinue = parser.head.expectsContinue
        exchange.hostRange = parser.head.host.range
        exchange.methodRange = parser.head.methodName.range
        exchange.pathRange = parser.head.path.range
        switch parser.head.framing {
        case .none, .untilClose: exchange.body = .none
        case .length(let length): exchange.body = .length(length)
        case .chunked: exchange.body = .chunked(ChunkedBody(limits: worker.settings.headLimits))
        }
        exchange.hasBody = !exchange.isRequestComplete
        exchange.head = inbound.readSlice(length: parser.head.headLength) ?? ByteBuffer()
    }

    /// Judges the request under way from the snapshot as it is now.
    private func judge(answer: KeyAnswer?) -> Step {
        if let limit = worker.settings.maxBodyBytes, case .length(let length) = exchange.body, length > limit
        {
            return .refuse(.bodyTooLarge, detail: "")
        }
        let head = exchange.head
        return head.withUnsafeReadableBytes { bytes in
            if parser.head.hasVia, namesThisGateway(bytes) { return .refuse(.loop, detail: "") }
            let facts = RequestFacts(
                host: UnsafeRawBufferPointer(rebasing: bytes[parser.head.host.range]),
                authorization: parser.head.authorization.map {
                    UnsafeRawBufferPointer(rebasing: bytes[$0.range])
                },
                authorizationCount: parser.head.authorizationCount)
            switch worker.judge.judge(facts, at: exchange.started, answer: answer) {
            case .refuse(let refusal, let standing):
                exchange.tenant = standing?.tenant
                return .refuse(refusal, detail: "")
            case .needsKey(let key, let standing):
                exchange.tenant = standing.tenant
                return .wait(key)
            case .admit(let admission):
                exchange.tenant = admission.standing.tenant
                RequestHeadWriter.write(
                    parser.head, bytes, identityLines: admission.identity.headerLines, wayLines: wayLines,
                    into: &exchange.outboundHead)
                return .forward(worker.choose(admission.standing.tenant.upstreams))
            }
        }
    }

    private func perform(_ step: Step) {
        switch step {
        case .needMore: break
        case .refuse(let refusal, let detail): refuse(refusal, detail: detail)
        case .forward(let origin): forward(to: origin)
        case .wait(let key): wait(for: key)
        }
    }

    /// Whether a `Via` field holds this instance's pseudonym (RFC 9110 §7.6.3).
    private func namesThisGateway(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let name = worker.pseudonym
        return parser.head.fields.contains { field in
            field.known == .via
                && bytes[field.value.range].split { $0 == 0x20 || $0 == 0x2C || $0 == 9 }.contains {
                    $0.elementsEqual(name)
                }
        }
    }

    // MARK: Waiting for a key

    private func wait(for key: WantedKey) {
        phase = .judging
        let keys = worker.keys
        let bound = NIOLoopBound(self, eventLoop: worker.loop)
        Task {
            let answer = await keys(key)
            bound.eventLoop.execute { bound.value.keyAnswered(answer) }
        }
    }

    private func keyAnswered(_ answer: KeyAnswer) {
        guard phase == .judging else { return }
        worker.takeLatest()
        exchange.started = worker.now
        phase = .head
        perform(judge(answer: answer))
        process()
    }

    // MARK: The upstream

    private func forward(to origin: Origin) {
        exchange.origin = origin
        let pool = worker.pool(for: origin)
        if let connection = pool.takeIdle() {
            start(on: connection)
        } else {
            phase = .connecting
            pool.connect(for: self)
        }
    }

    /// The connection that this client waited for.
    func upstreamConnected(_ connection: UpstreamConnection) {
        guard phase == .connecting else {
            connection.park()
            return
        }
        start(on: connection)
        process()
    }

    /// No connection to the upstream could be had.
    func upstreamFailed(_ fault: UpstreamFault) {
        guard phase == .connecting else { return }
        refuse(.upstream(fault), detail: exchange.origin?.description ?? "")
    }

    private func start(on connection: UpstreamConnection) {
        phase = .exchanging
        upstream = connection
        connection.begin(self)
        expectProgress(within: exchange.isRequestComplete ? Limits.answerTicks : Limits.bodyIdleTicks)
        if case .length(let remaining) = exchange.body, remaining > 0, inbound.readableBytes > 0,
            inbound.readableBytes <= Limits.coalescedBodyBytes
        {
            var first = exchange.outboundHead
            let count = Int(min(remaining, UInt64(inbound.readableBytes)))
            if var body = inbound.readSlice(length: count) { first.writeBuffer(&body) }
            exchange.body = .length(remaining - UInt64(count))
            connection.send(first)
        } else {
            connection.send(exchange.outboundHead)
        }
    }

    /// The connection broke before an answer came: once more on a fresh one, where that can do no harm.
    func upstreamLost(_ connection: UpstreamConnection, saidSomething: Bool) {
        guard phase == .exchanging, upstream === connection else { return }
        upstream = nil
        let canRepeat =
            connection.isReused && !saidSomething && !exchange.isRetried && exchange.method.isIdempotent
            && !exchange.hasBody && exchange.interimAnswers == 0
        guard canRepeat, let origin = exchange.origin else {
            refuse(.upstream(.reset), detail: exchange.origin?.description ?? "")
            return
        }
        exchange.isRetried = true
        phase = .connecting
        worker.pool(for: origin).connect(for: self)
    }

    // MARK: The body

    /// Sends on what came of the body.
    func forwardBody() {
        guard let upstream else { return }
        switch exchange.body {
        case .none: break
        case .length(let remaining):
            let count = Int(min(remaining, UInt64(inbound.readableBytes)))
            guard let body = inbound.readSlice(length: count) else { return }
            exchange.body = .length(remaining - UInt64(count))
            upstream.send(body)
        case .chunked(var body):
            forwardChunks(&body, to: upstream)
        }
        guard phase == .exchanging else { return }
        expectProgress(within: exchange.isRequestComplete ? Limits.answerTicks : Limits.bodyIdleTicks)
    }

    private func forwardChunks(_ body: inout ChunkedBody, to upstream: UpstreamConnection) {
        var output = channel.allocator.buffer(capacity: inbound.readableBytes + 64)
        var isOver = false
        while !isOver {
            let piece = inbound.withUnsafeReadableBytes { body.next($0) }
            switch piece {
            case .needMore(let used):
                inbound.moveReaderIndex(forwardBy: used)
                isOver = true
                exchange.body = .chunked(body)
            case .payload(let skipped, let count):
                inbound.moveReaderIndex(forwardBy: skipped)
                exchange.bodyBytes += UInt64(count)
                if let limit = worker.settings.maxBodyBytes, exchange.bodyBytes > limit {
                    dropUpstream()
                    refuse(.bodyTooLarge)
                    return
                }
                output.writeChunk(&inbound, count: count)
            case .end(let used):
                output.writeStaticString("0\r\n")
                inbound.withUnsafeReadableBytes { TrailerWriter.write(body, $0, into: &output) }
                inbound.moveReaderIndex(forwardBy: used)
                exchange.body = .none
                isOver = true
            case .flaw(let flaw):
                dropUpstream()
                exchange.isPersistent = false
                refuse(Refusal(flaw), detail: flaw.rawValue)
                return
            }
        }
        if output.readableBytes > 0 { upstream.send(output) }
    }

    /// Uses up the part of an unwanted body that is here already: where that is all of it, the connection lives on.
    func skipBufferedBody() {
        guard case .length(let remaining) = exchange.body, remaining <= UInt64(inbound.readableBytes) else {
            return
        }
        inbound.moveReaderIndex(forwardBy: Int(remaining))
        exchange.body = .none
    }
}

extension Refusal {
    /// The refusal of a message that breaks HTTP's grammar or a bound.
    init(_ flaw: MessageFlaw) {
        switch flaw {
        case .targetTooLong: self = .targetTooLong("target_too_long")
        case .headTooLarge: self = .headTooLarge("head_too_large")
        case .fieldTooLarge: self = .headTooLarge("field_too_large")
        case .tooManyFields: self = .headTooLarge("too_many_fields")
        case .forbiddenMethod: self = .methodNotAllowed("forbidden_method")
        case .unsupportedVersion: self = .versionNotSupported("unsupported_version")
        case .badExpectation: self = .expectationFailed
        case .bareLF, .bareCR, .badStartLine, .badMethod, .badTarget, .badVersion, .badStatus, .badFieldName,
            .badFieldValue, .foldedLine, .missingHost, .duplicateHost, .badHost, .hostMismatch,
            .badContentLength,
            .duplicateContentLength, .lengthAndEncoding, .badTransferEncoding, .encodingInHTTP10, .badChunk,
            .badTrailer:
            self = .badRequest("bad_request")
        }
    }
}

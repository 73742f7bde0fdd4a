import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// The response as it is read from the upstream: its head, its body as payload, its end.
extension HTTP1UpstreamConnection {
    /// Uses what came, as far as it goes.
    func use() {
        var before = Int.max
        // What cannot be used yet, such as half a chunk's length, waits for more.
        while let client, inbound.readableBytes > 0, inbound.readableBytes < before {
            before = inbound.readableBytes
            switch progress {
            case .head: guard useHead(client) else { return }
            case .length(let remaining): useLength(remaining, client)
            case .untilClose:
                let bytes = inbound
                inbound = ByteBuffer()
                client.responseBodyCame(bytes)
            case .chunked: useChunks(client)
            case .complete: return
            case .tunnel:
                let bytes = inbound
                inbound = ByteBuffer()
                client.tunnelUpstreamSent(bytes)
            }
        }
        client?.responsePaused()
    }

    /// Reads a head where it is whole and passes it on; false where more bytes are needed or the response is lost.
    private func useHead(_ client: any UpstreamClient) -> Bool {
        switch inbound.withUnsafeReadableBytes({ parser.parse($0) }) {
        case .needMore: return false
        case .flaw(let flaw):
            fail(client, .messageFlaw(flaw))
            return false
        case .complete: break
        }
        guard parser.head.status >= 200 else { return useInterim(client) }
        persists = parser.head.isPersistent && !parser.head.announcesForbiddenBody && !isTainted
        // The upstream takes this connection for its caller, now or once the proof that it was sent is complete.
        if parser.head.authenticatesConnection || client.authenticatesConnection {
            if !client.claim(self) { persists = false }
        }
        idleTicks =
            parser.head.keepAliveSeconds.map {
                UInt32(truncatingIfNeeded: max($0 - 1, 0)) * Limits.ticksPerSecond
            } ?? Limits.upstreamIdleTicks
        inbound.withUnsafeReadableBytes { client.responseBegan(parser.head, $0) }
        inbound.moveReaderIndex(forwardBy: parser.head.headLength)
        switch parser.head.framing {
        case .none, .length(0): end(client)
        case .length(let length): progress = .length(length)
        case .chunked:
            chunks = ChunkedBody(limits: worker.settings.responseLimits, isLenient: true)
            progress = .chunked
        case .untilClose: progress = .untilClose
        }
        return true
    }

    private func useInterim(_ client: any UpstreamClient) -> Bool {
        if parser.head.status == 101, let key = client.webSocketKey { return useSwitch(client, key) }
        if parser.head.announcesForbiddenBody { isTainted = true }
        let isPassed =
            parser.head.status != 101
            && inbound.withUnsafeReadableBytes { client.interimCame(parser.head, $0) }
        guard isPassed else {
            fail(client, .interimResponses)
            return false
        }
        inbound.moveReaderIndex(forwardBy: parser.head.headLength)
        parser.reset(isHeadRequest: isHeadRequest)
        return true
    }

    /// The upstream agrees to WebSocket: from here on bytes are carried, and the connection serves no other request.
    private func useSwitch(_ client: any UpstreamClient, _ key: [UInt8]) -> Bool {
        let isAgreed = inbound.withUnsafeReadableBytes {
            WebSocketHandshake.isAgreed(parser.head.fields, $0, key: key)
        }
        guard isAgreed else {
            fail(client, .webSocketHandshake)
            return false
        }
        progress = .tunnel
        allowHalfClosure()
        let head = inbound
        inbound.moveReaderIndex(forwardBy: parser.head.headLength)
        head.withUnsafeReadableBytes { client.switched(parser.head, $0) }
        return true
    }

    private func useLength(_ remaining: UInt64, _ client: any UpstreamClient) {
        let count = min(remaining, UInt64(inbound.readableBytes))
        guard let bytes = inbound.readSlice(length: Int(count)) else { return }
        progress = .length(remaining - count)
        client.responseBodyCame(bytes)
        if count == remaining, self.client === client { end(client) }
    }

    private func useChunks(_ client: any UpstreamClient) {
        // It is read here alone, so that none of its fields is copied.
        guard var chunks else { return }
        self.chunks = nil
        switch chunks.payload(from: &inbound) {
        case .more(let payload):
            self.chunks = chunks
            client.responseBodyCame(payload)
        case .last(let payload, let trailers):
            client.responseBodyCame(payload)
            if self.client === client { end(client, trailers) }
        case .flaw(let flaw): fail(client, .messageFlaw(flaw))
        }
    }

    /// The response came whole: the connection is free again, where both sides left it in order.
    private func end(_ client: any UpstreamClient, _ trailers: TrailerSection? = nil) {
        progress = .complete
        let isInOrder = persists && inbound.readableBytes == 0 && isRequestSent
        self.client = nil
        inbound = ByteBuffer()
        if isInOrder, isOwned {
            isReused = true
        } else if isInOrder, idleTicks > 0 {
            isReused = true
            becomeIdle(for: idleTicks)
        } else {
            close()
        }
        client.responseEnded(trailers: trailers)
    }

    private func fail(_ client: any UpstreamClient, _ detail: RefusalDetail) {
        self.client = nil
        close()
        client.responseUnusable(detail)
    }

    /// From now on the upstream's FIN ends one direction alone, and the kernel asks whether a silent one is still there.
    private func allowHalfClosure() {
        try? channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
        channel.watchForSilence()
    }
}

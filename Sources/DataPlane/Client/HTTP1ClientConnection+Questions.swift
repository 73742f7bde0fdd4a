import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// How questions are read: what a proxy asks instead of sending on a request.
extension HTTP1ClientConnection {
    /// Reads the question whose head lies whole in `inbound`, and has it judged, unless it waits for its tenant's turn.
    func readQuestion() {
        guard peer.surface == .questions else {
            // gRPC is spoken by HTTP/2 alone.
            return exchange.refuseUnreadable(.message(.unsupportedVersion), nil, began: headBegan)
        }
        let head = parser.head
        let (isTrusted, buffer) = (peer.isTrustedCaller, worker.spareBuffers.take())
        let question = inbound.withUnsafeReadableBytes {
            worker.questions.read(head, $0, isTrusted: isTrusted, into: buffer)
        }
        if waitsForTurn(question) { return }
        inbound.moveReaderIndex(forwardBy: head.headLength)
        headCame()
        if question.refusal != .question(.untrustedCaller) { peer.trustCaller() }
        exchange.ask(question, isClientEnded: machine.isInputEnded)
    }

    /// Whether the question is one of the tenant that was refused here last: then it is read again when that tenant's turn
    /// has come.
    private func waitsForTurn(_ question: Question) -> Bool {
        guard let braked = brakedTenant else { return false }
        let tenant = question.withHost { worker.judge.tenant(of: $0, at: worker.clock.now) }
        guard tenant == braked else { return false }
        brakedTenant = nil
        parser.reset()
        machine.holdBack()
        worker.batches.holdBack(self, of: tenant)
        return true
    }

    // MARK: A body that nobody wants

    /// Whether what is left of a question's body is so short that it is dropped, and the connection lives on. A caller that
    /// waits to be told to send it will not.
    var mayDropBody: Bool {
        guard !parser.head.expectsContinue else { return false }
        switch body {
        case .none: return true
        case .length(let remaining): return remaining <= UInt64(Limits.droppedBodyBytes)
        case .chunked: return true
        }
    }

    /// Reads what is left of the body before the next head.
    func beginDropping() {
        isDroppingBody = true
        droppedBytes = 0
    }

    /// Drops what came of the body.
    func dropBody() {
        let before = inbound.readableBytes
        switch body {
        case .none: break
        case .length(let remaining):
            let count = Int(min(remaining, UInt64(inbound.readableBytes)))
            inbound.moveReaderIndex(forwardBy: count)
            body = .length(remaining - UInt64(count))
        case .chunked:
            guard var chunks else { return close() }
            self.chunks = nil
            switch chunks.payload(from: &inbound) {
            case .more: self.chunks = chunks
            case .last: body = .none
            case .flaw: return linger()
            }
        }
        droppedBytes += before - inbound.readableBytes
        if droppedBytes > Limits.droppedBodyBytes { return linger() }
        if body.isComplete { isDroppingBody = false }
    }
}

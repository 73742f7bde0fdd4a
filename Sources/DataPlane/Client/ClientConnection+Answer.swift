import Gatekeeper
import HTTP1
import NIOCore

/// The way of an upstream's answer back to the client.
extension ClientConnection {
    /// Notes that an answer begins and says how this client is to read it.
    func beginAnswer(_ head: borrowing ResponseHead) -> AnswerHeadWriter.Delivery {
        let framing: BodyFraming =
            switch head.framing {
            case .none: .none
            case .length(let length): .length(length)
            case .chunked, .untilClose: exchange.isHTTP10 ? .untilClose : .chunked
            }
        // A request that is not all here when its answer begins may never be read to its end.
        let closes =
            !exchange.isPersistent || isLastRequest || framing == .untilClose || !exchange.isRequestComplete
        exchange.isAnswerBegun = true
        exchange.isCloseDelimited = framing == .untilClose
        exchange.saidClose = closes
        exchange.status = head.status
        let describes = exchange.isHead || head.status == 304
        return AnswerHeadWriter.Delivery(
            framing: framing, describedLength: describes ? head.contentLength : nil, closes: closes,
            saysKeepAlive: exchange.isHTTP10 && !closes)
    }

    /// An interim answer came: the wait for the next one begins; false where this was one too many.
    func interimAnswerCame() -> Bool {
        guard let ticks = exchange.interim.came(at: worker.tick) else { return false }
        expectProgress(within: ticks)
        return true
    }

    /// The answer is out whole.
    func answerEnded() {
        guard phase == .exchanging else { return }
        if worker.settings.recordsEveryRequest {
            record(nil, status: exchange.status, requestID: .random(), now: worker.now)
        }
        finishExchange()
    }

    /// The answer broke off: the client must not take it for whole.
    func answerBroke() {
        guard phase == .exchanging else { return }
        record(.upstream(.reset), status: exchange.status, requestID: .random(), now: worker.now)
        abort()
    }

    /// The answer breaks HTTP's grammar, or a bound.
    func answerUnusable(_ detail: RefusalDetail) {
        guard phase == .exchanging else { return }
        upstream = nil
        if exchange.isAnswerBegun {
            record(
                .upstream(.badResponse), status: exchange.status, requestID: .random(), detail: detail,
                now: worker.now)
            abort()
        } else {
            refuse(.upstream(.badResponse), detail: detail)
        }
    }
}

import Gatekeeper
import NIOCore

/// gRPC calls that last: they are judged anew as rows and time move on, as WebSockets are.
extension Exchange {
    /// Keeps what the call is judged by from now on. Calls that are over before the loop's clock ticks never come here.
    func holdCall() {
        guard machine.isTransferring else { return }
        let refusal = headBytes.withUnsafeReadableBytes { bytes -> Refusal? in
            let facts = RequestFacts(head, bytes)
            // As when it was let in: what becomes of it when its token expires is the review's to say.
            switch worker.judge.judge(facts, at: judgedAt) {
            case .admit(let admission):
                heldCall = worker.judge.hold(admission, facts)
                return nil
            case .refuse(let refusal, _): return refusal
            case .needsKey: return .gateway(.keysUnavailable)
            // Its token is no longer remembered, and others wait for theirs: the next look tries again.
            case .mustWait: return nil
            }
        }
        if let refusal { return endCall(refusal) }
        if heldCall != nil { worker.calls.began(self) }
    }

    /// Ends the call where the token's end or the rows no longer allow it.
    func reviewCall(_ held: HeldAdmission, at now: Instant) {
        guard machine.isTransferring, let refusal = worker.judge.review(held, at: now) else { return }
        endCall(refusal)
    }

    private func endCall(_ refusal: Refusal) {
        guard status != 0 else { return perform(machine.refused(refusal, .callEnded)) }
        record(refusal, status: status, detail: .callEnded)
        machine.callEnded()
        dropUpstream()
        client?.endWithStatus(refusal.row)
    }
}

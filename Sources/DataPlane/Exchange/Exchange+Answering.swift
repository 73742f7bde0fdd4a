import Gatekeeper
import HTTPMessage

/// A question about a request: what it is about is judged as a request would be, and the verdict is the response.
extension Exchange {
    /// A question has come whole.
    func ask(_ question: Question, isClientEnded: Bool) {
        self.question = question
        if let refusal = question.refusal {
            refuseUnreadable(refusal, refusal.detail, began: worker.clock.now)
        } else {
            let (head, bytes) = question.takeHead()
            begin(head, bytes, hasBody: false, isClientEnded: isClientEnded)
        }
    }

    /// Notes what the answer says, where the request in question is admitted.
    func admitQuestion(
        _ question: Question, _ admission: Admission, _ head: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer
    ) -> Step {
        identity = admission.identity
        if question.form.namesRemovals {
            question.changes = HeaderChanges(head, bytes, admission, isAsserted: assertion != nil)
        }
        if let (rule, refusal) = admission.wouldRefuse { recordShadow(rule, refusal) }
        return .forward
    }

    /// Says that the request in question may pass.
    func answer() {
        guard let question else { return }
        times.done = worker.clock.monotonic
        noteStatus(RefusedRequest.admittedStatus)
        countAdmitted()
        recordEnd(.whole)
        client?.answer(
            Answer(
                form: question.form, id: requestID, tenant: tenant, identity: identity,
                assertion: assertion, rule: rule,
                changes: question.changes))
    }

    /// What the response to a refusal depends on, of the request and of whoever asked.
    func refused(_ refusal: Refusal) -> RefusedRequest {
        let isUntrusted = refusal == .question(.untrustedCaller)
        let row = refusal.row
        return RefusedRequest(
            host: hostText, isHead: question?.isHead ?? (head.method == .head),
            allowedOrigin: allowedOrigin, id: requestID, isGRPC: isGRPC, tenant: tenant?.tenant.name,
            status: question?.form.status(of: row) ?? row.status, form: question?.form,
            code: question == nil || isUntrusted ? nil : row.code,
            // A description that is flawed leaves no doubt where the next question begins.
            closesConnection: row.closesConnection && (question == nil || isUntrusted))
    }
}

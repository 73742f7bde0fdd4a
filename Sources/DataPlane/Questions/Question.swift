import Gatekeeper
import HTTPMessage
import NIOCore

/// A question of a trusted caller: whether the request that it describes may pass.
///
/// A class, so that the many requests that are no questions carry one empty reference. It belongs to one exchange.
final class Question {
    let form: QuestionForm
    /// Whether it was asked by HEAD, so that the response to it has no body.
    let isHead: Bool
    /// Why it is refused before what it is about is judged; nil where that is judged.
    let refusal: Refusal?
    /// What it is about: the head of a request, which `bytes` begins with.
    private(set) var head: RequestHead
    private(set) var bytes: ByteBuffer
    /// What the request's head is to become, once it is admitted; found only where the answer can say it.
    var changes = HeaderChanges()

    /// A question about the request with `head`.
    init(_ form: QuestionForm, isHead: Bool, about head: RequestHead, _ bytes: ByteBuffer) {
        self.form = form
        self.isHead = isHead
        self.refusal = nil
        self.head = head
        self.bytes = bytes
    }

    /// A question that is refused, whatever it is about.
    init(_ form: QuestionForm, isHead: Bool, refusal: Refusal) {
        self.form = form
        self.isHead = isHead
        self.refusal = refusal
        head = RequestHead()
        bytes = ByteBuffer()
    }

    /// Gives the head away to whoever has it judged, so that its storage has one owner.
    func takeHead() -> (head: RequestHead, bytes: ByteBuffer) {
        defer {
            head = RequestHead()
            bytes = ByteBuffer()
        }
        return (head, bytes)
    }

    /// The host that it is about; empty where it is refused.
    func withHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeReadableBytes { body(UnsafeRawBufferPointer(rebasing: $0[head.host.range])) }
    }
}

/// The answer to a question about a request that may pass.
struct Answer {
    let form: QuestionForm
    /// The name of the question in the log.
    let id: RequestID
    /// The tenant that the request's host led to.
    let tenant: ResolvedTenant?
    /// Who is calling; nil where nobody needs to say who they are.
    let identity: Identity?
    /// What the gateway asserts of the caller; its line goes wherever those of the identity go.
    let assertion: Assertion?
    /// The id of the rule that decided; nil where none did.
    let rule: Int64?
    /// What of the request's head is to be changed besides the identity; empty where the form cannot say it.
    let changes: HeaderChanges
}

import ExternalAuthorization
import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// Reads what questions are about.
///
/// Whatever the form, the request in question is written down as the head of a request of HTTP/1.1 and read by what reads
/// requests from clients, within the same bounds: so every surface has the same rules for bytes, and a flaw is the refusal
/// that the proxy would give. A loop has one reader, which uses its parser again.
struct QuestionReader {
    private var parser: RequestHeadParser
    private let names = QuestionNames()
    private let secret: Secret?

    /// Reads with the gateway's bounds of a request's head. Who knows `secret` is trusted; nil is no secret.
    init(limits: HeadLimits, secret: Secret?) {
        parser = RequestHeadParser(limits: limits)
        self.secret = secret
    }

    /// Below this path, a question by HTTP is Envoy's.
    private static let envoyPath: StaticString = "/ext_authz/"

    /// The question that the request with `asking` puts, whose head `bytes` begins with. `isTrusted` where the caller's
    /// address is trusted; else it must know the secret, or nothing more of the question is read.
    ///
    /// What it is about is written into `buffer`.
    mutating func read(
        _ asking: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, isTrusted: Bool,
        into buffer: consuming ByteBuffer
    ) -> Question {
        let isHead = asking.method == .head
        guard isTrusted || knowsSecret(asking, bytes) else {
            return Question(.forwarded, isHead: isHead, refusal: .question(.untrustedCaller))
        }
        if let target = QuestionReader.envoyTarget(asking, bytes) {
            let parts = RequestDescription.Line(
                method: asking.methodName.range, host: asking.authority.range, target: target)
            return question(.envoyHTTP, parts, asking, bytes, buffer)
        }
        let parts = ForwardedParts(asking.fields, bytes, names)
        let form = parts.form ?? .forwarded
        if let flaw = parts.flaw { return Question(form, isHead: isHead, refusal: .question(flaw)) }
        return question(
            form,
            RequestDescription.Line(
                method: parts.method.range, host: parts.host.range, target: parts.target.range),
            asking, bytes, buffer)
    }

    /// Whether the one field for it holds the secret.
    func knowsSecret(_ asking: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let secret else { return false }
        let fields = asking.fields.filter { names.isCaller($0, bytes) }
        guard fields.count == 1, let field = fields.first else { return false }
        return secret.matches(Array(bytes[field.value.range]))
    }

    /// The request's target in a question of Envoy's: what follows the prefix, its slash included.
    private static func envoyTarget(
        _ asking: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        let prefix = envoyPath.utf8CodeUnitCount
        guard asking.path.count >= prefix else { return nil }
        let path = asking.path.range
        let start = UnsafeRawBufferPointer(rebasing: bytes[path.lowerBound..<(path.lowerBound + prefix)])
        guard ByteScanner.isExactly(start, envoyPath) else { return nil }
        return (path.lowerBound + prefix - 1)..<Int(asking.query.end)
    }

    private mutating func question(
        _ form: QuestionForm, _ line: RequestDescription.Line, _ asking: borrowing RequestHead,
        _ bytes: UnsafeRawBufferPointer, _ buffer: consuming ByteBuffer
    ) -> Question {
        var buffer = buffer
        RequestDescription.write(
            line, asking, bytes, without: form == .envoyHTTP ? nil : names, names, into: &buffer)
        return question(form, isHead: asking.method == .head, about: buffer)
    }

    /// The question that a message of Envoy's puts. Throws where the message cannot be read.
    mutating func read(
        check message: UnsafeRawBufferPointer, into buffer: consuming ByteBuffer
    ) throws(CallRefusal) -> Question {
        let check = try CheckRequest(reading: message)
        var buffer = buffer
        let lines = RequestDescription.write(check, message, into: &buffer)
        let question = question(.envoyGRPC, isHead: false, about: buffer)
        guard question.refusal == nil, question.head.fields.count != lines else { return question }
        // A line end in one of the fields.
        return Question(.envoyGRPC, isHead: false, refusal: .message(.badFieldValue))
    }

    /// The question about the request whose head `buffer` holds as HTTP/1.1 has it, and nothing else.
    mutating func question(_ form: QuestionForm, isHead: Bool, about buffer: consuming ByteBuffer) -> Question
    {
        parser.reset()
        let progress = buffer.withUnsafeReadableBytes { parser.parse($0) }
        switch progress {
        case .complete where parser.head.headLength == buffer.readableBytes:
            return Question(form, isHead: isHead, about: parser.head, buffer)
        case .flaw(let flaw): return Question(form, isHead: isHead, refusal: .message(flaw))
        // A line end in one of the words.
        case .complete, .needMore: return Question(form, isHead: isHead, refusal: .message(.badStartLine))
        }
    }
}

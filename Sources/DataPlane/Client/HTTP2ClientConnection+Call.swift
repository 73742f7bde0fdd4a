import ExternalAuthorization
import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// What calls by gRPC are sent: a head, messages, and the status in the trailers.
extension HTTP2ClientConnection {
    // MARK: Statuses

    /// Begins a response with messages.
    func beginCall(of stream: HTTP2ClientStream) {
        HTTP2HeadWriter.writeCallHead(to: session) {
            session.submitResponse(stream: stream.id, hasBody: true)
        }
    }

    /// Ends it, for the reason given where there is one.
    func endCall(_ refusal: CallRefusal?, of stream: HTTP2ClientStream) {
        HTTP2HeadWriter.write(trailers: RefusalFields(call: refusal), to: session) {
            session.endBody(stream: stream.id, hasTrailers: true)
        }
    }

    /// Responds with a status alone (gRPC over HTTP/2, "Trailers-Only").
    func refuse(_ refusal: CallRefusal, of stream: HTTP2ClientStream) {
        HTTP2HeadWriter.write(status: 200, RefusalFields(callResponse: refusal), to: session) {
            session.submitResponse(stream: stream.id, hasBody: false)
        }
    }

    // MARK: Verdicts

    /// Says yes to Envoy, which changes the request and sends it on.
    func answerCall(_ answer: Answer, of stream: HTTP2ClientStream) {
        let worker = worker
        var metadata = VerdictMetadata()
        metadata.tenant = answer.tenant.map { Array($0.tenant.name.description.utf8) }
        metadata.subject = answer.identity.map { Array($0.subject) }
        metadata.rule = answer.rule
        worker.checkResponse.beginOK()
        if let identity = answer.identity {
            identity.headerLines.withUnsafeBytes { worker.checkResponse.set(lines: $0) }
        }
        if let assertion = answer.assertion {
            assertion.line.withUnsafeBytes { worker.checkResponse.set(lines: $0) }
        }
        if let cookies = answer.changes.textCookies {
            let name = HTTP2HeadWriter.word("cookie")
            if cookies.isEmpty {
                worker.checkResponse.remove(name)
            } else {
                cookies.withUnsafeBytes { worker.checkResponse.set(name, $0) }
            }
        }
        for name in answer.changes.removed { name.withUnsafeBytes { worker.checkResponse.remove($0) } }
        for parameter in answer.changes.removedParameters {
            parameter.withUnsafeBytes { worker.checkResponse.removeParameter($0) }
        }
        send(worker.checkResponse.endOK(metadata) { ByteBuffer(bytes: $0) }, of: stream)
    }

    /// Says no to Envoy, which responds to its client as is said here. The exact reason is for Envoy alone: the status'
    /// message and the metadata have it, not the fields that go to the client.
    func refuseCall(_ row: RefusalRow, _ request: RefusedRequest, of stream: HTTP2ClientStream) {
        // Whoever may not ask learns nothing but that.
        guard let code = request.code else { return refuse(.untrustedCaller, of: stream) }
        let body = Array(RefusalFields.body(row, request.id).utf8)
        let fields = RefusalFields(
            row, host: request.host, allowedOrigin: request.allowedOrigin, date: [], id: request.id,
            bodyBytes: body.count)
        worker.checkResponse.beginDenied(status: request.status.code)
        // Envoy writes the two itself.
        for field in fields.list where field.name != "Date" && field.name != "Content-Length" {
            Array(field.name.utf8).withUnsafeBytes { name in
                field.value.withUnsafeBytes { worker.checkResponse.add(name, $0) }
            }
        }
        var metadata = VerdictMetadata()
        metadata.tenant = request.tenant.map { Array($0.description.utf8) }
        metadata.code = Array(code.utf8)
        let message = worker.checkResponse.endDenied(
            text: body, code: row.grpcStatus, reason: Array(code.utf8), metadata
        ) { ByteBuffer(bytes: $0) }
        send(message, of: stream)
    }

    private func send(_ message: ByteBuffer, of stream: HTTP2ClientStream) {
        beginCall(of: stream)
        stream.sendMessage(message)
        endCall(nil, of: stream)
    }

    // MARK: Bounds

    /// Counts bytes of messages that are collected; whether the connection may hold so many.
    func collect(_ count: Int) -> Bool {
        collectedBytes += count
        guard collectedBytes > Limits.collectedBytes else { return true }
        collectedBytes -= count
        return false
    }

    /// The bytes are held no longer.
    func uncollect(_ count: Int) {
        collectedBytes -= count
    }
}

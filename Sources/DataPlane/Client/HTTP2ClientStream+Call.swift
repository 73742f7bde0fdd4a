import ExternalAuthorization
import Gatekeeper
import HTTP2
import HTTPMessage
import NIOCore

/// The streams of the listener for ext_authz over gRPC: calls that ask whether a request may pass, or for the gateway's
/// health (ops/guide/ext-authz.md).
///
/// A call is one message, which is collected, and read once the caller has ended its side. A question goes the way of every
/// question from there on.
extension HTTP2ClientStream {
    /// The head of a call. Nothing more is read of whoever may not ask.
    func callCame(_ head: RequestHead, _ bytes: ByteBuffer, _ connection: any HTTP2ClientStreamOwner) {
        let (worker, peer) = (connection.worker, connection.peer)
        var bytes = bytes
        defer { worker.spareBuffers.keep(&bytes) }
        let isTrusted =
            peer.isTrustedCaller || bytes.withUnsafeReadableBytes { worker.questions.knowsSecret(head, $0) }
        guard isTrusted else {
            return ask(Question(.envoyGRPC, isHead: false, refusal: .question(.untrustedCaller)))
        }
        peer.trustCaller()
        let kind = bytes.withUnsafeReadableBytes { bytes -> Call? in
            let method = UnsafeRawBufferPointer(rebasing: bytes[head.methodName.range])
            guard ByteScanner.isExactly(method, "POST") else { return nil }
            return Call(
                path: UnsafeRawBufferPointer(rebasing: bytes[Int(head.path.start)..<Int(head.query.end)]))
        }
        guard let kind, bytes.withUnsafeReadableBytes({ HTTP2ClientStream.isGRPC(head.fields, $0) }) else {
            return refuse(.unknownMethod)
        }
        call = AuthorizationCall(kind)
    }

    /// A piece of the call's message.
    func callData(_ payload: ByteBuffer) {
        guard let connection, var call else { return }
        self.call = nil
        connection.consumed(payload.readableBytes, held: 0, by: self)
        do {
            try payload.withUnsafeReadableBytes { try call.message.receive($0) }
        } catch {
            return refuse(error as? CallRefusal ?? .malformed)
        }
        guard connection.collect(payload.readableBytes) else { return refuse(.tooLarge) }
        inbound.appendUnread(payload)
        self.call = call
    }

    /// The message did not come in time.
    func callOverdue() {
        refuse(.incomplete)
    }

    /// Reads the call's message, once it came whole.
    func readCall() {
        guard isInputEnded, let call, call.toldHealth == nil else { return }
        do {
            try call.message.end()
            switch call.kind {
            case .check: ask(try question())
            case .health: try tellHealth()
            case .watch: try watchHealth(call)
            }
        } catch {
            refuse(error as? CallRefusal ?? .malformed)
        }
        dropMessage()
    }

    /// The question that the message puts.
    private func question() throws -> Question {
        guard let worker = connection?.worker else { throw CallRefusal.incomplete }
        return try withMessage { try worker.questions.read(check: $0, into: worker.spareBuffers.take()) }
    }

    private func withMessage<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
        try inbound.withUnsafeReadableBytes {
            try body(UnsafeRawBufferPointer(rebasing: $0.dropFirst(ExternalAuthorization.Limits.prefixBytes)))
        }
    }

    private func dropMessage() {
        connection?.uncollect(inbound.readableBytes)
        inbound = ByteBuffer()
    }

    // MARK: Health

    private func tellHealth() throws {
        guard let connection else { return }
        guard try withMessage({ try HealthMessages.isServed($0) }) else { throw CallRefusal.unknownService }
        connection.beginCall(of: self)
        sendMessage(ByteBuffer(bytes: HealthMessages.response(connection.worker.health)))
        end(nil)
    }

    private func watchHealth(_ call: AuthorizationCall) throws {
        guard let connection else { return }
        let isServed = try withMessage { try HealthMessages.isServed($0) }
        guard connection.worker.healthWatches < Limits.watches,
            connection.watches < Limits.watchesOfConnection
        else { throw CallRefusal.tooManyWatches }
        guard !connection.worker.isDraining else { throw CallRefusal.draining }
        connection.worker.healthWatches += 1
        connection.watches += 1
        connection.beginCall(of: self)
        self.call?.toldHealth = isServed ? connection.worker.health : .serviceUnknown
        sendMessage(ByteBuffer(bytes: HealthMessages.response(self.call?.toldHealth ?? .serviceUnknown)))
        connection.flushSoon()
    }

    /// Tells who watches what changed since. What was told before waits for nobody: a caller that takes nothing hears the
    /// latest once it does.
    func reviewHealth() {
        guard let connection, let told = call?.toldHealth, told != .serviceUnknown, !hasOutput else { return }
        let health = connection.worker.health
        guard health != told else { return }
        call?.toldHealth = health
        sendMessage(ByteBuffer(bytes: HealthMessages.response(health)))
        connection.flushSoon()
    }

    /// The gateway ends, and with it what watches.
    func endWatch() {
        guard call?.toldHealth != nil else { return }
        reviewHealth()
        end(.draining)
    }

    /// The call is over, or gone.
    func leaveCall() {
        guard let call else { return }
        self.call = nil
        dropMessage()
        guard call.toldHealth != nil, let connection else { return }
        connection.watches -= 1
        connection.worker.healthWatches -= 1
    }

    // MARK: The response

    /// Ends the response with gRPC's status.
    private func end(_ refusal: CallRefusal?) {
        connection?.endCall(refusal, of: self)
        leaveCall()
        finishResponse()
    }

    /// Responds with a status and nothing else.
    func refuse(_ refusal: CallRefusal) {
        guard !isFinished else { return }
        connection?.refuse(refusal, of: self)
        leaveCall()
        dropMessage()
        finishResponse()
    }
}

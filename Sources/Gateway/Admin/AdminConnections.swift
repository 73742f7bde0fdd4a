import Glibc
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Bounds the number of connections to the admin port. Where there is no room for a new one, the oldest is closed, so that
/// nobody can keep probes out by holding connections open.
///
/// A handler in the listener's pipeline, whose messages are new connections; all of them belong to the listener's one event
/// loop.
final class AdminConnections: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    /// The open connections, the oldest first; at most `limit`.
    private var open: [any Channel] = []
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let newcomer = unwrapInboundIn(data)
        // A peer that went without a word is found out by what it does not acknowledge; a stream of events has no clock.
        _ = newcomer.setOption(
            .tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), value: Limits.adminUnacknowledgedMilliseconds)
        if open.count >= limit { open.removeFirst().close(promise: nil) }
        open.append(newcomer)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        newcomer.closeFuture.hop(to: context.eventLoop).whenComplete { _ in
            bound.value.open.removeAll { $0 === newcomer }
        }
        context.fireChannelRead(data)
    }
}

/// Closes a connection of the admin port when a request and its response take too long, whichever of the two is slow; and
/// after a response with `Connection: close`, once that was sent. Closes it at once where many requests come without waiting
/// for responses: their work follows one upon the other, so that meanwhile the event loop looks at no other connection, and
/// probes wait.
///
/// A stream of events has no end, so there each piece of it has that time to be sent.
final class AdminExchangeClock: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limit: TimeAmount
    private var alarm: Scheduled<Void>?
    /// How many requests have no complete response yet.
    private var openRequests = 0
    /// Whether part of a request has come, and not all of it.
    private var isReading = false
    /// Whether a response had `Connection: close`.
    private var saidClose = false
    /// Whether the response under way is a stream of events, and how many pieces of it are not sent yet.
    private var isStream = false
    private var unsentPieces = 0

    init(limit: TimeAmount) {
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            openRequests += 1
            guard openRequests <= Limits.adminRequestsAhead else { return context.close(promise: nil) }
            isReading = true
            if alarm == nil { setAlarm(context) }
        case .body: break
        case .end:
            isReading = false
            settle(context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head):
            if head.headerFields[.connection] == "close" { saidClose = true }
            isStream = head.headerFields[.contentType] == "text/event-stream"
            if isStream { stopAlarm() }
            context.write(data, promise: promise)
        case .body where isStream: writePiece(context, data, promise)
        case .body: context.write(data, promise: promise)
        case .end:
            isStream = false
            let left = promise ?? context.eventLoop.makePromise()
            let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            left.futureResult.whenSuccess {
                let (clock, context) = bound.value
                clock.openRequests -= 1
                if clock.saidClose {
                    context.close(promise: nil)
                } else {
                    clock.settle(context)
                }
            }
            context.write(data, promise: left)
        }
    }

    /// Writes a piece of a stream, whose time begins now, or with the end of the piece before.
    private func writePiece(
        _ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?
    ) {
        unsentPieces += 1
        if alarm == nil { setAlarm(context) }
        let sent = promise ?? context.eventLoop.makePromise()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        sent.futureResult.whenSuccess {
            let (clock, context) = bound.value
            clock.unsentPieces -= 1
            clock.stopAlarm()
            if clock.unsentPieces > 0 { clock.setAlarm(context) }
        }
        context.write(data, promise: sent)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stopAlarm()
    }

    private func stopAlarm() {
        alarm?.cancel()
        alarm = nil
    }

    /// Starts the clock anew for the next exchange, where one has begun; its time begins with the end of the one before.
    private func settle(_ context: ChannelHandlerContext) {
        guard !isReading, !isStream else { return }
        stopAlarm()
        if openRequests > 0 { setAlarm(context) }
    }

    private func setAlarm(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        alarm = context.eventLoop.scheduleTask(in: limit) { bound.value.close(promise: nil) }
    }
}

import CNGHTTP2
package import HTTPMessage

/// One HTTP/2 connection (RFC 9113): bytes in, events and bytes out. Made of a session of libnghttp2, which is driven from
/// memory and does no input or output.
///
/// The library's callbacks only write down what happened, so nothing of ours runs inside of them, and no error or trap can
/// cross C. Whoever drives it calls `receive`, takes the events one by one, answers them, and sends what `produce` gives.
///
/// A class, because the library holds its address; it belongs to whoever drives it and is never shared.
package final class HTTP2Session {
    /// Which end of the connection this is.
    package enum Side: Sendable {
        case server, client
    }

    /// What the peer is told and held to.
    package struct Settings: Sendable {
        /// How many streams the peer may have open at once; 0 for a client, whom no server may push to.
        package var streams: UInt32
        /// How much of all streams' bodies may wait here unused, in bytes.
        package var connectionWindowBytes: Int32
        /// What a head is held to.
        package var headLimits: HeadLimits

        /// Settings of which none has a value of its own.
        package init(streams: UInt32, connectionWindowBytes: Int32, headLimits: HeadLimits) {
            self.streams = streams
            self.connectionWindowBytes = connectionWindowBytes
            self.headLimits = headLimits
        }
    }

    let side: Side
    private let session: OpaquePointer
    var assembler: HeadAssembler
    /// Whether the header block under way belongs to a message that has begun: then it is its trailers.
    var isTrailerBlock = false
    /// The stream whose header block has begun and not ended; 0 for none.
    var headStream: Int32 = 0
    /// How many streams the peer may have open at once, and has.
    private let streamLimit: Int
    private var openStreams = 0
    /// Whether the SETTINGS that tell the peer so have not left yet.
    private var isUnannounced = true
    /// What happened, and how much of it was taken.
    var events: [HTTP2Event] = []
    private var taken = 0
    /// Where the bytes lie that are being received.
    var receivedBase: UnsafePointer<UInt8>?
    var budget = FrameBudget()
    /// Whether streams may end early as often as they do: where the peer is a trusted proxy, which has the requests of many
    /// clients on its connection and cancels each whose client went away. What one of them does may not end the others'.
    package var forgivesEarlyEnds = false
    /// Whether the peer has used up its budget.
    var isBudgetSpent = false
    /// What each stream has to send.
    var outgoing = StreamTable<OutgoingBody>()
    /// What is being sent.
    var output = HTTP2Output()
    /// How much `output` may hold before the rest waits.
    var outputLimit = 0
    /// Streams that we reset ourselves; such a reset is not the peer's mistake.
    var ownResets: Set<Int32> = []
    /// The fields of the head that is being written; what they point to lives until it is submitted.
    private var fields: [nghttp2_nv] = []

    /// A connection on which nothing was sent yet; nil where there is no memory.
    package init?(side: Side, settings: Settings) {
        self.side = side
        streamLimit = Int(settings.streams)
        assembler = HeadAssembler(limits: settings.headLimits)
        guard let session = HTTP2Session.made(side, settings) else { return nil }
        self.session = session
        nghttp2_session_set_user_data(session, Unmanaged.passUnretained(self).toOpaque())
        submitSettings(settings)
    }

    deinit {
        nghttp2_session_del(session)
    }

    private static func made(_ side: Side, _ settings: Settings) -> OpaquePointer? {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks else { return nil }
        defer { nghttp2_session_callbacks_del(callbacks) }
        guard nghttp2_option_new(&options) == 0, let options else { return nil }
        defer { nghttp2_option_del(options) }
        setCallbacks(callbacks)
        // Windows are given back as payload is used, not as it comes.
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_no_closed_streams(options, 1)
        nghttp2_option_set_max_outbound_ack(options, Limits.waitingAcknowledgements)
        nghttp2_option_set_max_settings(options, Limits.settingsParameters)
        nghttp2_option_set_max_continuations(options, Limits.continuations)
        nghttp2_option_set_max_reserved_remote_streams(options, 0)
        var session: OpaquePointer?
        let status =
            switch side {
            case .server: nghttp2_session_server_new2(&session, callbacks, nil, options)
            case .client: nghttp2_session_client_new2(&session, callbacks, nil, options)
            }
        return status == 0 ? session : nil
    }

    private func submitSettings(_ settings: Settings) {
        // The library ends the connection of a peer that has more streams than these, so it is told of more than the peer is
        // (`announceStreams`), and those between are refused one by one.
        let streams = side == .server ? settings.streams + Limits.refusedStreams : settings.streams
        var entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: streams),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: Limits.streamWindowBytes),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(clamping: settings.headLimits.headBytes)),
        ]
        if side == .client {
            entries.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        }
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, settings.connectionWindowBytes)
    }

    /// Writes the peer's own bound of streams into the SETTINGS frame, which a server sends first (RFC 9113 §3.4).
    private func announceStreams() {
        guard isUnannounced, output.bytes.count >= 15 else { return }
        isUnannounced = false
        guard side == .server, output.bytes[3] == UInt8(NGHTTP2_SETTINGS.rawValue),
            output.bytes[9..<11].elementsEqual([0, UInt8(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue)])
        else { return }
        let value = UInt32(streamLimit)
        for index in 0..<4 { output.bytes[11 + index] = UInt8(truncatingIfNeeded: value >> (24 - 8 * index)) }
    }

    // MARK: What comes

    /// Whether a header block has begun and not ended.
    package var isInHead: Bool { headStream != 0 }

    /// A request begins; false where its stream is one too many, and refused.
    func takeStream(_ stream: Int32) -> Bool {
        openStreams += 1
        guard openStreams > streamLimit else { return true }
        if !budget.takeEarlyEnd() { isBudgetSpent = true }
        ownResets.insert(stream)
        nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, HTTP2ErrorCode.refusedStream.rawValue)
        return false
    }

    /// A stream is gone.
    func streamClosed(_ stream: Int32, _ code: HTTP2ErrorCode) {
        if side == .server { openStreams -= 1 }
        outgoing.remove(stream)
        ownResets.remove(stream)
        // A head that breaks a rule ends its stream, and no end of it is told.
        if headStream == stream { headStream = 0 }
        events.append(.closed(stream: stream, code))
    }

    /// Takes the next bytes of the peer. Events are kept until they are taken.
    ///
    /// Nil where all is well. Otherwise nothing more can be understood, and the connection is to end for the reason given.
    package func receive(_ bytes: UnsafeRawBufferPointer) -> HTTP2ErrorCode? {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return nil }
        receivedBase = base
        defer { receivedBase = nil }
        let used = nghttp2_session_mem_recv(session, base, bytes.count)
        if isBudgetSpent || used == Int(NGHTTP2_ERR_FLOODED.rawValue) { return .enhanceYourCalm }
        return used == bytes.count ? nil : .protocolError
    }

    /// The next thing that happened; nil where all were taken.
    package func nextEvent() -> HTTP2Event? {
        guard taken < events.count else {
            taken = 0
            events.removeAll(keepingCapacity: true)
            return nil
        }
        // Taken out, since a copy would count references to what it holds.
        var event = HTTP2Event.settingsChanged
        swap(&event, &events[taken])
        taken += 1
        return event
    }

    /// Payload of the stream was used: the peer may send as much more.
    package func consumed(_ count: Int, stream: Int32) {
        guard count > 0 else { return }
        nghttp2_session_consume(session, stream, count)
    }

    /// Payload of some stream is the connection's concern no longer: the peer may send as much more on others.
    package func consumed(ofConnection count: Int) {
        guard count > 0 else { return }
        nghttp2_session_consume_connection(session, count)
    }

    /// Payload that was the connection's concern no longer was used: the peer may send as much more on the stream.
    package func consumed(_ count: Int, ofStream stream: Int32) {
        guard count > 0 else { return }
        nghttp2_session_consume_stream(session, stream, count)
    }

    /// A second has passed.
    package func secondPassed() {
        budget.secondPassed()
    }

    // MARK: What goes

    /// Gives what is to be sent next in `output`, which it clears before: at most about `limit` bytes with the payload that
    /// belongs into it. There may be more where it is not empty.
    package func produce(into output: inout HTTP2Output, limit: Int) {
        swap(&self.output, &output)
        self.output.clear()
        outputLimit = limit
        while self.output.bytes.count + self.output.payloadBytes < limit {
            var next: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &next)
            guard count > 0, let next else { break }
            self.output.bytes.append(contentsOf: UnsafeBufferPointer(start: next, count: count))
        }
        announceStreams()
        if isBudgetSpent { terminate(.enhanceYourCalm) }
        swap(&self.output, &output)
    }

    /// Whether the connection has nothing more to read or to send: it is over.
    package var isOver: Bool {
        nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    /// Whether anything waits to be sent that the windows let go.
    package var hasOutput: Bool { nghttp2_session_want_write(session) != 0 }

    /// Begins a head, of which the pseudo-fields are added first. What `addField` is given must live until it is submitted.
    package func beginHead() {
        fields.removeAll(keepingCapacity: true)
    }

    /// Adds a field to the head; capitals of its name become small letters (RFC 9113 §8.2.1). One that is `unindexed`
    /// enters no table of header compression, here or at any hop that follows (RFC 7541 §6.2.3).
    package func addField(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, unindexed: Bool = false
    ) {
        let flags = unindexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE
        // The library copies both and writes to neither.
        fields.append(
            nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name.bindMemory(to: UInt8.self).baseAddress),
                value: UnsafeMutablePointer(mutating: value.bindMemory(to: UInt8.self).baseAddress),
                namelen: name.count, valuelen: value.count, flags: UInt8(flags.rawValue)))
    }

    /// Adds a field of this name.
    package func addField(_ name: StaticString, _ value: UnsafeRawBufferPointer, unindexed: Bool = false) {
        let name = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        addField(name, value, unindexed: unindexed)
    }

    /// Sends the head as an interim response.
    package func submitInterim(stream: Int32) {
        nghttp2_submit_headers(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, nil, fields, fields.count, nil)
    }

    /// Sends the head as a response; `hasBody` where payload is offered later.
    package func submitResponse(stream: Int32, hasBody: Bool) {
        guard hasBody else {
            nghttp2_submit_response(session, stream, fields, fields.count, nil)
            return
        }
        outgoing.insert(OutgoingBody(), of: stream)
        var provider = HTTP2Session.payload
        nghttp2_submit_response(session, stream, fields, fields.count, &provider)
    }

    /// Sends the head as a request; the stream that it has, nil where the connection takes no more.
    package func submitRequest(hasBody: Bool) -> Int32? {
        var provider = HTTP2Session.payload
        let stream =
            hasBody
            ? nghttp2_submit_request(session, nil, fields, fields.count, &provider, nil)
            : nghttp2_submit_request(session, nil, fields, fields.count, nil, nil)
        guard stream > 0 else { return nil }
        if hasBody { outgoing.insert(OutgoingBody(), of: stream) }
        return stream
    }

    /// So much payload of the stream can be sent, behind what was offered before.
    package func offer(_ count: Int, stream: Int32) {
        guard count > 0, outgoing.change(of: stream, { $0.waiting += count }) != nil else { return }
        nghttp2_session_resume_data(session, stream)
    }

    /// Whether the client has not ended its side of a stream that is there.
    func isClientSending(on stream: Int32) -> Bool {
        side == .server && nghttp2_session_get_stream_remote_close(session, stream) == 0
    }

    /// Nothing follows what was offered; the head begun last is the trailers' where there are any.
    package func endBody(stream: Int32, hasTrailers: Bool) {
        // The library asks for payload only while the windows are open, and an end without payload needs none (RFC 9113
        // §6.9): there the end is a header block, with no field where there are no trailers.
        if let body = outgoing[stream], body.waiting == 0, isShut(stream) {
            outgoing.remove(stream)
            let trailers = hasTrailers ? fields : []
            nghttp2_submit_trailer(session, stream, trailers, trailers.count)
            return
        }
        let trailers = hasTrailers ? TrailerCopy(fields) : nil
        let isThere: Void? = outgoing.change(of: stream) { body in
            body.isEnded = true
            body.trailers = trailers
        }
        guard isThere != nil else { return }
        nghttp2_session_resume_data(session, stream)
    }

    /// Whether the peer takes no payload of the stream now.
    private func isShut(_ stream: Int32) -> Bool {
        nghttp2_session_get_stream_remote_window_size(session, stream) <= 0
            || nghttp2_session_get_remote_window_size(session) <= 0
    }

    /// Sends the trailers of a stream whose payload has left.
    func submitTrailers(_ trailers: TrailerCopy, stream: Int32) {
        trailers.withFields { fields in
            _ = nghttp2_submit_trailer(session, stream, fields.baseAddress, fields.count)
        }
    }

    /// Ends the stream at once (RST_STREAM). For a client's mistake its budget pays.
    package func reset(stream: Int32, _ code: HTTP2ErrorCode) {
        // What is closed already, though its event was not taken yet, needs no reset.
        if side == .server, nghttp2_session_find_stream(session, stream) == nil { return }
        if side == .client || code != .protocolError { ownResets.insert(stream) }
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream, code.rawValue)
    }

    // MARK: The end

    /// Says that no new streams are wanted soon, while those that are on their way are taken (RFC 9113 §6.8).
    package func giveNotice() {
        nghttp2_submit_shutdown_notice(session)
    }

    /// Says that no stream after those that came is taken; the ones under way go on.
    package func goAway() {
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
            HTTP2ErrorCode.noError.rawValue, nil, 0)
    }

    /// Ends the connection with all of its streams.
    package func terminate(_ code: HTTP2ErrorCode) {
        nghttp2_session_terminate_session(session, code.rawValue)
    }

    /// Asks the peer for a sign of life.
    package func ping() {
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// How many streams the peer lets us have at once.
    package var peerStreams: Int {
        Int(nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
    }
}

/// The payload that one stream is to send.
struct OutgoingBody {
    /// How much of it can be sent.
    var waiting = 0
    var isEnded = false
    var trailers: TrailerCopy?
}

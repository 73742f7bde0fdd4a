import CNGHTTP2
import HTTPMessage

/// What libnghttp2 calls while it reads and writes. Each only writes down in its session what happened.
///
/// The session's address comes back as the library got it: callbacks are made during a call of the session's own methods
/// alone, so it is alive.
extension HTTP2Session {
    /// The source of every stream's payload.
    static var payload: nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source(), read_callback: readPayload)
    }

    static func setCallbacks(_ callbacks: OpaquePointer) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, beganFrame)
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, beganHeaders)
        nghttp2_session_callbacks_set_on_header_callback(callbacks, header)
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, invalidHeader)
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frameCame)
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, dataCame)
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, streamClosed)
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frameSent)
        nghttp2_session_callbacks_set_send_data_callback(callbacks, sendPayload)
    }

    /// Calls `body` with the session, whose references are not counted; 0 where there is none.
    @inline(__always)
    private static func of<Status: FixedWidthInteger>(
        _ data: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Status
    ) -> Status {
        guard let data else { return 0 }
        return Unmanaged<HTTP2Session>.fromOpaque(data)._withUnsafeGuaranteedRef(body)
    }

    // MARK: Heads

    private static let beganHeaders: nghttp2_on_begin_headers_callback = { _, frame, data in
        of(data) { session in
            guard let frame else { return 0 }
            let stream = poolgate_frame_stream(frame)
            let category = poolgate_headers_category(frame)
            if category == NGHTTP2_HCAT_REQUEST.rawValue, !session.takeStream(stream) {
                return session.isBudgetSpent
                    ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
            }
            session.assembler.begin()
            session.headStream = stream
            session.isTrailerBlock = category == NGHTTP2_HCAT_HEADERS.rawValue
            return 0
        }
    }

    private static let header: nghttp2_on_header_callback = {
        _, _, name, nameLength, value, valueLength, flags, data in
        of(data) { session in
            session.assembler.take(
                name: UnsafeRawBufferPointer(start: name, count: nameLength),
                value: UnsafeRawBufferPointer(start: value, count: valueLength),
                isUnindexed: flags & UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue) != 0)
            return 0
        }
    }

    /// Without this callback the library would leave the field out and pass the rest.
    private static let invalidHeader: nghttp2_on_invalid_header_callback = { _, _, _, _, _, _, _, _ in
        NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
    }

    // MARK: Frames

    /// A PRIORITY of a stream that is gone is dropped without a word, so it is counted as it begins.
    private static let beganFrame: nghttp2_on_begin_frame_callback = { library, head, data in
        guard let head, UInt32(head.pointee.type) == NGHTTP2_PRIORITY.rawValue,
            nghttp2_session_find_stream(library, head.pointee.stream_id) == nil
        else { return 0 }
        return of(data) { session in
            session.spendIdleFrame()
            return session.isBudgetSpent ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
        }
    }

    private static let frameCame: nghttp2_on_frame_recv_callback = { _, frame, data in
        of(data) { session in
            guard let frame else { return 0 }
            session.frameCame(frame)
            return session.isBudgetSpent ? NGHTTP2_ERR_CALLBACK_FAILURE.rawValue : 0
        }
    }

    private static let dataCame: nghttp2_on_data_chunk_recv_callback = { _, _, stream, bytes, count, data in
        of(data) { session in
            guard let base = session.receivedBase, let bytes else { return 0 }
            let start = bytes - base
            session.events.append(.data(stream: stream, start..<(start + count)))
            return 0
        }
    }

    private static let streamClosed: nghttp2_on_stream_close_callback = { _, stream, code, data in
        of(data) { session in
            session.streamClosed(stream, HTTP2ErrorCode(number: code))
            return 0
        }
    }

    private static let frameSent: nghttp2_on_frame_send_callback = { _, frame, data in
        of(data) { session in
            guard let frame else { return 0 }
            session.frameSent(frame)
            return 0
        }
    }

    // MARK: Payload

    private static let readPayload: nghttp2_data_source_read_callback = {
        _, stream, _, limit, flags, _, data in
        guard let flags else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
        return of(data) { $0.payloadToSend(stream, limit, flags) }
    }

    private static let sendPayload: nghttp2_send_data_callback = { _, frame, head, count, _, data in
        of(data) { session in
            guard let frame, let head else { return 0 }
            guard session.output.bytes.count + session.output.payloadBytes < session.outputLimit else {
                return NGHTTP2_ERR_WOULDBLOCK.rawValue
            }
            session.output.bytes.append(contentsOf: UnsafeBufferPointer(start: head, count: 9))
            if count > 0 {
                session.output.gaps.append(
                    .init(
                        offset: session.output.bytes.count, stream: poolgate_frame_stream(frame), count: count
                    ))
                session.output.payloadBytes += count
            }
            return 0
        }
    }
}

extension HTTP2Session {
    /// A frame has come whole.
    func frameCame(_ frame: UnsafePointer<nghttp2_frame>) {
        let stream = poolgate_frame_stream(frame)
        let isLast = poolgate_frame_flags(frame) & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch Int(poolgate_frame_type(frame)) {
        case Int(NGHTTP2_HEADERS.rawValue): headCame(stream, isLast: isLast)
        case Int(NGHTTP2_DATA.rawValue):
            if isLast {
                events.append(.ended(stream: stream))
            } else if poolgate_frame_length(frame) <= poolgate_frame_padding(frame) {
                spendIdleFrame()
            }
        case Int(NGHTTP2_RST_STREAM.rawValue):
            spendEarlyEnd()
        case Int(NGHTTP2_GOAWAY.rawValue):
            events.append(
                .goingAway(
                    lastStream: poolgate_goaway_last_stream(frame),
                    HTTP2ErrorCode(number: poolgate_goaway_code(frame))))
        case Int(NGHTTP2_SETTINGS.rawValue):
            if poolgate_frame_flags(frame) & UInt8(NGHTTP2_FLAG_ACK.rawValue) == 0 {
                spendIdleFrame()
                events.append(.settingsChanged)
            }
        default: spendIdleFrame()
        }
    }

    /// A frame has left.
    func frameSent(_ frame: UnsafePointer<nghttp2_frame>) {
        switch Int(poolgate_frame_type(frame)) {
        case Int(NGHTTP2_DATA.rawValue), Int(NGHTTP2_HEADERS.rawValue):
            budget.dataSent()
            let stream = poolgate_frame_stream(frame)
            if poolgate_frame_flags(frame) & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
                isClientSending(on: stream)
            {
                events.append(.sent(stream: stream))
            }
        case Int(NGHTTP2_RST_STREAM.rawValue) where !ownResets.contains(poolgate_frame_stream(frame)):
            spendEarlyEnd()
        default: break
        }
    }

    func spendEarlyEnd() {
        if !forgivesEarlyEnds, !budget.takeEarlyEnd() { isBudgetSpent = true }
    }

    func spendIdleFrame() {
        if !budget.takeIdleFrame() { isBudgetSpent = true }
    }

    private func headCame(_ stream: Int32, isLast: Bool) {
        headStream = 0
        do throws(MessageFlaw) {
            if isTrailerBlock {
                // A response that follows interim ones comes as such a block, too.
                guard side == .server || isLast else { return try responseCame(stream, isLast: false) }
                if side == .client, assembler.isResponse { return try responseCame(stream, isLast: true) }
                let trailers = try assembler.trailers()
                events.append(.trailers(stream: stream, trailers.fields, bytes: trailers.bytes))
                events.append(.ended(stream: stream))
            } else if side == .server {
                let request = try assembler.request(isWhole: isLast)
                events.append(.request(stream: stream, request.head, bytes: request.bytes, isWhole: isLast))
            } else {
                try responseCame(stream, isLast: isLast)
            }
        } catch {
            events.append(
                side == .server
                    ? .flawedRequest(stream: stream, error) : .flawedResponse(stream: stream, error))
        }
    }

    private func responseCame(_ stream: Int32, isLast: Bool) throws(MessageFlaw) {
        let response = try assembler.response(isWhole: isLast)
        events.append(.response(stream: stream, response.head, bytes: response.bytes, isWhole: isLast))
    }

    /// How much payload of the stream the next frame takes; a code of the library's where none can be had now.
    func payloadToSend(_ stream: Int32, _ limit: Int, _ flags: UnsafeMutablePointer<UInt32>) -> Int {
        guard let body = outgoing[stream] else {
            return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        guard body.waiting > 0 || body.isEnded else { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        let count = min(body.waiting, limit)
        let isLast = body.isEnded && body.waiting == count
        outgoing.change(of: stream) { body in
            body.waiting -= count
            if isLast { body.trailers = nil }
        }
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
        guard isLast else { return count }
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        if let trailers = body.trailers {
            flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            submitTrailers(trailers, stream: stream)
        }
        return count
    }
}

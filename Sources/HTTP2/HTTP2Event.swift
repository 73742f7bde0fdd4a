package import HTTPMessage

/// What a peer did, in the order in which it did it.
package enum HTTP2Event: Sendable {
    /// A request came: its head, with the bytes that the head's offsets point into. `isWhole` where it ends with them.
    case request(stream: Int32, RequestHead, bytes: [UInt8], isWhole: Bool)
    /// A request came whose head breaks a rule of ours, and can be answered nonetheless.
    case flawedRequest(stream: Int32, MessageFlaw)
    /// A response's head came, an interim one too. `isWhole` where no body follows.
    case response(stream: Int32, ResponseHead, bytes: [UInt8], isWhole: Bool)
    /// A response came whose head breaks a rule of ours.
    case flawedResponse(stream: Int32, MessageFlaw)
    /// Payload came, which lies in this range of the bytes that were received.
    case data(stream: Int32, Range<Int>)
    /// Trailers came, with the bytes that their offsets point into; the message ends with them.
    case trailers(stream: Int32, [HeadField], bytes: [UInt8])
    /// The peer sends nothing more on this stream, of which more than a head came.
    case ended(stream: Int32)
    /// Everything that we send on this stream has been given out by `produce`, and the client has not ended its side.
    case sent(stream: Int32)
    /// The stream is gone, both of its sides ended or either reset it.
    case closed(stream: Int32, HTTP2ErrorCode)
    /// The peer opens no more streams, or takes none; those above `lastStream` were not looked at (RFC 9113 §6.8).
    case goingAway(lastStream: Int32, HTTP2ErrorCode)
    /// The peer changed its settings, the number of streams among them.
    case settingsChanged
}

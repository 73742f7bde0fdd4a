/// How the end of a message's body is told (RFC 9112 §6.3).
package enum BodyFraming: Sendable, Hashable {
    /// There is no body.
    case none
    /// The body has exactly so many bytes; one of no bytes is a body too.
    case length(UInt64)
    /// The body comes in pieces and says itself where it ends.
    case chunked
    /// A response's body lasts until the connection closes.
    case untilClose
}

/// What a connection is to send next: bytes of frames, and between them the places of payload that whoever drives the
/// session holds. So payload is never copied on its way through the session.
package struct HTTP2Output: Sendable {
    /// Frames, but for the payload of DATA frames.
    package internal(set) var bytes: [UInt8] = []
    /// Where payload belongs, in order.
    package internal(set) var gaps: [Gap] = []
    /// How many bytes of payload belong into the gaps.
    package internal(set) var payloadBytes = 0

    /// Payload of one stream, the next that it has, to be sent behind the first `offset` bytes.
    package struct Gap: Sendable, Equatable {
        /// How many of `bytes` come before.
        package let offset: Int
        /// Whose payload.
        package let stream: Int32
        /// How many bytes of the stream's payload.
        package let count: Int
    }

    /// Nothing to send.
    package init() {}

    /// Whether there is nothing to send.
    package var isEmpty: Bool { bytes.isEmpty }

    /// Forgets everything, and keeps the room that it took.
    package mutating func clear() {
        bytes.removeAll(keepingCapacity: true)
        gaps.removeAll(keepingCapacity: true)
        payloadBytes = 0
    }
}

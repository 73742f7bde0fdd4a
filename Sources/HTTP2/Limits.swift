/// Every bound of HTTP/2 that is no setting, with its unit. Whether the library or we hold it stands beside each.
package enum Limits {
    /// What a peer may send before its first SETTINGS were answered, and what a stream's window is unless said otherwise
    /// (RFC 9113 §6.9.2): the most of one stream's body that may wait here unused. Held by the library.
    package static let streamWindowBytes: UInt32 = 65_535
    /// The payload of the largest frame that is taken (RFC 9113 §4.2). Held by the library.
    static let frameBytes: UInt32 = 16_384
    /// What a table of header compression may hold in each direction (RFC 7541 §4.2). Held by the library.
    static let compressionTableBytes: UInt32 = 4_096
    /// How many CONTINUATION frames may follow one HEADERS. Held by the library.
    static let continuations = 8
    /// How many responses to PING and SETTINGS may wait to be sent. Held by the library.
    static let waitingAcknowledgements = 128
    /// How many parameters one SETTINGS frame may hold. Held by the library.
    static let settingsParameters = 32
    /// How many frames that carry nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA) a peer may send at once,
    /// and how many more each second; each DATA frame that we send allows for `framesForData` more. Held by us.
    static let idleFrames = 2_000
    static let idleFramesPerSecond = 500
    static let framesForData = 4
    /// How many streams a peer may have end early at once, and how many more each second, whether it resets them or has
    /// us reset them by its own mistakes (CVE-2023-44487, CVE-2025-8671), unless it is trusted. Held by us.
    static let earlyEnds = 200
    static let earlyEndsPerSecond = 20
    /// How many streams beyond those that it was told of a peer may try to open before the last refusal has left; each is
    /// refused, and counts as one that ended early. Held by the library, whose own bound is higher by this.
    static let refusedStreams: UInt32 = 512
    /// The longest method (`:method`), in bytes.
    static let methodBytes = 64
}

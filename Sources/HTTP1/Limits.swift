/// The bounds of what HTTP/1 adds to a head's; those of the head itself are `HeadLimits`.
enum Limits {
    /// A method's name, in bytes.
    static let methodBytes = 32
    /// A start line has so many bytes besides its method and target: two spaces and `HTTP/1.1`.
    static let startLineRestBytes = 10
    /// For so many fields a connection keeps the room between two heads.
    static let keptFields = 128
    /// Fields for which there is room before the first one comes.
    static let initialFields = 16
    /// A chunk's size line in bytes, extensions included (RFC 9112 §7.1.1).
    static let chunkLineBytes = 256
    /// Hexadecimal digits of a chunk's size: fifteen keep it below 2^60, so that no sum of sizes overflows.
    static let chunkSizeDigits = 15
    /// A trailer section, in bytes.
    static let trailerBytes = 8 * 1024
    /// The longest head of a WebSocket frame, in bytes: two, a length of eight, a mask of four (RFC 6455 §5.2).
    static let webSocketHeadBytes = 14
    /// Addresses and extensions of a PROXY header, in bytes; load balancers send far fewer.
    static let proxyHeaderVariableBytes = 2048
}

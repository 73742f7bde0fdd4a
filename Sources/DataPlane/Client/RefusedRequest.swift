import Gatekeeper

/// What a refused request was like, as far as the response to it depends on that.
struct RefusedRequest {
    /// The host that was asked for, as the client wrote it; empty where the head could not be read.
    let host: [UInt8]
    let isHead: Bool
    /// The origin whose page may read the response; empty for none.
    let allowedOrigin: [UInt8]
    let id: RequestID
    /// Whether the caller speaks gRPC, and reads a status of its own.
    let isGRPC: Bool
    /// The row's host, where one was found.
    let tenant: HostPattern?
}

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
    /// The status of the response, as whoever asked understands it.
    let status: RefusalStatus
    /// How it was asked whether the request may pass; nil where the request itself came.
    let form: QuestionForm?
    /// The exact reason, where a trusted caller may know it.
    let code: String?
    /// Whether the connection closes in any case.
    let closesConnection: Bool

    /// The status of what is not refused.
    static let admittedStatus = 200
}

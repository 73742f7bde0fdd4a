/// Why a call gets no response but a status: it is no verdict, and Envoy takes it for a failure.
package enum CallRefusal: Error, Sendable, Hashable, CaseIterable {
    /// The caller may not ask.
    case untrustedCaller
    /// No such method, or a request that is no call of gRPC's.
    case unknownMethod
    /// The message is compressed, which nobody agreed on.
    case compressed
    /// The message is longer than `Limits.messageBytes`.
    case tooLarge
    /// The request that is asked about has more than `Limits.fields` fields.
    case tooManyFields
    /// The message is none of Protocol Buffers', or not the one that the method takes.
    case malformed
    /// The caller's side of the stream ended inside the message or before it.
    case incomplete
    /// A second message, where the method takes one.
    case secondMessage
    /// Nobody here is called so whose health is asked for.
    case unknownService
    /// As many calls watch the gateway's health as may.
    case tooManyWatches
    /// The gateway ends.
    case draining

    /// The status code (gRPC, "Status codes and their use in gRPC").
    package var status: Int {
        switch self {
        case .malformed, .incomplete, .secondMessage: 3  // INVALID_ARGUMENT
        case .unknownService: 5  // NOT_FOUND
        case .untrustedCaller: 7  // PERMISSION_DENIED
        case .tooLarge, .tooManyFields, .tooManyWatches: 8  // RESOURCE_EXHAUSTED
        case .unknownMethod, .compressed: 12  // UNIMPLEMENTED
        case .draining: 14  // UNAVAILABLE
        }
    }

    /// What `grpc-message` says: a sentence of printable ASCII without a percent sign, so that it needs no encoding.
    package var message: String {
        switch self {
        case .untrustedCaller: "untrusted_caller: this caller may not ask here."
        case .unknownMethod: "Only Authorization/Check and Health are served here, by gRPC."
        case .compressed: "Compressed messages are not read here."
        case .tooLarge: "The message is too large; leave bodies out of it."
        case .tooManyFields: "The request has too many fields."
        case .malformed: "The message cannot be read."
        case .incomplete: "The message is not whole."
        case .secondMessage: "The call takes one message."
        case .unknownService: "No service of this name is served here."
        case .tooManyWatches: "Too many calls watch the health already."
        case .draining: "The gateway ends."
        }
    }
}

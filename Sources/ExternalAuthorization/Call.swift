import HTTPMessage

/// What a caller of the listener for external authorization calls, by the path of its request (gRPC over HTTP/2,
/// "Requests").
package enum Call: Sendable, Hashable, CaseIterable {
    /// Whether a request may pass: `envoy.service.auth.v3.Authorization/Check`.
    case check
    /// Whether the gateway serves: `grpc.health.v1.Health/Check`.
    case health
    /// The same, and each change of it: `grpc.health.v1.Health/Watch`.
    case watch

    /// The call that `path` names; nil for every other one.
    package init?(path: UnsafeRawBufferPointer) {
        let found = Call.allCases.first { ByteScanner.isExactly(path, $0.path) }
        guard let found else { return nil }
        self = found
    }

    /// The path that names it.
    package var path: StaticString {
        switch self {
        case .check: "/envoy.service.auth.v3.Authorization/Check"
        case .health: "/grpc.health.v1.Health/Check"
        case .watch: "/grpc.health.v1.Health/Watch"
        }
    }

    /// Whether the gateway speaks of a service of this name when it is asked for its health: of itself, by no name, and of
    /// each service that is called here.
    package static func isServed(_ service: UnsafeRawBufferPointer) -> Bool {
        service.isEmpty || ByteScanner.isExactly(service, "envoy.service.auth.v3.Authorization")
            || ByteScanner.isExactly(service, "grpc.health.v1.Health")
    }
}

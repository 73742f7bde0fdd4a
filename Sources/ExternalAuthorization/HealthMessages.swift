package import HTTPMessage

/// The messages of `grpc.health.v1` (gRPC, "GRPC Health Checking Protocol").
package enum HealthMessages {
    /// Whether the gateway serves, as the messages number it.
    package enum Status: UInt8, Sendable, Hashable {
        case serving = 1
        case notServing = 2
        /// Nobody here is called so whose health is asked for.
        case serviceUnknown = 3
    }

    /// Whether the service that a `HealthCheckRequest` asks for is served here. Throws `.malformed`.
    package static func isServed(_ request: UnsafeRawBufferPointer) throws(CallRefusal) -> Bool {
        Call.isServed(UnsafeRawBufferPointer(rebasing: request[try service(of: request).range]))
    }

    /// The name of the service that a `HealthCheckRequest` asks for; empty for the whole gateway. Throws `.malformed`.
    package static func service(of request: UnsafeRawBufferPointer) throws(CallRefusal) -> HeadSlice {
        var message = WireReader(request)
        var service = HeadSlice()
        while let field = try message.next() {
            if field.number == 1 { service = try message.text(field) }
        }
        return service
    }

    /// A `HealthCheckResponse`, with gRPC's prefix in front.
    package static func response(_ status: Status) -> [UInt8] {
        UnaryMessage.prefix(2) + [1 << 3, status.rawValue]
    }
}

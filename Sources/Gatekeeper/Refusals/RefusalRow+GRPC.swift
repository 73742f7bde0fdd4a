/// What a refusal is to a caller that speaks gRPC: a status of its own, in a response whose HTTP status is 200.
extension RefusalRow {
    /// The status code (gRPC, "Status codes and their use in gRPC").
    package var grpcStatus: Int {
        if code == "overloaded" { return 8 }  // RESOURCE_EXHAUSTED
        return switch status {
        case .badRequest, .methodNotAllowed, .uriTooLong, .expectationFailed, .upgradeRequired,
            .versionNotSupported:
            3  // INVALID_ARGUMENT
        case .requestTimeout: 4  // DEADLINE_EXCEEDED
        case .forbidden: 7  // PERMISSION_DENIED
        case .contentTooLarge, .headerFieldsTooLarge: 8  // RESOURCE_EXHAUSTED
        case .misdirectedRequest: 12  // UNIMPLEMENTED: nobody of that name is served here
        case .loopDetected: 13  // INTERNAL
        case .badGateway, .serviceUnavailable, .gatewayTimeout: 14  // UNAVAILABLE
        case .unauthorized: 16  // UNAUTHENTICATED
        }
    }

    /// The description as `grpc-message` has it: printable ASCII but the percent sign is left as it is, everything else is
    /// percent-encoded (gRPC over HTTP/2, "Responses").
    package var grpcMessage: [UInt8] {
        description.utf8.flatMap { byte -> [UInt8] in
            guard byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "%") else { return [byte] }
            let digits = Array("0123456789ABCDEF".utf8)
            return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
}

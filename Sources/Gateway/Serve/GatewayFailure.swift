/// Why the gateway ended before it was asked to.
struct GatewayFailure: Error, CustomStringConvertible {
    /// A sentence without its full stop.
    let description: String
}

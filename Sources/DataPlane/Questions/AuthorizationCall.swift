import ExternalAuthorization

/// A call of the listener for ext_authz over gRPC, while its message comes, and while it watches the gateway's health.
struct AuthorizationCall {
    let kind: Call
    /// How far its message came.
    var message = UnaryMessage()
    /// What it was told last, where it watches.
    var toldHealth: HealthMessages.Status?

    init(_ kind: Call) {
        self.kind = kind
    }
}

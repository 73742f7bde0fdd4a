import Gatekeeper

/// Requests whose tokens are not remembered and wait for their tenant's turn.
struct VerificationLine {
    /// Whether the end of this turn is on its way.
    var isTurnScheduled = false
    private var line = FairLine<HostPattern, ClientConnection>(
        partyLimit: Limits.waitingTokensOfTenant, limit: Limits.waitingTokens)

    var isEmpty: Bool { line.isEmpty }

    mutating func append(_ client: ClientConnection, of tenant: HostPattern) -> Bool {
        line.append(client, of: tenant)
    }

    /// The next one that still waits.
    mutating func next() -> ClientConnection? {
        while let client = line.next() {
            if client.phase == .verifying { return client }
        }
        return nil
    }
}

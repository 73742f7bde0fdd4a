package import HTTPMessage

/// Why a request is not forwarded: one closed list for every surface, in families by whose doing it is.
///
/// Each family is an enum of its own whose `row` is an exhaustive switch, so that a refusal without a row does not
/// compile. Nothing else says what a refusal looks like to the client, in the log or in the documents.
package enum Refusal: Error, Hashable, Sendable {
    // What the client sent.
    /// The message breaks HTTP's grammar or a bound; whoever parses it finds so.
    case message(MessageFlaw)
    /// The path can be read in two ways, at a host that has rules on paths.
    case path(PathFlaw)
    /// The message is well formed, but not what the gateway carries.
    case request(RequestRefusal)
    /// It is a proxy's question, and does not say well what it is about, or who asks.
    case question(QuestionFlaw)
    // Where it is for, and who sent it.
    case host(HostRefusal)
    case credential(CredentialRefusal)
    /// There is a credential, and it is not acceptable.
    case token(TokenRefusal)
    // What the gateway's side lacks.
    case gateway(GatewayRefusal)
    case upstream(UpstreamFault)

    /// Everything there is to say of the refusal.
    package var row: RefusalRow {
        switch self {
        case .message(let flaw): flaw.row
        case .path(let flaw): flaw.row
        case .request(let refusal): refusal.row
        case .question(let flaw): flaw.row
        case .host(let refusal): refusal.row
        case .credential(let refusal): refusal.row
        case .token(let refusal): refusal.row
        case .gateway(let refusal): refusal.row
        case .upstream(let fault): fault.row
        }
    }

    /// What the refusal itself says beyond its code; nil where only the circumstances could.
    package var detail: RefusalDetail? {
        switch self {
        case .message(let flaw): .messageFlaw(flaw)
        case .path(let flaw): .pathFlaw(flaw)
        case .request(.badWebSocket): .badWebSocket
        case .question(.untrustedCaller): nil
        case .question(let flaw): .questionFlaw(flaw)
        case .request, .host, .credential, .token, .gateway, .upstream: nil
        }
    }
}

extension Refusal: CaseIterable {
    /// Every refusal there is, family by family.
    package static var allCases: [Refusal] { Family.allCases.flatMap(\.refusals) }

    /// The cases of `Refusal` without what they carry.
    private enum Family: CaseIterable {
        case message, path, request, question, host, credential, token, gateway, upstream

        var refusals: [Refusal] {
            switch self {
            case .message: MessageFlaw.allCases.map(Refusal.message)
            case .path: PathFlaw.allCases.map(Refusal.path)
            case .request: RequestRefusal.allCases.map(Refusal.request)
            case .question: QuestionFlaw.allCases.map(Refusal.question)
            case .host: HostRefusal.allCases.map(Refusal.host)
            case .credential: CredentialRefusal.allCases.map(Refusal.credential)
            case .token: TokenRefusal.allCases.map(Refusal.token)
            case .gateway: GatewayRefusal.allCases.map(Refusal.gateway)
            case .upstream: UpstreamFault.allCases.map(Refusal.upstream)
            }
        }
    }

    /// Called by nobody: without it a new case of `Refusal` could be left out of `Family`, and so of `allCases`.
    private var family: Family {
        switch self {
        case .message: .message
        case .path: .path
        case .request: .request
        case .question: .question
        case .host: .host
        case .credential: .credential
        case .token: .token
        case .gateway: .gateway
        case .upstream: .upstream
        }
    }
}

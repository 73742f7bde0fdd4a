/// All that is said of a refusal, to whoever it concerns: the client, the log, the reader of the documents.
package struct RefusalRow: Hashable, Sendable {
    /// What the response begins with.
    package let status: RefusalStatus
    /// `error` of the JSON body: a word in snake_case, which says no more than the client may know.
    package let error: String
    /// `error_description` of the JSON body: one sentence, which says no more than the client may know.
    package let description: String
    /// The exact reason, for the log and `explain`, in snake_case; never sent.
    package let code: String
    /// How the client is asked for a credential.
    package let challenge: Challenge
    /// What the status asks for besides, in the order in which it is written.
    package let fields: [RefusalField]
    /// Whether the connection closes in any case, because where its next request begins is in doubt.
    package let closesConnection: Bool
    /// How loud the log is about it.
    package let level: Level
    /// For the documents: when it comes about.
    package let meaning: String
    /// For the documents: what whoever is asked for help can do about it.
    package let remedy: String

    /// A row whose code is the client's `error`, unless it says more.
    init(
        _ status: RefusalStatus, _ error: String, _ description: String, code: String? = nil,
        challenge: Challenge = .none, fields: [RefusalField] = [], closesConnection: Bool, level: Level,
        meaning: String, remedy: String
    ) {
        self.status = status
        self.error = error
        self.description = description
        self.code = code ?? error
        self.challenge = challenge
        self.fields = fields
        self.closesConnection = closesConnection
        self.level = level
        self.meaning = meaning
        self.remedy = remedy
    }

    /// What stands in `WWW-Authenticate` behind the realm (RFC 6750 §3).
    package enum Challenge: Hashable, Sendable {
        /// There is no such field.
        case none
        /// No `error`, since no credential was there.
        case bare
        case error(String)
    }

    /// How loud the log is about it: what only the client can mend is no warning.
    package enum Level: Hashable, Sendable {
        case info, warning
    }

    /// Whether a page from one of the tenant's `cors_origins` may read the response: such a page must learn that its user
    /// has to sign in, or may not go on.
    package var isReadableByPages: Bool {
        status == .unauthorized || status == .forbidden
    }
}

/// A field that a refusal's status asks for.
package enum RefusalField: Hashable, Sendable {
    /// The methods that are served (RFC 9110 §15.5.6).
    case allow
    /// The protocol to change to (RFC 9110 §15.5.22); in HTTP/1 `Connection` names it, too.
    case upgrade
    /// The version of it that is spoken (RFC 6455 §4.4).
    case webSocketVersion
    /// When trying again can help (RFC 9110 §10.2.3).
    case retryAfter(seconds: Int)

    /// As HTTP/1 spells it.
    package var name: String {
        switch self {
        case .allow: "Allow"
        case .upgrade: "Upgrade"
        case .webSocketVersion: "Sec-WebSocket-Version"
        case .retryAfter: "Retry-After"
        }
    }

    /// What stands behind the colon.
    package var value: String {
        switch self {
        case .allow: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        case .upgrade: "websocket"
        case .webSocketVersion: "13"
        case .retryAfter(let seconds): "\(seconds)"
        }
    }
}

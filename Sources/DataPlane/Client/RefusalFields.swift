import ExternalAuthorization
import Gatekeeper

/// The fields of a refusal's response, which are the same by every wire, and its body.
struct RefusalFields {
    /// Names as HTTP/1 spells them, with their values, in order.
    private(set) var list: [(name: String, value: [UInt8])]

    /// `host` is the effective one as the client wrote it, empty where the head was unreadable; `allowedOrigin` the origin whose
    /// page may read the response, empty for none; `date` is rendered; `code` is told to a trusted caller.
    init(
        _ row: RefusalRow, host: [UInt8], allowedOrigin: [UInt8], date: [UInt8], id: RequestID,
        bodyBytes: Int,
        code: String? = nil
    ) {
        list = [
            ("Date", date), ("X-Request-Id", Array("\(id)".utf8)),
            ("Content-Type", Array("application/json".utf8)),
            ("Cache-Control", Array("no-store".utf8)), ("Content-Length", Array(String(bodyBytes).utf8)),
        ]
        addChallenge(row.challenge, host)
        if row.isReadableByPages, !allowedOrigin.isEmpty {
            // Fetch, "CORS protocol and HTTP caches": the response depends on who asks.
            list += [
                ("Access-Control-Allow-Origin", allowedOrigin),
                ("Access-Control-Allow-Credentials", Array("true".utf8)),
                ("Access-Control-Expose-Headers", Array("WWW-Authenticate".utf8)),
                ("Vary", Array("Origin".utf8)),
            ]
        }
        if let code { list.append(("X-Poolgate-Code", Array(code.utf8))) }
        for field in row.fields { list.append((field.name, Array(field.value.utf8))) }
    }

    /// A whole response to a gRPC call, which has no body (gRPC over HTTP/2, "Trailers-Only").
    init(grpcResponse row: RefusalRow, date: [UInt8], id: RequestID) {
        self.init(grpc: row)
        list.insert(
            contentsOf: [
                ("Date", date), ("X-Request-Id", Array(id.description.utf8)),
                ("Content-Type", Array("application/grpc".utf8)),
            ], at: 0)
    }

    /// The trailers that end a gRPC response.
    init(grpc row: RefusalRow) {
        list = [("grpc-status", Array(String(row.grpcStatus).utf8)), ("grpc-message", row.grpcMessage)]
    }

    /// The trailers that end a gRPC response of our own; nil is OK.
    init(call refusal: CallRefusal?) {
        list = [("grpc-status", Array(String(refusal?.status ?? 0).utf8))]
        if let refusal { list.append(("grpc-message", Array(refusal.message.utf8))) }
    }

    /// A whole response to a call of the listener for ext_authz, which has no message.
    init(callResponse refusal: CallRefusal) {
        self.init(call: refusal)
        list.insert(("Content-Type", Array("application/grpc".utf8)), at: 0)
    }

    /// `WWW-Authenticate` (RFC 6750 §3); a host that the parser admitted needs no quoting.
    private mutating func addChallenge(_ challenge: RefusalRow.Challenge, _ host: [UInt8]) {
        guard challenge != .none else { return }
        var value = Array("Bearer realm=\"".utf8) + host + [UInt8(ascii: "\"")]
        if case .error(let word) = challenge { value += Array(", error=\"\(word)\"".utf8) }
        list.append(("WWW-Authenticate", value))
    }

    /// The body: JSON with the error's code, its words and the response's identity.
    static func body(_ row: RefusalRow, _ id: RequestID) -> String {
        #"{"error":"\#(row.error)","error_description":"\#(row.description)","request_id":"\#(id)"}"# + "\n"
    }
}

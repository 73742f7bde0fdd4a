import CLibCurl

extension TransferFailure {
    /// The failure that libcurl's code stands for (libcurl-errors(3)).
    ///
    /// `detail` is libcurl's own description. It is used only where it names nothing but hosts, ports, certificates and
    /// protocols: elsewhere it quotes URLs, which may hold a password.
    init(_ code: CURLcode, host: String, phase: Phase, isHeadOver: Bool, detail: String) {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: self = .dns(host: host)
        case CURLE_COULDNT_RESOLVE_PROXY: self = .proxy(detail: "its name does not resolve")
        case CURLE_PROXY: self = .proxy(detail: TransferFailure.proxyWords(detail))
        case CURLE_RECV_ERROR where detail.contains("CONNECT"):
            self = .proxy(detail: TransferFailure.proxyWords(detail))
        case CURLE_COULDNT_CONNECT:
            self = .connect(detail: detail.isEmpty ? "it is refused" : detail)
        case CURLE_OPERATION_TIMEDOUT: self = .timeout(phase)
        case CURLE_OUT_OF_MEMORY, CURLcode(rawValue: 100):
            // libcurl reports a line that is longer than its own bound as want of memory, newer versions with code 100.
            self =
                isHeadOver ? .local(detail: "out of memory") : .headTooLarge(bytes: Limits.responseHeadBytes)
        case CURLE_URL_MALFORMAT: self = .badURL
        case CURLE_TOO_MANY_REDIRECTS: self = .broken(detail: "it redirects")
        case CURLE_FILESIZE_EXCEEDED: self = .tooLarge(bytes: Limits.keySetBytes)
        case CURLE_BAD_CONTENT_ENCODING: self = .encoding
        case CURLE_ABORTED_BY_CALLBACK, CURLE_READ_ERROR: self = .cancelled
        default:
            if let words = TransferFailure.tls[code.rawValue] {
                self = .tls(detail: TransferFailure.tlsWords(detail) ?? words)
            } else if let words = TransferFailure.brokenResponses[code.rawValue] {
                self = .broken(detail: words)
            } else {
                self = .local(detail: "the HTTP library gave up (its code \(code.rawValue))")
            }
        }
    }

    /// What a proxy's response to CONNECT says, in words of ours: its own could hold anything.
    private static func proxyWords(_ detail: String) -> String {
        guard let status = detail.firstMatch(of: /(?:HTTP code |response )([1-5][0-9][0-9])/)?.1 else {
            return "it could not be spoken to"
        }
        return status == "407" ? "it asks for a user name and password (407)" : "it answers \(status)"
    }

    /// What is wrong with TLS; nil where libcurl gives no description.
    private static func tlsWords(_ detail: String) -> String? {
        // libcurl compares host names itself and has other words for that. These are OpenSSL's, for the check of the shim
        // in Sources/CLibCurl.
        if detail.lowercased().contains("problem: hostname mismatch") {
            return "its certificate has no host among its subject alternative names"
        }
        return detail.isEmpty ? nil : detail
    }

    /// TLS failures, for which libcurl may give no description.
    private static let tls: [UInt32: String] = [
        CURLE_SSL_CONNECT_ERROR.rawValue: "no handshake",
        CURLE_PEER_FAILED_VERIFICATION.rawValue: "its certificate is not to be trusted",
        CURLE_SSL_CERTPROBLEM.rawValue: "a certificate of our own cannot be used",
        CURLE_SSL_CIPHER.rawValue: "no cipher in common",
        CURLE_SSL_CACERT_BADFILE.rawValue: "the file of authorities (ca-file) cannot be used",
        CURLE_SSL_ISSUER_ERROR.rawValue: "its certificate is by another authority",
        CURLE_USE_SSL_FAILED.rawValue: "it speaks no TLS",
        CURLE_SSL_ENGINE_NOTFOUND.rawValue: "an engine of the TLS library is lacking",
        CURLE_SSL_ENGINE_SETFAILED.rawValue: "an engine of the TLS library cannot be used",
        CURLE_SSL_ENGINE_INITFAILED.rawValue: "an engine of the TLS library cannot be started",
        CURLE_SSL_SHUTDOWN_FAILED.rawValue: "the session was not ended well",
        CURLE_SSL_CRL_BADFILE.rawValue: "a list of revoked certificates cannot be used",
        CURLE_SSL_INVALIDCERTSTATUS.rawValue: "its certificate's status is not good",
        CURLE_SSL_PINNEDPUBKEYNOTMATCH.rawValue: "its key is another one",
        CURLE_SSL_CLIENTCERT.rawValue: "it asks for a certificate of ours",
    ]

    private static let brokenResponses: [UInt32: String] = [
        CURLE_WEIRD_SERVER_REPLY.rawValue: "what came is no HTTP",
        CURLE_UNSUPPORTED_PROTOCOL.rawValue: "what came is of no HTTP version that is spoken",
        CURLE_HTTP2.rawValue: "what came is no HTTP/1.1",
        CURLE_HTTP2_STREAM.rawValue: "what came is no HTTP/1.1",
        CURLE_HTTP3.rawValue: "what came is no HTTP/1.1",
        CURLE_PARTIAL_FILE.rawValue: "it ended before its length",
        CURLE_GOT_NOTHING.rawValue: "nothing came",
        CURLE_SEND_ERROR.rawValue: "the connection broke while asking",
        CURLE_RECV_ERROR.rawValue: "the connection broke while reading",
        CURLE_SEND_FAIL_REWIND.rawValue: "the connection broke while asking",
        CURLE_HTTP_RETURNED_ERROR.rawValue: "it refuses",
        CURLE_WRITE_ERROR.rawValue: "what came could not be taken",
        CURLE_CHUNK_FAILED.rawValue: "a chunk of it is broken",
        CURLE_RANGE_ERROR.rawValue: "it answers with a part that nobody asked for",
        CURLE_LOGIN_DENIED.rawValue: "it asks for a login",
        CURLE_REMOTE_ACCESS_DENIED.rawValue: "it refuses",
        CURLE_AUTH_ERROR.rawValue: "it asks for a login",
        CURLE_NO_CONNECTION_AVAILABLE.rawValue: "no connection was free",
        CURLE_UNRECOVERABLE_POLL.rawValue: "the connection could not be waited for",
    ]
}

import HTTP1
import HTTPMessage
import Testing

/// Which answers and requests say that the peer authenticates the connection.
@Suite struct ConnectionSchemeTests {
    private func authenticates(_ lines: String) -> Bool {
        var parser = ResponseHeadParser(limits: HeadLimits())
        parser.reset(isHeadRequest: false)
        let text = "HTTP/1.1 401 X\r\nContent-Length: 0\r\n\(lines)\r\n\r\n"
        guard Array(text.utf8).withUnsafeBytes({ parser.parse($0) }) == .complete else { return false }
        return parser.head.authenticatesConnection
    }

    @Test(
        "NTLM and Negotiate are found wherever they stand in a list of challenges, in any letter case",
        arguments: [
            "WWW-Authenticate: NTLM", "www-authenticate: ntlm", "WWW-AUTHENTICATE: nTlM TlRMTVNTUAAC",
            "WWW-Authenticate: Negotiate", "WWW-Authenticate: Negotiate oRQwEqADCgEB",
            "WWW-Authenticate: Basic realm=\"x\", NTLM", "WWW-Authenticate: NTLM, Basic realm=\"x\"",
            "WWW-Authenticate: Basic realm=\"a, b\",Negotiate",
            "WWW-Authenticate: Basic realm=\"a\\\"b\",\tNTLM",
            "WWW-Authenticate: Basic realm=\"x\"\r\nWWW-Authenticate: Bearer\r\nWWW-Authenticate: Negotiate",
            "WWW-Authenticate: Basic realm=\"open, NTLM", "WWW-Authenticate: ,,NTLM",
            "Proxy-Authenticate: NTLM", "Persistent-Auth: true", "WWW-Authenticate: Kerberos",
        ])
    func found(lines: String) {
        #expect(authenticates(lines))
    }

    @Test(
        "Schemes that authenticate requests are none of them, whatever their parameters hold",
        arguments: [
            "X: y", "WWW-Authenticate: Basic realm=\"NTLM\"",
            "WWW-Authenticate: Bearer realm=\"a, Negotiate\"",
            "WWW-Authenticate: Digest nonce=\"x\", algorithm=MD5", "WWW-Authenticate: NTLMv9",
            "X-Authenticate: NTLM", "WWW-Authenticate: ", "WWW-Authenticate: \"",
            "Authentication-Info: Negotiate",
        ])
    func others(lines: String) {
        #expect(!authenticates(lines))
    }

    @Test(
        "A request's proof is told by its scheme",
        arguments: [
            ("NTLM TlRM", true), ("negotiate YII=", true), ("Bearer ntlm", false), ("Basic bnRsbQ==", false),
            ("", false), ("N", false),
        ])
    func requests(value: String, expected: Bool) {
        var parser = RequestHeadParser(limits: HeadLimits())
        let text = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: \(value)\r\n\r\n"
        _ = Array(text.utf8).withUnsafeBytes { parser.parse($0) }
        #expect(parser.head.authenticatesConnection == expected)
    }
}

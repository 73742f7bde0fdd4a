import Gatekeeper
import HTTPMessage
import Testing

/// The table of refusals, row by row: what users were promised of it.
@Suite struct RefusalTests {
    @Test("Every refusal is in the list once")
    func all() {
        #expect(Set(Refusal.allCases).count == Refusal.allCases.count)
        let members =
            MessageFlaw.allCases.count + PathFlaw.allCases.count + RequestRefusal.allCases.count
            + QuestionFlaw.allCases.count
            + HostRefusal.allCases.count + CredentialRefusal.allCases.count + TokenRefusal.allCases.count
            + GatewayRefusal.allCases.count + UpstreamFault.allCases.count
        #expect(Refusal.allCases.count == members)
    }

    @Test("Errors and codes are words in snake case")
    func snakeCase() {
        for refusal in Refusal.allCases {
            for word in [refusal.row.error, refusal.row.code] {
                #expect(word.wholeMatch(of: /[a-z]+(_[a-z0-9]+)*/) != nil, "\(refusal): \(word)")
            }
        }
    }

    @Test("A code means one row, and only malformed messages and questions share one")
    func codes() {
        let byCode = Dictionary(grouping: Refusal.allCases, by: \.row.code)
        for (code, refusals) in byCode {
            #expect(Set(refusals.map(\.row)).count == 1, "\(code) stands for two rows")
            #expect(refusals.count == 1 || ["bad_request", "bad_question"].contains(code), "\(code)")
        }
        #expect(byCode["bad_request"]?.count == 21 && byCode["bad_question"]?.count == 7)
    }

    @Test("An error of the client's body has one status and one challenge")
    func errors() {
        for (error, refusals) in Dictionary(grouping: Refusal.allCases, by: \.row.error) {
            #expect(Set(refusals.map(\.row.status)).count == 1, "\(error)")
            #expect(Set(refusals.map(\.row.challenge)).count == 1, "\(error)")
        }
    }

    @Test("Sentences are sentences, and need no escape in JSON")
    func sentences() {
        for refusal in Refusal.allCases {
            let row = refusal.row
            #expect(
                row.description.hasSuffix(".") && row.description.first?.isUppercase == true, "\(refusal)")
            #expect(
                row.description.utf8.allSatisfy {
                    $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
                }, "\(refusal)")
            #expect(!row.meaning.isEmpty && !row.remedy.isEmpty, "\(refusal)")
        }
    }

    @Test("Who is not known is challenged, and nobody else but a caller who lacks something or says too much")
    func challenges() {
        for refusal in Refusal.allCases {
            let row = refusal.row
            switch row.challenge {
            case .none: #expect(row.status != .unauthorized, "\(refusal)")
            case .bare: #expect(refusal == .credential(.missingToken))
            case .error("invalid_token"): #expect(row.status == .unauthorized, "\(refusal)")
            case .error("insufficient_scope"): #expect(row.status == .forbidden, "\(refusal)")
            case .error(let error):
                #expect(error == "invalid_request" && refusal == .credential(.multipleCredentials))
            }
        }
    }

    @Test("About a bad token the client learns only whether it has expired")
    func oracle() {
        let told = Dictionary(grouping: TokenRefusal.allCases) { refusal in
            let row = Refusal.token(refusal).row
            return "\(row.status.code) \(row.error): \(row.description)"
        }
        #expect(
            told.mapValues(\.count) == [
                "401 invalid_token: The token has expired.": 1,
                "401 invalid_token: The token is not acceptable here.": TokenRefusal.allCases.count - 1,
            ])
        #expect(told["401 invalid_token: The token has expired."] == [.expired])
        #expect(TokenRefusal.allCases.allSatisfy { Refusal.token($0).row.code == $0.rawValue })
    }

    @Test("What a status asks for is there, and with that status alone")
    func statusFields() {
        for refusal in Refusal.allCases {
            let row = refusal.row
            #expect(row.fields.contains(.allow) == (row.status == .methodNotAllowed), "\(refusal)")
            #expect(row.fields.contains(.upgrade) == (row.status == .upgradeRequired), "\(refusal)")
            #expect(row.fields.contains(.webSocketVersion) == (row.status == .upgradeRequired), "\(refusal)")
        }
    }

    @Test("Trying again is advised where the gateway is what it waits for")
    func retryAfter() {
        let seconds = Refusal.allCases.compactMap { refusal -> String? in
            for case .retryAfter(let seconds) in refusal.row.fields {
                return "\(refusal.row.code) \(seconds)"
            }
            return nil
        }
        #expect(seconds == ["keys_unavailable 5", "starting 1", "stale 5", "overloaded 1"])
    }

    @Test("A connection closes after what the message itself did, and after nothing else")
    func closing() {
        for refusal in Refusal.allCases {
            let isOfTheMessage =
                switch refusal {
                case .message, .path, .request, .question(.untrustedCaller): true
                case .question, .host, .credential, .token, .gateway, .upstream: false
                }
            #expect(refusal.row.closesConnection == isOfTheMessage, "\(refusal)")
        }
    }

    @Test("The log warns of what the gateway's side lacks, and not of what a client did")
    func levels() {
        for refusal in Refusal.allCases {
            let row = refusal.row
            let isOurs = [.badGateway, .serviceUnavailable, .gatewayTimeout].contains(row.status)
            #expect(row.level == (isOurs ? .warning : .info), "\(refusal)")
        }
    }

    @Test("The statuses and codes are those that users were promised")
    func promised() {
        let rows = Set(Refusal.allCases.map { "\($0.row.status.code) \($0.row.error) \($0.row.code)" })
        let promised: Set<String> = [
            "400 bad_request bad_request", "400 bad_request bad_question", "400 bad_request bad_websocket",
            "400 method_case method_case", "403 untrusted_caller untrusted_caller",
            "400 multiple_credentials multiple_credentials", "401 missing_token missing_token",
            "403 missing_group missing_group", "403 missing_scope missing_scope",
            "403 missing_claim missing_claim", "403 cross_site cross_site",
            "403 tenant_suspended tenant_suspended", "403 websockets_off websockets_off",
            "405 method_not_allowed forbidden_method", "408 head_timeout head_timeout",
            "413 body_too_large body_too_large", "414 target_too_long target_too_long",
            "417 expectation_failed expectation_failed", "421 unknown_host unknown_host",
            "421 misdirected misdirected", "426 upgrade_required upgrade_required",
            "431 head_too_large head_too_large", "431 head_too_large field_too_large",
            "431 head_too_large too_many_fields", "502 upstream_refused upstream_refused",
            "502 upstream_unreachable upstream_unreachable", "502 upstream_forbidden upstream_forbidden",
            "502 upstream_tls upstream_tls", "502 upstream_reset upstream_reset",
            "502 upstream_bad_answer upstream_bad_answer", "503 keys_unavailable keys_unavailable",
            "503 no_upstream no_upstream", "503 tenant_misconfigured tenant_misconfigured",
            "503 starting starting", "503 stale stale", "503 overloaded overloaded",
            "504 upstream_connect_timeout upstream_connect_timeout", "504 upstream_timeout upstream_timeout",
            "505 version_not_supported unsupported_version", "508 loop loop",
        ]
        let paths = PathFlaw.allCases.map { "400 bad_request \($0.rawValue)" }
        let tokens = TokenRefusal.allCases.map { "401 invalid_token \($0.rawValue)" }
        #expect(rows == promised.union(paths).union(tokens))
    }

    @Test("The log's detail names the flaw of a message and of a path")
    func details() {
        #expect(Refusal.message(.duplicateHost).detail?.text == "duplicate_host")
        #expect(Refusal.path(.dotSegment).detail?.text == "dot_segment")
        #expect(Refusal.request(.badWebSocket).detail?.text == "bad_websocket")
        #expect(Refusal.credential(.missingToken).detail == nil)
    }

    @Test("Every status has the phrase of its RFC")
    func phrases() {
        #expect(RefusalStatus.allCases.allSatisfy { $0.code >= 400 && $0.code < 600 && !$0.reason.isEmpty })
        #expect(Set(RefusalStatus.allCases.map(\.reason)).count == RefusalStatus.allCases.count)
        #expect(Set(Refusal.allCases.map(\.row.status)) == Set(RefusalStatus.allCases))
    }
}

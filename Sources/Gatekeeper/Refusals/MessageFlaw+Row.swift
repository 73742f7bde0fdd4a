import HTTPMessage

extension MessageFlaw {
    /// The refusal of a request with this flaw; its connection closes, for nobody knows where the next one begins.
    ///
    /// All that is malformed shares the code `bad_request`, and the log names the flaw in `detail` alone. A bound or a
    /// feature has a status of its own, and mostly the flaw for its code.
    var row: RefusalRow {
        switch self {
        case .bareLF, .bareCR, .badStartLine, .badMethod, .badTarget, .badVersion, .badStatus, .badFieldName,
            .badFieldValue, .foldedLine, .missingHost, .duplicateHost, .badHost, .hostMismatch,
            .badContentLength, .duplicateContentLength, .lengthAndEncoding, .badTransferEncoding,
            .encodingInHTTP10, .badChunk, .badTrailer:
            RefusalRow(
                .badRequest, "bad_request", "The request is malformed or ambiguous.",
                closesConnection: true, level: .info,
                meaning: "malformed or ambiguous HTTP",
                remedy: "fix the client, or what stands before the gateway")
        case .targetTooLong:
            RefusalRow(
                .uriTooLong, "target_too_long", "The request target is too long.",
                closesConnection: true, level: .info, meaning: "over `max-target-bytes`",
                remedy: "shorten the address, or raise the bound")
        case .headTooLarge:
            MessageFlaw.tooLarge(code: rawValue, setting: "max-head-bytes")
        case .fieldTooLarge:
            MessageFlaw.tooLarge(code: rawValue, setting: "max-header-bytes")
        case .tooManyFields:
            MessageFlaw.tooLarge(code: rawValue, setting: "max-headers")
        case .forbiddenMethod:
            RefusalRow(
                .methodNotAllowed, "method_not_allowed", "This method is not served here.", code: rawValue,
                fields: [.allow], closesConnection: true, level: .info, meaning: "CONNECT or TRACE",
                remedy: "use another method")
        case .unsupportedVersion:
            RefusalRow(
                .versionNotSupported, "version_not_supported",
                "Only HTTP/2, HTTP/1.1 and HTTP/1.0 are served.",
                code: rawValue, closesConnection: true, level: .info,
                meaning: "neither HTTP/1.1 nor HTTP/1.0", remedy: "speak HTTP/1.1")
        case .badExpectation:
            RefusalRow(
                .expectationFailed, "expectation_failed", "Only 'Expect: 100-continue' is understood.",
                closesConnection: true, level: .info, meaning: "`Expect` other than `100-continue`",
                remedy: "leave `Expect` out")
        }
    }

    private static func tooLarge(code: String, setting: String) -> RefusalRow {
        RefusalRow(
            .headerFieldsTooLarge, "head_too_large", "The request's header section is too large.", code: code,
            closesConnection: true, level: .info, meaning: "over `\(setting)`",
            remedy: "send fewer or shorter fields, cookies above all, or raise the bound")
    }
}

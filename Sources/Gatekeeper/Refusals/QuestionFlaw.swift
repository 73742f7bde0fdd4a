/// Why a question about a request is refused before the request itself is looked at; the word is for logs.
///
/// Questions come from proxies, on listeners of their own (ops/guide/forward-auth.md).
package enum QuestionFlaw: String, Hashable, Sendable, CaseIterable {
    /// Whoever asks is none of the trusted callers.
    case untrustedCaller = "untrusted_caller"
    /// `X-Forwarded-*` and `X-Original-*` both say what it is about: one of them may be a client's.
    case bothFamilies = "both_families"
    /// One of the fields that say what it is about stands there twice.
    case repeated
    /// One of those fields is a list, which a proxy makes of a client's and its own.
    case listed
    /// One of those fields is spelled in another way, such as with underscores.
    case misspelled
    /// The field for the method is missing or empty.
    case noMethod = "no_method"
    /// The field for the host is missing or empty.
    case noHost = "no_host"
    /// The field for the request's target is missing or empty.
    case noURI = "no_uri"
}

extension QuestionFlaw {
    var row: RefusalRow {
        switch self {
        case .untrustedCaller:
            RefusalRow(
                .forbidden, "untrusted_caller", "Only trusted callers may ask here.", closesConnection: true,
                level: .info,
                meaning:
                    "a question from an address outside `trusted-callers`, without the `caller-secret`",
                remedy: "add the proxy's network to `trusted-callers`, or have it send `X-Poolgate-Caller`")
        case .bothFamilies, .repeated, .listed, .misspelled, .noMethod, .noHost, .noURI:
            RefusalRow(
                .badRequest, "bad_request", "The request is malformed or ambiguous.", code: "bad_question",
                closesConnection: false, level: .info,
                meaning: "a forward-auth question that does not say one method, host and URI",
                remedy: "compare the proxy's configuration with `ops/guide/forward-auth.md`")
        }
    }
}

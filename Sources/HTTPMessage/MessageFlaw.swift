/// What is wrong with a message's head or framing, each kind by name; the word is for logs.
package enum MessageFlaw: String, Error, Hashable, Sendable, CaseIterable {
    /// A line ends in LF alone (RFC 9112 §2.2).
    case bareLF = "bare_lf"
    /// A CR that no LF follows (RFC 9112 §2.2).
    case bareCR = "bare_cr"
    /// The start line is not `method SP target SP version` (RFC 9112 §3).
    case badStartLine = "bad_start_line"
    /// The method is no token, or too long (RFC 9110 §9.1).
    case badMethod = "bad_method"
    /// The target is in none of the four forms (RFC 9112 §3.2).
    case badTarget = "bad_target"
    /// The version is no `HTTP/digit.digit` (RFC 9112 §2.3).
    case badVersion = "bad_version"
    /// The version is another than 1.0 and 1.1.
    case unsupportedVersion = "unsupported_version"
    /// The status is no three digits from 100 to 999 (RFC 9112 §4).
    case badStatus = "bad_status"
    /// A field name is empty or holds a byte that no token may, white space before the colon included (RFC 9112 §5.1).
    case badFieldName = "bad_field_name"
    /// A field value holds a control character (RFC 9110 §5.5).
    case badFieldValue = "bad_field_value"
    /// A field line begins with white space (RFC 9112 §5.2).
    case foldedLine = "folded_line"
    /// No `Host` in HTTP/1.1 (RFC 9112 §3.2).
    case missingHost = "missing_host"
    /// More than one `Host` (RFC 9112 §3.2).
    case duplicateHost = "duplicate_host"
    /// `Host` is no host with an optional port (RFC 9110 §7.2).
    case badHost = "bad_host"
    /// `Host` and an absolute target disagree (stricter than RFC 9112 §3.2.2, which lets the target win).
    case hostMismatch = "host_mismatch"
    /// `Content-Length` is no decimal number (RFC 9112 §6.3).
    case badContentLength = "bad_content_length"
    /// More than one `Content-Length`; in a response, several that differ (RFC 9112 §6.3).
    case duplicateContentLength = "duplicate_content_length"
    /// `Content-Length` beside `Transfer-Encoding` (RFC 9112 §6.1).
    case lengthAndEncoding = "length_and_encoding"
    /// `Transfer-Encoding` is anything but one `chunked` (RFC 9112 §6.1); in a response it may be one `identity`.
    case badTransferEncoding = "bad_transfer_encoding"
    /// `Transfer-Encoding` in HTTP/1.0 (RFC 9112 §6.1).
    case encodingInHTTP10 = "encoding_in_http_1_0"
    /// A chunk's size line is malformed (RFC 9112 §7.1).
    case badChunk = "bad_chunk"
    /// The trailer section is malformed or too large (RFC 9112 §7.1.2).
    case badTrailer = "bad_trailer"
    /// `Expect` other than `100-continue` (RFC 9110 §10.1.1).
    case badExpectation = "bad_expectation"
    /// CONNECT or TRACE.
    case forbiddenMethod = "forbidden_method"
    case targetTooLong = "target_too_long"
    case headTooLarge = "head_too_large"
    case fieldTooLarge = "field_too_large"
    case tooManyFields = "too_many_fields"
}

/// The forms of a request target (RFC 9112 §3.2). The fourth, CONNECT's authority form, is never met: CONNECT is refused.
/// HTTP/2's `:path` is in origin or asterisk form (RFC 9113 §8.3.1).
package enum TargetForm: Sendable, Hashable {
    case origin, absolute, asterisk
}

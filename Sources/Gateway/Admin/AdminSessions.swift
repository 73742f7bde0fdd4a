import Gatekeeper
import Synchronization

/// Who is signed in to the admin port from a browser. Sessions live in memory only, so that a restart ends them, and their
/// number and life are bounded.
///
/// A class, because all requests to the admin port share it.
final class AdminSessions: Sendable {
    private struct Session {
        let id: Secret
        let end: ContinuousClock.Instant
    }

    /// The oldest first.
    private let open = Mutex<[Session]>([])

    /// The cookie's names: the one that a browser takes only over TLS and for this host alone, and the one for without TLS.
    static let secureCookie = "__Host-poolgate"
    static let plainCookie = "poolgate"

    /// Begins a session, and returns its id: 256 random bits in hexadecimal digits. Where there is no room, the oldest ends.
    func begin(at now: ContinuousClock.Instant) -> String {
        let id = (0..<4).map { _ in
            let digits = String(UInt64.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 16 - digits.utf8.count) + digits
        }.joined()
        open.withLock { open in
            open.removeAll { $0.end <= now }
            if open.count >= Limits.adminSessions { open.removeFirst() }
            open.append(Session(id: Secret(bytes: Array(id.utf8)), end: now + Limits.adminSession))
        }
        return id
    }

    /// Whether one of the ids is that of a session. The time that this takes does not tell how much of an id is right.
    func has(_ ids: [String], at now: ContinuousClock.Instant) -> Bool {
        ids.contains { id in
            let bytes = Array(id.utf8)
            return open.withLock { open in
                open.reduce(false) { found, session in
                    // Not `||`, which would skip the comparison.
                    let matches = session.id.matches(bytes)
                    return (matches && session.end > now) ? true : found
                }
            }
        }
    }

    /// Ends the sessions with these ids.
    func end(_ ids: [String]) {
        open.withLock { open in
            open.removeAll { session in ids.contains { session.id.matches(Array($0.utf8)) } }
        }
    }

    /// The ids that a `Cookie` header brings, a few at most (RFC 6265 §4.2.1).
    static func ids(in cookie: String?) -> [String] {
        guard let cookie else { return [] }
        let pairs = cookie.split(separator: ";").map { pair in
            pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        }
        let named = pairs.filter { $0.count == 2 && ($0[0] == secureCookie || $0[0] == plainCookie) }
        return named.prefix(Limits.sessionCookies).map { String($0[1]) }
    }

    /// The value of `Set-Cookie` that begins a session in a browser, or ends it there where `id` is nil (RFC 6265 §4.1).
    static func cookie(_ id: String?, isSecure: Bool) -> String {
        let age = id == nil ? 0 : Limits.adminSession.components.seconds
        return
            "\(isSecure ? secureCookie : plainCookie)=\(id ?? ""); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }
}

import Synchronization

/// Who gave the admin port a wrong token lately, and who has to wait before another one is looked at.
///
/// Each address may be wrong `Limits.wrongTokens` times at once and once more every `Limits.wrongTokenPause`; until then no
/// token of it counts, not even the right one, so that guessing takes its time. Sessions that have begun go on.
///
/// A class, because all requests to the admin port share it.
final class WrongTokens: Sendable {
    /// Where in a request the token stood: in the form of a person who signs in, or in `Authorization`.
    enum Place: String, Sendable {
        case form, header
    }

    /// Where tokens come from: an IPv4 address, or the first 64 bits of an IPv6 one, which are one subscriber's (RFC 6177).
    struct Source: Hashable, Sendable {
        private let text: String
        private let network: [UInt8]

        /// The source that an address in its text form belongs to; nil, as of a socket without address, is one of its own.
        init(_ address: String?) {
            text = address ?? ""
            network = Array((address.flatMap(IPAddress.ipv6) ?? []).prefix(8))
        }

        static func == (one: Source, other: Source) -> Bool {
            one.network == other.network && (!one.network.isEmpty || one.text == other.text)
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(network)
            if network.isEmpty { hasher.combine(text) }
        }
    }

    private struct State {
        /// When the last of a source's wrong tokens is forgotten, if no other comes.
        var ends: [Source: ContinuousClock.Instant] = [:]
        /// The lines that the log got in the minute under way, and how many it did not get since the latest one.
        var lines = 0
        var minuteEnd: ContinuousClock.Instant?
        var untold = 0

        mutating func line(at now: ContinuousClock.Instant) -> Int? {
            if minuteEnd.map({ $0 <= now }) ?? true {
                minuteEnd = now + Limits.wrongTokenLineTime
                lines = 0
            }
            guard lines < Limits.wrongTokenLines else {
                untold += 1
                return nil
            }
            lines += 1
            defer { untold = 0 }
            return untold
        }
    }

    private let state = Mutex(State())

    /// The source gave a wrong token. Returns how many of these the log was not told before this one; nil where it is not
    /// to be told of this one either.
    func note(from source: Source, at now: ContinuousClock.Instant) -> Int? {
        state.withLock { state in
            if state.ends.count >= Limits.wrongTokenSources, state.ends[source] == nil {
                state.ends = state.ends.filter { $0.value > now }
                // Whoever has waited longest is forgotten first.
                if state.ends.count >= Limits.wrongTokenSources,
                    let first = state.ends.min(by: { $0.value < $1.value })
                {
                    state.ends[first.key] = nil
                }
            }
            state.ends[source] = max(now, state.ends[source] ?? now) + Limits.wrongTokenPause
            return state.line(at: now)
        }
    }

    /// How long no token of the source is looked at; nil where the next one is.
    func wait(of source: Source, at now: ContinuousClock.Instant) -> Duration? {
        guard let end = state.withLock({ $0.ends[source] }) else { return nil }
        let wait = end - now - Limits.wrongTokenPause * (Limits.wrongTokens - 1)
        return wait > .zero ? wait : nil
    }
}

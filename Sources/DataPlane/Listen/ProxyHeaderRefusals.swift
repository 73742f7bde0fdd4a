import NIOCore
import Synchronization

/// Connections that were closed for their PROXY header: one of a kind is told at once, then one every ten seconds with
/// the number of those in between, so that neither a misconfigured balancer stays unseen nor a scanner fills the log.
///
/// A class, because all loops share it. It holds one entry a reason.
final class ProxyHeaderRefusals: Sendable {
    /// Why a connection is not served.
    enum Reason: String, Sendable {
        case noHeader = "it does not begin with a PROXY header of version 2"
        case cutShort = "its PROXY header was cut short"
        case untrusted = "its peer is none of trusted-proxies, who alone may send a PROXY header"
    }

    private struct Told {
        var at: NIODeadline
        var others = 0
    }

    private let told = Mutex<[Reason: Told]>([:])
    private let notice: @Sendable (ProxyHeaderNotice) -> Void

    init(notice: @escaping @Sendable (ProxyHeaderNotice) -> Void) {
        self.notice = notice
    }

    func add(_ reason: Reason, from peer: SocketAddress?, at now: NIODeadline = .now()) {
        let others = told.withLock { told -> Int? in
            if let last = told[reason], now - last.at < Limits.proxyHeaderPause {
                told[reason]?.others += 1
                return nil
            }
            defer { told[reason] = Told(at: now) }
            return told[reason]?.others ?? 0
        }
        guard let others else { return }
        notice(ProxyHeaderNotice(reason: reason.rawValue, peer: peer?.display ?? "unknown", others: others))
    }
}

/// A connection that was closed for its PROXY header.
package struct ProxyHeaderNotice: Sendable, Equatable {
    /// A clause that says why.
    package let reason: String
    /// The peer of the connection itself, as `host:port`.
    package let peer: String
    /// How many of the kind were closed since the last that was told.
    package let others: Int
}

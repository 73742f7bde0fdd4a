import Gatekeeper
import NIOCore

/// Who is at the other end of a client's connection: its address, what upstreams are told of its way, the certificate
/// that it was shown, and the seat that it takes among the connections of its address.
///
/// A class, since the connection and every exchange on it refer to it. It never leaves its loop.
final class ClientPeer {
    /// What upstreams are told of the requests' way.
    private(set) var way: ForwardedWay
    /// The certificate that the client was shown; nil in clear.
    var certificate: CertificateInUse?
    /// The upstream's connection that serves this client alone, once an upstream authenticates connections.
    private var owned = OwnedUpstream()

    private let worker: Worker
    let isTLS: Bool
    /// What the listener is for by which it came.
    let surface: Surface
    /// Whether its address is one of a trusted caller.
    let isTrustedCaller: Bool
    private var isCounted = false
    private var hasSeat = false

    /// Why a connection is not served at all.
    enum Refusal {
        /// Closed without a word: no balancer where only those may connect, or TLS.
        case silently
        /// There are too many connections, in all or of this address.
        case full
    }

    init(address: SocketAddress?, worker: Worker, isTLS: Bool, surface: Surface = .proxy) {
        self.worker = worker
        self.isTLS = isTLS
        self.surface = surface
        isTrustedCaller = surface != .proxy && worker.trustsCaller(address)
        self.way = ForwardedWay(
            address: address, isTLS: isTLS,
            isTrusted: surface == .proxy ? worker.trusts(address) : isTrustedCaller,
            pseudonym: worker.pseudonym)
    }

    /// The caller knows the secret: so what it says of a request's way is believed, and its connections are not counted as
    /// those of one client.
    func trustCaller() {
        guard !way.isTrusted else { return }
        way = ForwardedWay(address: way.address, isTLS: isTLS, isTrusted: true, pseudonym: worker.pseudonym)
        giveUpSeat()
    }

    /// The client turned out to speak HTTP/2, which `Via` says.
    func speaksHTTP2() {
        way = way.ofHTTP2(pseudonym: worker.pseudonym)
    }

    /// Counts the connection, which comes from `address`; why it is turned away, where it is.
    func enter(from address: SocketAddress?) -> Refusal? {
        isCounted = true
        let isAdmitted = worker.census.enter()
        guard expectsProxyHeader else {
            let isSeated = takeSeat()
            return isAdmitted && isSeated ? nil : full
        }
        guard worker.acceptsProxyHeader(from: address) else {
            worker.proxyHeaderRefusals.add(.untrusted, from: address)
            return .silently
        }
        return isAdmitted ? nil : full
    }

    /// Whether a PROXY header stands before everything else: those who ask stand beside the gateway.
    private var expectsProxyHeader: Bool { surface == .proxy && worker.settings.expectsProxyHeader }

    /// A balancer's PROXY header names the client; nil where the balancer only checks the gateway's health (LOCAL). Why the connection is
    /// turned away, where it is.
    func told(_ address: SocketAddress?) -> Refusal? {
        if let address {
            way = ForwardedWay(
                address: address, isTLS: isTLS, isTrusted: worker.trusts(address), pseudonym: worker.pseudonym
            )
        }
        return takeSeat() ? nil : full
    }

    /// The connection is gone.
    func leave() {
        if isCounted { worker.census.leave() }
        giveUpSeat()
        isCounted = false
    }

    private func giveUpSeat() {
        if hasSeat { worker.census.leaveSeat(ConnectionCensus.seat(of: way.address)) }
        hasSeat = false
    }

    private var full: Refusal { isTLS ? .silently : .full }

    /// Counts this connection for its client's address. A balancer's is not counted: its address is not its clients'.
    private func takeSeat() -> Bool {
        guard worker.census.addressLimit != nil, !way.isTrusted, !hasSeat else { return true }
        hasSeat = worker.census.takeSeat(ConnectionCensus.seat(of: way.address))
        return hasSeat
    }

    // MARK: The connection that the upstream takes for its caller

    /// `connection` carries nothing but this client's requests from now on.
    func own(_ connection: any UpstreamWire, for caller: Identity?) {
        owned.take(connection, for: caller)
    }

    /// The client's own connection, where it leads to one of `group` and serves the same caller.
    func ownedUpstream(
        of group: UpstreamGroup, for caller: Identity?
    ) -> (connection: any UpstreamWire, member: UpstreamGroup.Member)? {
        owned.connection(of: group, for: caller)
    }

    /// Closes it: nobody else may have it.
    func giveUpOwnedUpstream() {
        owned.giveUp()
    }
}

import Gatekeeper
import NIOCore

/// An upstream that authenticates connections (NTLM, Negotiate: RFC 4559 §6) takes whatever comes by one for the
/// request of whoever proved who they are on it. So such a connection belongs to one client's connection.
extension ClientConnection {
    /// `connection` carries nothing but this client's requests from now on.
    func ownsUpstream(_ connection: UpstreamConnection) {
        giveUpOwnedUpstream(but: connection)
        ownedUpstream = connection
        ownedFor = exchange.identity
    }

    /// The client's own connection, where it serves `group` and the caller is none but the one that it served before.
    func ownedUpstream(of group: UpstreamGroup) -> UpstreamConnection? {
        guard let connection = ownedUpstream, connection.holder === group else { return nil }
        let isSameCaller =
            switch (ownedFor, exchange.identity) {
            case (let known?, let caller?): known.isSameCaller(as: caller)
            case (nil, _), (_, nil): true
            }
        let isNamed = group.pools.contains { $0 === connection.pool }
        guard isSameCaller, isNamed, connection.isOpen, connection.client == nil,
            connection.pool.isCurrent(connection)
        else {
            giveUpOwnedUpstream()
            return nil
        }
        if let identity = exchange.identity { ownedFor = identity }
        return connection
    }

    /// The upstream ended the connection.
    func lostUpstream(_ connection: UpstreamConnection) {
        guard ownedUpstream === connection else { return }
        ownedUpstream = nil
        ownedFor = nil
    }

    /// Closes it: nobody else may have it.
    func giveUpOwnedUpstream(but kept: UpstreamConnection? = nil) {
        guard let connection = ownedUpstream, connection !== kept else { return }
        ownedUpstream = nil
        ownedFor = nil
        connection.endOwnership()
    }
}

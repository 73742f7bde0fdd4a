import Gatekeeper

/// The upstream's connection that serves one client's connection alone.
///
/// An upstream that authenticates connections (NTLM, Negotiate: RFC 4559 §6) takes whatever comes by one for the request
/// of whoever proved who they are on it. A class, since the upstream's connection tells it of its end.
final class OwnedUpstream {
    private var connection: HTTP1UpstreamConnection?
    /// Whose token came with the requests that it carried.
    private var caller: Identity?

    /// Takes `connection`, in place of the one before, which is closed.
    func take(_ connection: HTTP1UpstreamConnection, for caller: Identity?) {
        if let former = self.connection, former !== connection { former.endOwnership() }
        self.connection = connection
        self.caller = caller
        connection.owner = self
    }

    /// The connection, where it leads to an upstream of `group` and the caller is none but the one that it served before;
    /// otherwise it is given up.
    func connection(of group: UpstreamGroup, for caller: Identity?) -> HTTP1UpstreamConnection? {
        guard let connection, connection.holder === group else { return nil }
        let isSameCaller =
            switch (self.caller, caller) {
            case (let known?, let caller?): known.isSameCaller(as: caller)
            case (nil, _), (_, nil): true
            }
        let isNamed = group.pools.contains { $0 === connection.pool }
        guard isSameCaller, isNamed, connection.isOpen, !connection.isBusy,
            connection.pool.isCurrent(connection)
        else {
            giveUp()
            return nil
        }
        if let caller { self.caller = caller }
        return connection
    }

    /// The upstream ended the connection.
    func lost(_ connection: HTTP1UpstreamConnection) {
        guard self.connection === connection else { return }
        self.connection = nil
        caller = nil
    }

    /// Closes it: nobody else may have it.
    func giveUp() {
        let former = connection
        connection = nil
        caller = nil
        former?.endOwnership()
    }
}

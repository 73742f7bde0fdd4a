import Gatekeeper

/// The upstream's connection that serves one client's connection alone.
///
/// An upstream that authenticates connections (NTLM, Negotiate: RFC 4559 §6) treats every request on a connection as
/// coming from whoever authenticated on it.
struct OwnedUpstream {
    private var connection: (any UpstreamWire)?
    /// Whose token came with the requests that it carried.
    private var caller: Identity?

    /// Takes `connection`, in place of the one before, which is closed.
    mutating func take(_ connection: any UpstreamWire, for caller: Identity?) {
        if let former = self.connection, former !== connection { former.discard() }
        // A request without a token tells nothing of whose connection it is.
        if self.connection !== connection || caller != nil { self.caller = caller }
        self.connection = connection
        connection.serveOneClient()
    }

    /// The connection and the upstream that it leads to, where that is one of `group` and the caller is none but the one
    /// that it served before; given up where the caller differs or it
    /// cannot be used. Nil for another tenant, and then it is kept.
    mutating func connection(
        of group: UpstreamGroup, for caller: Identity?
    ) -> (connection: any UpstreamWire, member: UpstreamGroup.Member)? {
        guard let connection, connection.place.holder?.tenant == group.tenant else { return nil }
        let isSameCaller =
            switch (self.caller, caller) {
            case (let known?, let caller?): known.isSameCaller(as: caller)
            case (nil, _), (_, nil): true
            }
        guard let member = group.member(of: connection.place.holder), isSameCaller, connection.isOpen,
            !connection.isBusy, member.pool.isCurrent(connection)
        else {
            giveUp()
            return nil
        }
        if let caller { self.caller = caller }
        return (connection, member)
    }

    /// Closes it: nobody else may have it.
    mutating func giveUp() {
        let former = connection
        connection = nil
        caller = nil
        former?.discard()
    }
}

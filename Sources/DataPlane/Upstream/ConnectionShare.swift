/// How an upstream's connections are shared out among the tenants that name it.
///
/// Whoever holds some takes another only while a third as many are free, so that one tenant gets three quarters at
/// most; and the last eighth is for those who hold none, one each. A connection that waits for a slow body or response
/// comes back late: what is kept free is what others can be served by, and nobody has to be thrown out for them.
enum ConnectionShare {
    /// What a tenant holds.
    struct Held {
        var all = 0
        /// Those of requests that came without a token, as preflights do.
        var anonymous = 0
    }

    /// Whether one that holds so much may take another where `free` of `limit` connections are; `isAlone` where no
    /// other tenant's row names the upstream.
    ///
    /// Requests without a token get no more than half, so that they never keep out a tenant's own users.
    static func allows(
        _ held: Held, free: Int, of limit: Int, isAnonymous: Bool, isAlone: @autoclosure () -> Bool
    ) -> Bool {
        guard free > 0 else { return false }
        if isAnonymous, held.anonymous >= free { return false }
        if held.all == 0 || (free > max(1, limit / 8) && held.all < 3 * free) { return true }
        return isAlone()
    }
}

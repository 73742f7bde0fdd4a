import Foundation
import JOSE
import Synchronization

/// The RSA keys that all pools share. Making one takes about 100 ms, and thousands of pools should be cheap.
struct SharedKeys: Sendable {
    let keys: [SigningKey]

    /// Makes `count` keys, and at least two.
    init(count: Int) throws {
        keys = try (0..<max(count, 2)).map { _ in try SigningKey.generateRSA() }
    }
}

/// A key under the `kid` that one pool gave it.
struct NamedKey: Sendable {
    let keyID: String
    let key: SigningKey
}

/// How a pool's key endpoint behaves.
enum EndpointMode: Sendable, Equatable {
    /// It gives the key set.
    case good
    /// It fails in a way such as `500`, `garbage` or `hang`, so many times more; nil for ever.
    case failing(String, times: Int?)
}

/// One stand-in pool: two keys, as Cognito has, one for ID tokens and one for access tokens.
struct PoolState: Sendable {
    /// The keys that the endpoint gives.
    var published: [NamedKey]
    var signsID: NamedKey
    var signsAccess: NamedKey
    var mode = EndpointMode.good
    /// The `max-age` that the endpoint tells, in seconds; nil for none.
    var maxAge: Int?
    /// How often the keys were fetched.
    var fetches = 0
    /// How often the keys were replaced.
    var generation = 0
}

/// Every pool that a request has named.
///
/// A class, because all connections share it.
final class Pools: Sendable {
    private let keys: SharedKeys
    private let states = Mutex<[String: PoolState]>([:])

    init(keys: SharedKeys) {
        self.keys = keys
    }

    /// Reads or changes one pool, which is made when it is named first.
    func with<Result: Sendable>(_ pool: String, _ body: (inout PoolState) throws -> Result) rethrows -> Result
    {
        try states.withLock { states in
            var state = states[pool] ?? fresh(pool)
            defer { states[pool] = state }
            return try body(&state)
        }
    }

    private func fresh(_ pool: String) -> PoolState {
        let (id, access) = (key(pool, 0, "id"), key(pool, 0, "access"))
        return PoolState(published: [id, access], signsID: id, signsAccess: access)
    }

    /// Has new keys sign from now on. The old ones stay published unless `withdraw`.
    func rotate(_ pool: String, withdraw: Bool) {
        with(pool) { state in
            state.generation += 1
            let (id, access) = (key(pool, state.generation, "id"), key(pool, state.generation, "access"))
            state.published = (withdraw ? [] : state.published) + [id, access]
            (state.signsID, state.signsAccess) = (id, access)
        }
    }

    /// A key whose `kid` is in base64, as Cognito's are, and unlike that of any other pool, generation and use.
    private func key(_ pool: String, _ generation: Int, _ use: String) -> NamedKey {
        let place =
            (pool.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } + generation * 2 + (use == "id" ? 0 : 1))
        let name = Data("\(pool)/\(generation)/\(use)".utf8).base64EncodedString()
        return NamedKey(keyID: name, key: keys.keys[place % keys.keys.count])
    }
}

import Foundation
import JOSE
import Synchronization

/// RSA keys that all pools draw on: making one takes about 100 ms, and thousands of pools should be cheap.
struct KeysByPool: Sendable {
    let keys: [SigningKey]

    init(count: Int) throws {
        keys = try (0..<max(count, 2)).map { _ in try SigningKey.generateRSA() }
    }
}

/// A key under the name that one pool gave it.
struct NamedKey: Sendable {
    let keyID: String
    let key: SigningKey
}

/// How a pool's key endpoint answers.
enum EndpointMode: Sendable, Equatable {
    case good
    /// `500`, `garbage`, `hang` …, and how many times more; nil for ever.
    case failing(String, times: Int?)
}

/// One stand-in pool: two keys, as Cognito has, one for ID tokens and one for access tokens.
struct PoolState: Sendable {
    /// Those that the endpoint shows.
    var published: [NamedKey]
    var signsID: NamedKey
    var signsAccess: NamedKey
    var mode = EndpointMode.good
    var maxAge: Int?
    var fetches = 0
    var generation = 0
}

/// Every pool that was ever named.
final class Pools: Sendable {
    private let ring: KeysByPool
    private let states = Mutex<[String: PoolState]>([:])

    init(ring: KeysByPool) {
        self.ring = ring
    }

    /// Reads or changes one pool, made on first touch.
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

    /// New keys sign from now on; the old ones stay published unless they are withdrawn.
    func rotate(_ pool: String, withdraw: Bool) {
        with(pool) { state in
            state.generation += 1
            let (id, access) = (key(pool, state.generation, "id"), key(pool, state.generation, "access"))
            state.published = (withdraw ? [] : state.published) + [id, access]
            (state.signsID, state.signsAccess) = (id, access)
        }
    }

    /// A `kid` in base64 as Cognito's are, unlike that of any other pool, generation or use.
    private func key(_ pool: String, _ generation: Int, _ use: String) -> NamedKey {
        let place =
            (pool.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } + generation * 2 + (use == "id" ? 0 : 1))
        let name = Data("\(pool)/\(generation)/\(use)".utf8).base64EncodedString()
        return NamedKey(keyID: name, key: ring.keys[place % ring.keys.count])
    }
}

package import Gatekeeper
import JOSE
import Synchronization

/// Fetches key sets, each by one GET within bounds: 5 s in all, 64 KiB, TLS verified, no redirects, no content coding, and
/// at most 64 at once over all pools.
///
/// A class, because it owns the transfer thread, which ends with it.
package final class KeyFetcher: Sendable {
    private let thread: TransferThread
    private let issuerForms: IssuerForms
    /// The fetches that have not ended, by which `update` finds one of them.
    private let underWay = Mutex<[PoolName: FetchQueue.Ticket]>([:])

    /// Starts the thread. `issuerForms` says at which URL each pool's keys are.
    package init(issuerForms: IssuerForms, egress: EgressSettings) {
        self.issuerForms = issuerForms
        self.thread = TransferThread(egress: egress)
    }

    /// Fetches and parses the keys of `pool`, once the fetch's turn has come.
    ///
    /// The caller sees to it that a pool has one fetch at a time; of several, `update` would reach only the latest.
    @concurrent
    package func fetch(_ pool: PoolName, _ priority: FetchPriority = FetchPriority()) async -> KeyFetchResult
    {
        let ticket = thread.makeTicket()
        underWay.withLock { $0[pool] = ticket }
        defer {
            underWay.withLock { if $0[pool] == ticket { $0[pool] = nil } }
        }
        let request = TransferRequest(url: issuerForms.keysURL(of: pool), responseBytes: Limits.keySetBytes)
        switch await thread.transfer(request, priority, ticket) {
        case .failure(let failure): return .failure(.transfer(failure))
        case .success(let response): return KeyFetcher.keys(in: response)
        }
    }

    /// Gives the pool's fetch another priority; does nothing where there is none, or where it has begun.
    package func update(_ pool: PoolName, _ priority: FetchPriority) {
        guard let ticket = underWay.withLock({ $0[pool] }) else { return }
        thread.update(ticket, priority)
    }

    /// This fetcher, as `UserPools` wants to have it.
    package var source: KeySetSource {
        KeySetSource(
            fetch: { await self.fetch($0, $1) },
            endpoint: { [issuerForms] in issuerForms.shownKeysURL(of: $0) },
            update: { self.update($0, $1) })
    }

    /// Ends every fetch with `cancelled`; later ones end so at once.
    package func stop() {
        thread.stop()
    }

    static func keys(in response: TransferResponse) -> KeyFetchResult {
        switch response.status {
        case 200: break
        case 300..<400: return .failure(.redirect(response.status))
        default: return .failure(.status(response.status))
        }
        do {
            let keySet = try JSONWebKeySet(parsing: response.body)
            return .success(
                FetchedKeys(
                    keySet: keySet, freshSeconds: response.head.freshSeconds,
                    serverSeconds: response.head.serverSeconds))
        } catch {
            return .failure(.unusableKeySet(error))
        }
    }
}

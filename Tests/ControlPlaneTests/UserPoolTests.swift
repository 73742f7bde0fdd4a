import ControlPlane
import Gatekeeper
import JOSE
import Synchronization
import Testing

/// A key endpoint whose answers the test gives by hand, and a record of what was asked and published.
final class FakeEndpoint: Sendable {
    private struct State {
        var fetches: [(pool: PoolName, priority: FetchPriority)] = []
        var updates: [FetchPriority] = []
        var open: [PoolName: CheckedContinuation<KeyFetchResult, Never>] = [:]
        var resolved: [PoolName: KeyFetchResult] = [:]
        var published: [(pool: PoolName, keys: PublishedKeys?)] = []
    }

    private let state = Mutex(State())

    var source: KeySetSource {
        KeySetSource(
            fetch: { pool, priority in
                await withTaskCancellationHandler {
                    await withCheckedContinuation { continuation in
                        let resolved = self.state.withLock { state -> KeyFetchResult? in
                            state.fetches.append((pool, priority))
                            if let resolved = state.resolved[pool] { return resolved }
                            state.open[pool] = continuation
                            return nil
                        }
                        if let resolved { continuation.resume(returning: resolved) }
                    }
                } onCancel: {
                    self.answer(pool, .failure(.transfer(.cancelled)))
                }
            },
            update: { _, priority in self.state.withLock { $0.updates.append(priority) } })
    }

    var publish: UserPool.Publish {
        { pool, keys in self.state.withLock { $0.published.append((pool, keys)) } }
    }

    var fetchCount: Int { state.withLock { $0.fetches.count } }
    var openCount: Int { state.withLock { $0.open.count } }
    var published: [(pool: PoolName, keys: PublishedKeys?)] { state.withLock { $0.published } }
    var updates: [FetchPriority] { state.withLock { $0.updates } }

    /// Ends the pool's fetch under way, if there is one.
    func answer(_ pool: PoolName, _ result: KeyFetchResult) {
        state.withLock { $0.open.removeValue(forKey: pool) }?.resume(returning: result)
    }

    /// Answers every later fetch of the pool at once.
    func stand(_ pool: PoolName, _ result: KeyFetchResult?) {
        state.withLock { $0.resolved[pool] = result }
    }
}

/// Waits until a condition holds; the bound is generous, for it is met at once where the code is right, however busy the
/// machine is.
func eventually(
    _ what: Comment, within bound: Duration = .seconds(60), _ condition: () async throws -> Bool
) async rethrows {
    let deadline = ContinuousClock.now + bound
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try? await Task.sleep(for: .milliseconds(2))
    }
    Issue.record("never happened: \(what)")
}

@Suite struct UserPoolTests {
    let endpoint = FakeEndpoint()
    let key = TestKeys.pool("One")

    private func makePool(keyWait: Duration = .seconds(30)) -> UserPool {
        UserPool(key, source: endpoint.source, publish: endpoint.publish, keyWait: keyWait)
    }

    private func readyPool(keyWait: Duration = .seconds(30)) async throws -> UserPool {
        let pool = makePool(keyWait: keyWait)
        await pool.start()
        await eventually("the first fetch") { endpoint.openCount == 1 }
        endpoint.answer(key, try TestKeys.fetched("a"))
        await eventually("ready") { await pool.status().state == .ready }
        return pool
    }

    @Test("A storm of 1,000 requests for an unknown kid causes one fetch and answers each request once")
    func storm() async throws {
        let pool = try await readyPool()
        let answers = try await withThrowingTaskGroup(of: KeyLookupResult.self) { group in
            for _ in 0..<1_000 { group.addTask { await pool.key(TestKeys.kid("b")) } }
            await eventually("a fetch") { endpoint.openCount == 1 }
            try await Task.sleep(for: .milliseconds(50))
            endpoint.answer(key, try TestKeys.fetched("a", "b"))
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count == 1_000)
        #expect(answers.allSatisfy { $0 == .present })
        #expect(endpoint.fetchCount == 2)
        await pool.stop()
    }

    @Test("Keys are published before the request that waited for them is answered")
    func publishedFirst() async throws {
        let pool = makePool()
        await pool.start()
        async let answer = pool.key(TestKeys.kid("a"))
        await eventually("the fetch") { endpoint.openCount == 1 }
        endpoint.answer(key, try TestKeys.fetched("a"))
        #expect(await answer == .present)
        #expect(endpoint.published.count == 1)
        #expect(endpoint.published[0].keys?.keySet[TestKeys.kid("a")] != nil)
        await pool.stop()
    }

    @Test("Cancelling one waiting request ends its wait alone")
    func cancellation() async throws {
        let pool = try await readyPool()
        let first = Task { await pool.key(TestKeys.kid("b")) }
        let second = Task { await pool.key(TestKeys.kid("b")) }
        await eventually("the fetch") { endpoint.openCount == 1 }
        first.cancel()
        #expect(await first.value == .unavailable)
        endpoint.answer(key, try TestKeys.fetched("a", "b"))
        #expect(await second.value == .present)
        #expect(endpoint.fetchCount == 2)
        await pool.stop()
    }

    @Test("A request that is cancelled before it asks does not wait")
    func cancelledBefore() async throws {
        let pool = try await readyPool()
        let request = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await pool.key(TestKeys.kid("b"))
        }
        #expect(await request.value == .unavailable)
        await pool.stop()
    }

    @Test("A wait ends after its bound, and the late result still serves the next request")
    func lateCompletion() async throws {
        let pool = try await readyPool(keyWait: .milliseconds(50))
        let began = ContinuousClock.now
        #expect(await pool.key(TestKeys.kid("b")) == .unavailable)
        #expect(ContinuousClock.now - began >= .milliseconds(50))
        endpoint.answer(key, try TestKeys.fetched("a", "b"))
        await eventually("the late result") { await pool.key(TestKeys.kid("b")) == .present }
        #expect(endpoint.fetchCount == 2)
        await pool.stop()
    }

    @Test("After a failure the waiting request hears unavailable, and a later one hears present by itself")
    func failureThenRecovery() async throws {
        let pool = makePool()
        await pool.start()
        async let first = pool.key(TestKeys.kid("a"))
        await eventually("the fetch") { endpoint.openCount == 1 }
        endpoint.answer(key, .failure(.status(500)))
        #expect(await first == .unavailable)
        let status = await pool.status()
        #expect(status.state == .failing)
        #expect(status.failure == .status(500))
        #expect(status.nextAttempt != nil)
        endpoint.stand(key, try TestKeys.fetched("a"))
        let began = ContinuousClock.now
        #expect(await pool.key(TestKeys.kid("a")) == .present)
        #expect(ContinuousClock.now - began < .seconds(15))
        #expect(await pool.status().state == .ready)
        await pool.stop()
    }

    @Test("Stopping answers those who wait, cancels the fetch and takes the keys back")
    func stop() async throws {
        let pool = try await readyPool()
        async let answer = pool.key(TestKeys.kid("b"))
        async let refreshed = pool.refreshNow()
        await eventually("the fetch") { endpoint.openCount == 1 }
        await pool.stop()
        #expect(await answer == .unavailable)
        _ = await refreshed
        await eventually("the end of the fetch") { endpoint.openCount == 0 }
        #expect(endpoint.published.last?.keys == nil)
        #expect(endpoint.published.count == 2)
        #expect(await pool.key(TestKeys.kid("a")) == .unavailable)
    }

    @Test("A refresh by hand returns after a fetch that began after it was asked for")
    func refresh() async throws {
        let pool = try await readyPool()
        async let status = pool.refreshNow()
        await eventually("the fetch") { endpoint.openCount == 1 }
        endpoint.answer(key, try TestKeys.fetched("a", "c"))
        #expect(await status.status.keyIDs.count == 2)
        await pool.stop()
    }

    @Test("Beyond 10,000 waiting requests the next hears unavailable at once")
    func waiterBound() async throws {
        let pool = try await readyPool()
        let tasks = (0..<10_000).map { _ in Task { await pool.key(TestKeys.kid("b")) } }
        await eventually("the fetch") { endpoint.openCount == 1 }
        var refused: KeyLookupResult?
        await eventually("a refusal") {
            let probe = Task { await pool.key(TestKeys.kid("b")) }
            try? await Task.sleep(for: .milliseconds(20))
            probe.cancel()
            refused = await probe.value
            return refused == .unavailable
        }
        #expect(await pool.key(TestKeys.kid("a")) == .present)
        endpoint.answer(key, try TestKeys.fetched("a", "b"))
        for task in tasks { #expect(await task.value == .present) }
        await pool.stop()
    }

    @Test("A request that joins a fetch under way hastens it")
    func hastened() async throws {
        let pool = makePool()
        await pool.start()
        await eventually("the fetch") { endpoint.openCount == 1 }
        async let answer = pool.key(TestKeys.kid("a"))
        await eventually("the update") { endpoint.updates.contains { $0.requestsWait } }
        endpoint.answer(key, try TestKeys.fetched("a"))
        #expect(await answer == .present)
        await pool.stop()
    }
}

@Suite struct UserPoolsTests {
    let endpoint = FakeEndpoint()

    private func makePools() -> UserPools {
        UserPools(source: endpoint.source, publish: endpoint.publish, keyWait: .seconds(30))
    }

    @Test("The same kid in two pools is two keys: one pool's rotation does not touch the other")
    func twoPools() async throws {
        let pools = makePools()
        let (one, two) = (TestKeys.pool("One"), TestKeys.pool("Two"))
        endpoint.stand(one, .success(FetchedKeys(keySet: try TestKeys.set("same"), freshSeconds: nil)))
        endpoint.stand(
            two, .success(FetchedKeys(keySet: try TestKeys.set("same", variant: 1), freshSeconds: nil)))
        await pools.serve([one, two])
        #expect(await pools.key(TestKeys.kid("same"), of: one) == .present)
        #expect(await pools.key(TestKeys.kid("same"), of: two) == .present)
        let published = endpoint.published
        let keys = [one, two].compactMap { pool in
            published.first { $0.pool == pool }?.keys?.keySet[TestKeys.kid("same")]
        }
        #expect(keys.count == 2)
        #expect(!keys[0].isSameKey(as: keys[1]))
        await pools.stop()
    }

    @Test(
        "Pools come and go with the set that is served; one that went answers unavailable and is unpublished")
    func comeAndGo() async throws {
        let pools = makePools()
        let (one, two) = (TestKeys.pool("One"), TestKeys.pool("Two"))
        for pool in [one, two] { endpoint.stand(pool, try TestKeys.fetched("a")) }
        await pools.serve([one, two])
        #expect(await pools.key(TestKeys.kid("a"), of: one) == .present)
        await pools.serve([two])
        #expect(await pools.key(TestKeys.kid("a"), of: one) == .unavailable)
        #expect(await pools.refresh(one) == nil)
        #expect(pools.statuses().map(\.pool) == [two])
        #expect(endpoint.published.last { $0.pool == one }?.keys == nil)
        await pools.serve([one, two])
        #expect(await pools.key(TestKeys.kid("a"), of: one) == .present)
        await pools.stop()
    }

    @Test("The first pass is done when every pool was tried once, failed ones included, and stays done")
    func firstPass() async throws {
        let pools = makePools()
        let (one, two) = (TestKeys.pool("One"), TestKeys.pool("Two"))
        #expect(!pools.isFirstPassDone)
        await pools.serve([one, two])
        await eventually("both fetches") { endpoint.openCount == 2 }
        endpoint.answer(one, try TestKeys.fetched("a"))
        await eventually("the first") { pools.statuses().contains { $0.state == .ready } }
        #expect(!pools.isFirstPassDone)
        endpoint.answer(two, .failure(.status(404)))
        await eventually("the pass") { pools.isFirstPassDone }
        await pools.serve([one, two, TestKeys.pool("Three")])
        #expect(pools.isFirstPassDone)
        await pools.stop()
    }

    @Test("Without any tenant the first pass is done at once")
    func noPools() async {
        let pools = makePools()
        await pools.serve([])
        #expect(pools.isFirstPassDone)
    }

    @Test("10,000 pools start, are tried and stop within seconds")
    func tenThousand() async throws {
        let pools = makePools()
        let keys = (0..<10_000).map { TestKeys.pool("P\($0)") }
        for key in keys { endpoint.stand(key, try TestKeys.fetched("a")) }
        let began = ContinuousClock.now
        await pools.serve(Set(keys))
        await eventually("the pass") { pools.isFirstPassDone }
        #expect(pools.statuses().count == 10_000)
        await pools.stop()
        #expect(ContinuousClock.now - began < .seconds(60))
    }
}

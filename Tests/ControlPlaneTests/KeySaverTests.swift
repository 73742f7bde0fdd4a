import Foundation
import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane

@Suite struct KeySaverTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "poolgate-keys-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// One run of the program as far as keys go: it serves `pools` from this endpoint, and then stops.
    private func run(
        _ endpoint: FakeEndpoint, _ pools: Set<PoolName>, _ body: (UserPools) async throws -> Void
    ) async throws {
        let saver = KeySaver { _ in }
        await saver.load(from: folder)
        let served = UserPools(
            source: endpoint.source, publish: endpoint.publish, keyWait: .seconds(30), saver: saver)
        let saving = Task { await saver.run() }
        await served.serve(pools)
        try await body(served)
        saving.cancel()
        await saving.value
        await served.stop()
    }

    @Test(
        "Keys that were fetched serve after a restart at once, though the endpoint fails, and say where they are from"
    )
    func restart() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (one, two) = (TestKeys.pool("One"), TestKeys.pool("Two"))
        let endpoint = FakeEndpoint()
        endpoint.stand(one, try TestKeys.fetched("a", "b"))
        endpoint.stand(two, .failure(.status(500)))
        var firstSeen: [KeyID: Instant] = [:]
        try await run(endpoint, [one, two]) { pools in
            await eventually("the file") {
                FileManager.default.fileExists(atPath: folder + "/keys.snapshot")
            }
            firstSeen = pools.statuses()[0].firstSeen
            #expect(firstSeen.count == 2 && pools.counts.fromDisk == 0)
        }
        let later = FakeEndpoint()
        for pool in [one, two] { later.stand(pool, .failure(.status(503))) }
        try await run(later, [one, two]) { pools in
            #expect(await pools.key(TestKeys.kid("a"), of: one) == .present)
            #expect(later.published.map(\.pool) == [one])
            await eventually("the failed fetches") { pools.counts.failing == 2 }
            let status = pools.statuses()[0]
            #expect(status.areKeysFromDisk && status.keyIDs.count == 2 && status.firstSeen == firstSeen)
            #expect(pools.counts.fromDisk == 1 && pools.isFirstPassDone)
        }
        // They are still there the time after, and go when the endpoint says so.
        try await run(endpoint, [one]) { pools in
            await eventually("the fetch") { pools.counts.ready == 1 }
            #expect(pools.counts.fromDisk == 0)
            endpoint.stand(one, try TestKeys.fetched("b", "c"))
            _ = await pools.refresh(one)
            #expect(await pools.refresh(one)?.withdrawn == [])
            #expect(pools.statuses()[0].keyIDs.count == 2)
        }
        try await run(later, [one]) { pools in
            #expect(await pools.key(TestKeys.kid("c"), of: one) == .present)
            let kids = pools.statuses()[0].keyIDs
            #expect(Set(kids) == [TestKeys.kid("b"), TestKeys.kid("c")])
        }
    }

    @Test("A damaged file is as if there were none, and is written anew with the next keys")
    func damaged() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pool = TestKeys.pool("One")
        let endpoint = FakeEndpoint()
        endpoint.stand(pool, try TestKeys.fetched("a"))
        let path = folder + "/keys.snapshot"
        try Data("POOLGATE nonsense".utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        try await run(endpoint, [pool]) { pools in
            #expect(pools.counts.fromDisk == 0)
            await eventually("the fetch") { pools.counts.ready == 1 }
        }
        endpoint.stand(pool, .failure(.status(503)))
        try await run(endpoint, [pool]) { pools in
            #expect(await pools.key(TestKeys.kid("a"), of: pool) == .present)
        }
    }
}

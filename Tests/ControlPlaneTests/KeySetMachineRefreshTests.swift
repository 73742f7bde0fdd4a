import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane

@Suite struct KeySetMachineRefreshTests {
    @Test(
        "A person's refresh that finds a key missing asks again a second later, and then the key is withdrawn"
    )
    func confirmedRefresh() throws {
        var driven = try DrivenMachine.ready("old", "new")
        driven.take(driven.machine.refreshWanted().actions)
        driven.end(try TestKeys.fetched("new"))
        #expect(driven.machine.isConfirming && driven.withdrawn.isEmpty && driven.want("old") == .present)
        #expect(driven.untilWake == Limits.manualConfirmation)
        driven.wake()
        #expect(driven.priority.requestsWait)
        driven.end(try TestKeys.fetched("new"))
        #expect(!driven.machine.isConfirming && driven.withdrawn == [TestKeys.kid("old")])
        // A stale edge alone withdraws nothing: the second look finds the key.
        driven.take(driven.machine.refreshWanted().actions)
        driven.end(try TestKeys.fetched("other"))
        driven.wake()
        driven.end(try TestKeys.fetched("new", "other"))
        #expect(!driven.machine.isConfirming && driven.withdrawn == [TestKeys.kid("old")])
    }

    @Test(
        "A token with an unknown kid between the two looks does not take the second away; a failure ends the refresh"
    )
    func disturbedRefresh() throws {
        var driven = try DrivenMachine.ready("old", "new")
        driven.take(driven.machine.refreshWanted().actions)
        driven.end(try TestKeys.fetched("new"))
        #expect(driven.want("junk") == nil)
        driven.end(try TestKeys.fetched("new"))
        #expect(driven.machine.isConfirming)
        driven.wake()
        driven.end(try TestKeys.fetched("new"))
        #expect(!driven.machine.isConfirming && driven.withdrawn == [TestKeys.kid("old")])
        driven.take(driven.machine.refreshWanted().actions)
        driven.end(try TestKeys.fetched("other"))
        driven.wake()
        driven.fail()
        #expect(!driven.machine.isConfirming && driven.want("new") == .present)
    }

    @Test("However many keys go missing one after the other, a refresh ends")
    func endlessRefresh() throws {
        var driven = try DrivenMachine.ready("a", "b", "c", "d", "e", "f")
        driven.take(driven.machine.refreshWanted().actions)
        var fetches = 0
        while driven.machine.isConfirming || fetches == 0 {
            fetches += 1
            driven.end(.success(FetchedKeys(keySet: try TestKeys.set("k\(fetches)"), freshSeconds: nil)))
            if driven.machine.isConfirming { driven.wake() }
        }
        #expect(fetches == Limits.confirmationsInARow + 1)
    }

    @Test("Keys from disk serve at once until 24 hours after their fetch, and are fetched anew without haste")
    func restored() throws {
        var driven = DrivenMachine()
        let fetchedAt = driven.now.wall.advanced(bySeconds: -80_000)
        let seen = [TestKeys.kid("a"): Instant(seconds: 1)]
        driven.take(
            driven.machine.restored(
                try TestKeys.set("a", "b"), fetchedAt: fetchedAt, firstSeen: seen, at: driven.now))
        #expect(
            driven.published.map(\.usableUntil) == [fetchedAt.advanced(bySeconds: Limits.believedSeconds)])
        #expect(driven.machine.areKeysFromDisk && driven.want("a") == .present)
        #expect(
            driven.machine.firstSeen == [
                TestKeys.kid("a"): Instant(seconds: 1), TestKeys.kid("b"): fetchedAt,
            ])
        driven.start()
        #expect(driven.fetches == 1 && !driven.priority.requestsWait)
        driven.fail()
        #expect(driven.want("a") == .present)
        driven.pass(.seconds(Limits.believedSeconds - 80_000))
        #expect(driven.want("a") == nil && !driven.machine.holds(TestKeys.kid("a"), at: driven.now.wall))
        driven.wake()
        driven.end(try TestKeys.fetched("b"))
        #expect(!driven.machine.areKeysFromDisk)
    }

    @Test("Keys from disk that are too old, or that come after a fetch, are not taken")
    func restoredTooLate() throws {
        var driven = DrivenMachine()
        let old = driven.now.wall.advanced(bySeconds: -Limits.believedSeconds)
        #expect(
            driven.machine.restored(try TestKeys.set("a"), fetchedAt: old, firstSeen: [:], at: driven.now)
                .isEmpty)
        driven = try DrivenMachine.ready("b")
        #expect(
            driven.machine.restored(
                try TestKeys.set("a"), fetchedAt: driven.now.wall, firstSeen: [:], at: driven.now
            ).isEmpty)
    }
}

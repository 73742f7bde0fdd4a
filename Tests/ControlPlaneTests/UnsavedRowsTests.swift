import Gatekeeper
import Testing

@testable import ControlPlane

@Suite struct UnsavedRowsTests {
    private let now = ContinuousClock.now
    private let change = SavedChange(rows: [TestRows.row("a.test")], confirmedAt: Instant(seconds: 1))

    private func changes(_ work: UnsavedRows.Work) -> Int? {
        if case .changes(let changes) = work { changes.count } else { nil }
    }

    private func isEverything(_ work: UnsavedRows.Work) -> Bool {
        if case .everything = work { true } else { false }
    }

    @Test("Changes are written one by one and at once, also while the whole content has to wait its time")
    func changesAtOnce() {
        var unsaved = UnsavedRows()
        unsaved.noteEverything()
        unsaved.note(change)
        #expect(isEverything(unsaved.take(at: now, isLast: false)))
        unsaved.wroteEverything(in: .milliseconds(300), at: now)
        unsaved.note(change)
        unsaved.note(change)
        #expect(unsaved.nextLook(at: now) == now)
        #expect(changes(unsaved.take(at: now, isLast: false)) == 2)
        #expect(unsaved.isEmpty && unsaved.nextLook(at: now) == nil)
    }

    @Test(
        "What only the whole content can tell waits less than a second, whatever writing it took, and not at the end"
    )
    func wholeSoon() {
        var unsaved = UnsavedRows()
        unsaved.noteEverything()
        _ = unsaved.take(at: now, isLast: false)
        unsaved.wroteEverything(in: .milliseconds(10), at: now)
        unsaved.noteEverything()
        #expect(unsaved.nextLook(at: now) == now + .milliseconds(200))
        _ = unsaved.take(at: now, isLast: true)
        unsaved.wroteEverything(in: .seconds(30), at: now)
        unsaved.noteEverything()
        // A revocation that comes now is in the whole content, and so waits for it.
        unsaved.note(change)
        let next = now + Limits.longestWholePause
        #expect(Limits.longestWholePause + Limits.saveGathering < .seconds(1))
        #expect(unsaved.nextLook(at: now) == next)
        if case .nothing = unsaved.take(at: next - .milliseconds(1), isLast: false) {
        } else {
            Issue.record("written too soon")
        }
        #expect(isEverything(unsaved.take(at: next, isLast: false)) && unsaved.isEmpty)
        unsaved.noteEverything()
        #expect(isEverything(unsaved.take(at: now, isLast: true)))
    }

    @Test("A long journal is replaced in a twentieth of the time at most, and takes changes until then")
    func longJournal() {
        var unsaved = UnsavedRows()
        unsaved.noteEverything()
        _ = unsaved.take(at: now, isLast: false)
        unsaved.wroteEverything(in: .milliseconds(300), at: now)
        unsaved.noteLongJournal()
        #expect(unsaved.isEmpty && unsaved.nextLook(at: now) == now + .seconds(6))
        unsaved.note(change)
        #expect(unsaved.nextLook(at: now) == now)
        #expect(changes(unsaved.take(at: now + .milliseconds(5_999), isLast: false)) == 1)
        if case .nothing = unsaved.take(at: now + .milliseconds(5_999), isLast: true) {
        } else {
            Issue.record("the end replaced a journal that says all")
        }
        unsaved.note(change)
        #expect(isEverything(unsaved.take(at: now + .seconds(6), isLast: false)))
        #expect(unsaved.isEmpty && unsaved.nextLook(at: now) == nil)
    }

    @Test("After a failure everything is unsaved, and tried again after a while")
    func failure() {
        var unsaved = UnsavedRows()
        unsaved.note(change)
        _ = unsaved.take(at: now, isLast: false)
        unsaved.failed(at: now)
        #expect(unsaved.nextLook(at: now) == now + Limits.savePause)
        #expect(isEverything(unsaved.take(at: now + Limits.savePause, isLast: false)))
    }

    @Test("More changes than the bound are not kept one by one")
    func bound() {
        var unsaved = UnsavedRows()
        let size = change.size
        for _ in 0...(Limits.unsavedChangeBytes / size) { unsaved.note(change) }
        #expect(isEverything(unsaved.take(at: now, isLast: false)))
    }
}

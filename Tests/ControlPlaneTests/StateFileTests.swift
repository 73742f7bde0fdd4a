import Foundation
import Gatekeeper
import JOSE
import TestSupport
import Testing

@testable import ControlPlane

@Suite struct StateFileTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "poolgate-state-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    private var whole: String { folder + "/things.snapshot" }
    private var journal: String { folder + "/things.changes" }

    private func file() -> StateFile { StateFile(folder: folder, name: "things", kind: 7) }

    private func contents() async throws -> (whole: String, changes: [String], isCut: Bool) {
        let contents = try await file().load().get()
        return (
            String(decoding: contents.whole, as: UTF8.self),
            contents.changes.map { String(decoding: $0, as: UTF8.self) }, contents.isCut
        )
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// A file with the content `base`, and with these changes after it.
    private func write(_ changes: String...) async throws -> StateFile {
        let file = file()
        _ = try await file.replace { Array("base".utf8) }.get()
        for change in changes { try await file.append([bytes(change)]).get() }
        return file
    }

    private func size(_ path: String) throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }

    @Test(
        "A whole file and its changes are read back in order; both are 0600, and nothing else is left in the folder"
    )
    func roundTrip() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(await file().load().failure == .absent)
        let file = try await write("one", "")
        try await file.append([bytes("three"), bytes("four")]).get()
        #expect(try await contents() == ("base", ["one", "", "three", "four"], false))
        for path in [whole, journal] {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == [
                "things.changes", "things.snapshot",
            ])
        // A process that has read them goes on where they end.
        let next = self.file()
        _ = try await next.load().get()
        try await next.append([bytes("five")]).get()
        #expect(try await contents().changes.last == "five")
        // A new whole file ends the journal, also before there is another one.
        _ = try await next.replace { Array("anew".utf8) }.get()
        #expect(try await contents() == ("anew", [], false))
        try await next.append([bytes("six")]).get()
        #expect(try await contents() == ("anew", ["six"], false))
    }

    @Test("A change that was cut off while it was written never was; those before it hold")
    func cut() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try await write("one")
        let before = try size(journal)
        try await file.append([bytes("two")]).get()
        let all = try Data(contentsOf: URL(fileURLWithPath: journal))
        for length in before..<all.count {
            try all.prefix(length).write(to: URL(fileURLWithPath: journal))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: journal)
            #expect(try await contents() == ("base", ["one"], length > before), "\(length)")
        }
        // Nothing is added behind such an end.
        let next = self.file()
        try all.dropLast().write(to: URL(fileURLWithPath: journal))
        _ = try await next.load().get()
        #expect(await next.append([bytes("three")]).failure == .notContinuable)
    }

    @Test("A changed byte of the whole file makes it damaged; one of the journal ends the changes before it")
    func damaged() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try await write("one", "two", "three")
        for (path, isWhole) in [(whole, true), (journal, false)] {
            let all = try Data(contentsOf: URL(fileURLWithPath: path))
            for index in all.indices {
                var changed = all
                changed[index] ^= 0x41
                try changed.write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
                if isWhole {
                    #expect(await file().load().failure == .damaged)
                } else {
                    let found = try await contents()
                    #expect(found.changes.count < 3 && ["one", "two", "three"].starts(with: found.changes))
                    #expect(found.isCut || found.changes.isEmpty)
                }
            }
            try all.write(to: URL(fileURLWithPath: path))
        }
    }

    @Test(
        "Files or folders that others could write, and links, are not read; of a journal that is so, nothing is believed"
    )
    func untrusted() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try await write("one")
        for (name, mode) in [(whole, 0o620), (whole, 0o602), (folder, 0o770), (folder, 0o703)] {
            let before = try #require(
                FileManager.default.attributesOfItem(atPath: name)[.posixPermissions] as? Int)
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: name)
            #expect(await file().load().failure == .untrusted)
            try FileManager.default.setAttributes([.posixPermissions: before], ofItemAtPath: name)
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o606], ofItemAtPath: journal)
        #expect(try await contents() == ("base", [], true))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: journal)
        #expect(try await contents() == ("base", ["one"], false))
        try FileManager.default.moveItem(atPath: whole, toPath: whole + ".real")
        try FileManager.default.createSymbolicLink(atPath: whole, withDestinationPath: whole + ".real")
        #expect(await file().load().failure != nil)
    }

    @Test(
        "Where another process has written meanwhile, nothing is added; where the disk refuses, nothing is lost"
    )
    func others() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let mine = try await write("one")
        let other = file()
        _ = try await other.load().get()
        try await other.append([bytes("theirs")]).get()
        #expect(await mine.append([bytes("two")]).failure == .notContinuable)
        #expect(!mine.isContinuable)
        #expect(try await contents().changes == ["one", "theirs"])
        // A folder in the place of the new file: it can be neither removed nor opened.
        try FileManager.default.createDirectory(atPath: whole + ".new/x", withIntermediateDirectories: true)
        #expect(await mine.replace { [] }.failure != nil)
        #expect(try await contents() == ("base", ["one", "theirs"], false))
    }

    @Test("A journal that has become longer than half of its file asks to be replaced, a short one does not")
    func long() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = try await write("one")
        #expect(!file.isJournalLong)
        let change = [UInt8](repeating: 1, count: Limits.shortJournalBytes)
        try await file.append([change]).get()
        #expect(file.isJournalLong)
        _ = try await file.replace { [UInt8](repeating: 0, count: 3 * Limits.shortJournalBytes) }.get()
        try await file.append([change]).get()
        #expect(!file.isJournalLong)
    }

    @Test("A file larger than the bound is not read")
    func huge() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try await write()
        #expect(truncate(whole, Limits.stateFileBytes + 1) == 0)
        #expect(await file().load().failure == .damaged)
    }
}

@Suite struct SavedFormsTests {
    private static let pool = TestKeys.pool("One")

    private static let entries = [
        Revocations.Entry(
            digest: Revocations.Digest(high: 1, low: .max), id: 2, issuedBefore: 3, expires: .max),
        Revocations.Entry(digest: Revocations.Digest(high: 5, low: 6), id: 7, issuedBefore: .max, expires: 9),
    ]

    private static var withdrawnKeys: WithdrawnKeys {
        var keys = WithdrawnKeys()
        keys.withdraw("k", of: pool, .init(at: "2025-11-26", reason: "leaked"))
        return keys
    }

    private static var rows: SavedRows {
        SavedRows(
            rows: [TestRows.row("a.test"), TestRows.row("b.test", groups: "{\"a b\"}")], revocations: entries,
            revocationPools: [pool], withdrawnKeys: withdrawnKeys, confirmedAt: Instant(seconds: 7))
    }

    private static var change: SavedChange {
        var change = SavedChange(
            removedHosts: [Array("b.test".utf8)], rows: [TestRows.row("c.test")],
            confirmedAt: Instant(seconds: 8))
        change.revocations.entries = [(pool, entries[0])]
        change.revocations.lifted = [(7, entries[1].digest)]
        return change
    }

    private static func keys(_ kids: String..., at seconds: Int64) throws -> SavedKeySet {
        SavedKeySet(
            try TestKeys.set(of: kids), fetchedAt: Instant(seconds: seconds),
            firstSeen: [TestKeys.kid(kids[0]): Instant(seconds: 5)])
    }

    @Test("Rows and changes are read back, and a directory made of both holds what the last change says")
    func rowsAndChanges() throws {
        let rows = try #require(SavedRows(decoding: Self.rows.encoded[...]))
        #expect(rows.rows == Self.rows.rows && rows.revocations == Self.entries)
        #expect(rows.withdrawnKeys == Self.withdrawnKeys)
        #expect(rows.revocationPools == [Self.pool] && rows.confirmedAt == Instant(seconds: 7))
        let contents = StateFile.Contents(
            whole: Self.rows.encoded[...], changes: [Self.change.encoded[...]], isCut: false)
        let saved = try #require(
            SavedDirectory(contents, onto: TestRows.content, at: Instant(seconds: 1)))
        #expect(saved.confirmedAt == Instant(seconds: 8))
        #expect(Set(saved.content.rows.all.map(\.host)) == [Array("a.test".utf8), Array("c.test".utf8)])
        #expect(saved.content.directory.revocations.entries.map(\.id) == [2])
        #expect(saved.change.addedPools == [Self.pool] && saved.change.withdrawals == [Self.pool])
    }

    @Test("Key sets are read back as keys that verify the same, with the latest time of each")
    func keySets() throws {
        let whole = SavedKeySets(
            savedAt: Instant(seconds: 100), entries: [(Self.pool, .keys(try Self.keys("a", "b", at: 90)))])
        let change = SavedKeySets(
            savedAt: Instant(seconds: 200),
            entries: [
                (Self.pool, .fetchedAgain(Instant(seconds: 190))),
                (TestKeys.pool("Two"), .fetchedAgain(Instant(seconds: 1))),
            ])
        var restored = try #require(
            RestoredKeySets(
                StateFile.Contents(
                    whole: whole.encoded[...], changes: [change.encoded[...]], isCut: false)))
        let isSetBack = restored.adjust(to: Instant(seconds: 300))
        #expect(!isSetBack)
        let saved = try #require(restored.keySets[Self.pool])
        #expect(restored.keySets.count == 1 && saved.fetchedAt == Instant(seconds: 190))
        let read = try #require(saved.keySet(at: Instant(seconds: 300)))
        let original = try TestKeys.set("a", "b")
        #expect(read.keys.count == 2)
        for key in original.keys { #expect(read[key.keyID]?.isSameKey(as: key) == true) }
        #expect(saved.firstSeen == [TestKeys.kid("a"): Instant(seconds: 5)])
    }

    @Test(
        "Keys from disk are trusted until 24 hours after their fetch, and a clock that was set back lengthens that never"
    )
    func trust() throws {
        let day = Limits.believedSeconds
        func restored(fetched: Int64, saved: Int64, now: Int64) throws -> Int64? {
            let sets = SavedKeySets(
                savedAt: Instant(seconds: saved),
                entries: [(Self.pool, .keys(try Self.keys("a", at: fetched)))])
            var restored = try #require(
                RestoredKeySets(StateFile.Contents(whole: sets.encoded[...], changes: [], isCut: false)))
            _ = restored.adjust(to: Instant(seconds: now))
            guard let keys = restored.keySets[Self.pool], keys.keySet(at: Instant(seconds: now)) != nil else {
                return nil
            }
            return keys.fetchedAt.advanced(bySeconds: day).seconds(since: Instant(seconds: now))
        }
        let start: Int64 = 1_800_000_000
        #expect(try restored(fetched: start, saved: start, now: start) == day)
        #expect(try restored(fetched: start, saved: start, now: start + 3_600) == day - 3_600)
        #expect(try restored(fetched: start, saved: start, now: start + day - 1) == 1)
        #expect(try restored(fetched: start, saved: start, now: start + day) == nil)
        // Known to be 20 hours old; then the clock says that it is one hour after the fetch, or long before it.
        for now in [start + 3_600, start - 10 * day] {
            #expect(try restored(fetched: start, saved: start + 72_000, now: now) == day - 72_000)
        }
        #expect(try restored(fetched: start, saved: start + day + 1, now: start) == nil)
        #expect(try restored(fetched: .max / 2_000_000_000, saved: start, now: start) ?? 0 <= day)
    }

    @Test("No bytes crash the readers, whatever their checksum says")
    func mutations() throws {
        var generator = SeededGenerator(seed: 0x706F_6F6C)
        let keys = SavedKeySets(
            savedAt: Instant(seconds: 1),
            entries: [
                (Self.pool, .keys(try Self.keys("a", at: 1))),
                (Self.pool, .fetchedAgain(Instant(seconds: 2))),
            ])
        let format = StateFileFormat(kind: 9)
        let seeds = [Self.rows.encoded, Self.change.encoded, keys.encoded]
        let journal =
            format.journalHead(generation: 3) + format.change([1, 2, 3], generation: 3, number: 0)
            + format.change([4], generation: 3, number: 1)
        for number in 0..<20_000 {
            let bytes = Self.mutated(seeds[number % seeds.count], &generator)
            let contents = StateFile.Contents(whole: bytes[...], changes: [bytes[...]], isCut: false)
            if let saved = SavedDirectory(contents, onto: TestRows.content, at: .now) {
                #expect(saved.content.count <= bytes.count)
            }
            if let rows = SavedRows(decoding: bytes[...]) {
                for row in rows.rows { _ = try? row.unpacked() }
            }
            _ = SavedChange(decoding: bytes[...])
            if var restored = RestoredKeySets(contents) {
                _ = restored.adjust(to: .now)
                for keys in restored.keySets.values { _ = keys.keySet(at: .now) }
            }
            let file = Self.mutated(journal, &generator)
            if let changes = format.changes(of: file, generation: 3) {
                #expect(changes.changes.allSatisfy { [[1, 2, 3], [4]].contains(Array($0)) })
            }
            _ = format.content(of: file)
        }
    }

    private static func mutated(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            guard let place = bytes.indices.randomElement(using: &generator) else { break }
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[place] = .random(in: 0...255, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: bytes.removeLast(bytes.count - place)
            case 3: bytes.insert(.random(in: 0...255, using: &generator), at: place)
            case 4:
                let end = min(bytes.count, place + 8)
                for index in place..<end { bytes[index] = 0xFF }
            default: bytes.insert(contentsOf: bytes[place...].prefix(40), at: place)
            }
        }
        return bytes
    }
}

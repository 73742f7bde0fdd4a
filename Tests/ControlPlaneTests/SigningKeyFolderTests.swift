import Foundation
import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane

/// The folder of keys that sign assertions, and the choice among them.
@Suite struct SigningKeyFolderTests {
    private let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "poolgate-keys-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    private func write(_ name: String, _ bytes: [UInt8], mode: Int = 0o600) throws {
        _ = FileManager.default.createFile(
            atPath: "\(folder)/\(name)", contents: Data(bytes), attributes: [.posixPermissions: mode])
    }

    private func words(_ files: [SigningKeyFolder.File]) -> [String] {
        files.map { file in
            switch file.key {
            case .success(let key): "\(file.name) \(key.keyID)"
            case .failure(let flaw): "\(file.name): \(flaw)"
            }
        }
    }

    @Test("A new file has a name after all others, is for its owner alone, and gives the key again")
    func writing() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let now = Instant(seconds: 1_700_000_000)
        let keys = try (0..<3).map { _ in try ES256Key.generate() }
        let names = try keys.map { try SigningKeyFile.write($0, into: folder, at: now) }
        #expect(
            names == [
                "2023-11-14T221320.000Z.pem", "2023-11-14T221320.001Z.pem", "2023-11-14T221320.002Z.pem",
            ])
        #expect(words(try SigningKeyFolder(folder).files()) == zip(names, keys).map { "\($0) \($1.keyID)" })
        for name in names {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
        #expect(throws: SigningKeyFlaw.system(ENOENT)) {
            try SigningKeyFile.write(keys[0], into: folder + "/none", at: now)
        }
    }

    @Test("Files that others may read or write, that are too large or no file give no key, and say why")
    func flaws() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pem = try ES256Key.generate().pem()
        try write("a.pem", pem, mode: 0o644)
        try write("b.pem", pem, mode: 0o620)
        try write("c.pem", pem, mode: 0o640)
        try write("d.pem", pem + [UInt8](repeating: 0x0A, count: Limits.signingKeyBytes))
        try FileManager.default.createDirectory(atPath: "\(folder)/e.pem", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/f.pem", withDestinationPath: "c.pem")
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/g.pem", withDestinationPath: "nowhere")
        try write(".h.pem", pem)
        try write("i.txt", pem)
        let found = try SigningKeyFolder(folder).files().map { file -> String in
            switch file.key {
            case .success: "\(file.name) key"
            case .failure(let flaw): "\(file.name) \(flaw)"
            }
        }
        #expect(
            found.map { String($0.prefix(5)) } == [
                "a.pem", "b.pem", "c.pem", "d.pem", "e.pem", "f.pem", "g.pem",
            ])
        for (index, text) in ["0644", "0620", "c.pem key", "larger", "no file", "f.pem key", "No such file"]
            .enumerated()
        {
            #expect(found[index].contains(text))
        }
    }

    @Test("A folder that is gone or open to others is not believed; one with the sticky bit is")
    func folders() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(throws: SigningKeyFlaw.system(ENOENT)) { try SigningKeyFolder(folder + "/none").files() }
        chmod(folder, 0o777)
        #expect(throws: SigningKeyFlaw.open(mode: 0o777)) { try SigningKeyFolder(folder).files() }
        chmod(folder, 0o1777)
        #expect(try SigningKeyFolder(folder).files().isEmpty)
    }

    @Test("Of more files than are read, the last by name are")
    func many() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pem = try ES256Key.generate().pem()
        for number in 0..<Limits.signingKeys + 2 { try write("k\(100 + number).pem", pem) }
        let files = try SigningKeyFolder(folder).files()
        #expect(files.count == Limits.signingKeys + 2)
        let unread = files.prefix { if case .failure(.tooMany) = $0.key { true } else { false } }
        #expect(unread.map(\.name) == ["k100.pem", "k101.pem"])
    }

    // MARK: The choice

    private func file(_ name: String, _ key: ES256Key?, changed: Int64 = 1_000_000) -> SigningKeyFolder.File {
        SigningKeyFolder.File(
            name: name, key: key.map { .success($0) } ?? .failure(.noFile),
            changedAt: Instant(seconds: changed),
            mark: .init(numbers: []))
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(seconds: 1_000_000 + seconds) }

    @Test("A new key is published at once, and signs when it was published for the delay, to the second")
    func delay() throws {
        let (old, new) = (try ES256Key.generate(), try ES256Key.generate())
        var choice = SigningKeyChoice(delaySeconds: 60)
        // The only one signs at once: nobody could know another.
        #expect(choice.take([file("a", old)], at: Self.at(0)).signing === old)
        let files = [file("a", old), file("b", new, changed: 1_000_100)]
        let first = choice.take(files, at: Self.at(100))
        #expect(first.signing === old && first.published.map(\.keyID) == [new.keyID, old.keyID])
        #expect(choice.take(files, at: Self.at(159)).signing === old)
        #expect(choice.take(files, at: Self.at(160)).signing === new)
        // The old one goes, and comes back under its name: the later name signs.
        #expect(choice.take([file("b", new)], at: Self.at(200)).published.map(\.keyID) == [new.keyID])
        #expect(choice.take(files, at: Self.at(300)).signing === new)
    }

    @Test("A file's age is what the file system says, so a gateway that starts again signs as before")
    func restart() throws {
        let (old, new) = (try ES256Key.generate(), try ES256Key.generate())
        var choice = SigningKeyChoice(delaySeconds: 60)
        let files = [file("a", old), file("b", new, changed: 1_000_010)]
        #expect(choice.take(files, at: Self.at(70)).signing === new)
        // Where all files are as new as the gateway, as in a container, the one that others have known longest signs.
        var other = SigningKeyChoice(delaySeconds: 60)
        let fresh = [file("a", old, changed: 1_000_070), file("b", new, changed: 1_000_070)]
        #expect(other.take(fresh, at: Self.at(70)).signing === old)
        #expect(other.take(fresh, at: Self.at(130)).signing === new)
    }

    @Test("Files that are written again with the same keys, as Kubernetes does, are as old as before")
    func rewritten() throws {
        let (old, new, third) = (try ES256Key.generate(), try ES256Key.generate(), try ES256Key.generate())
        var choice = SigningKeyChoice(delaySeconds: 60)
        _ = choice.take([file("a", old), file("b", new)], at: Self.at(100))
        let written = try [old, new, third].map { try ES256Key(pem: $0.pem()) }
        let files = zip(["a", "b", "c"], written).map { file($0, $1, changed: 1_000_200) }
        let outcome = choice.take(files, at: Self.at(200))
        // The objects stay too, so that what was signed by them still counts as signed by a published key.
        #expect(outcome.signing === new && outcome.published.contains { $0 === old })
        #expect(choice.take(files, at: Self.at(260)).signing === written[2])
    }

    @Test("While none is old enough, the one that signs goes on, whatever names come before it")
    func current() throws {
        let (first, other) = (try ES256Key.generate(), try ES256Key.generate())
        var choice = SigningKeyChoice(delaySeconds: 60)
        _ = choice.take([file("m", first)], at: Self.at(0))
        let files = [file("a", other, changed: 1_000_001), file("m", first)]
        #expect(choice.take(files, at: Self.at(1)).signing === first)
        #expect(choice.take(files, at: Self.at(100)).signing === first)
    }

    @Test("A file that cannot be read any more keeps its key, and one that is gone does not")
    func unreadable() throws {
        let key = try ES256Key.generate()
        var choice = SigningKeyChoice(delaySeconds: 60)
        _ = choice.take([file("a", key)], at: Self.at(0))
        #expect(choice.take([file("a", nil)], at: Self.at(1)).signing === key)
        #expect(choice.take([file("a", nil), file("b", nil)], at: Self.at(2)).published.count == 1)
        let none = choice.take([], at: Self.at(3))
        #expect(none.signing == nil && none.published.isEmpty)
    }

    @Test("One key in two files counts once, under the later name")
    func twice() throws {
        let (key, other) = (try ES256Key.generate(), try ES256Key.generate())
        var choice = SigningKeyChoice(delaySeconds: 0)
        let outcome = choice.take([file("a", key), file("b", other), file("c", key)], at: Self.at(1))
        #expect(outcome.published.map(\.keyID) == [key.keyID, other.keyID] && outcome.signing === key)
    }
}

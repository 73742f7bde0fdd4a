import Configuration
import Glibc
import Synchronization

/// The optional YAML file of settings.
struct ConfigurationFile: Sendable {
    let path: String
    /// The keys that stand in it, nested ones joined by dots.
    let keys: [String]
    private let snapshot: YAMLSnapshot?

    /// Why a file cannot be used; a sentence without its full stop.
    struct Flaw: Error, CustomStringConvertible {
        let description: String
    }

    init(path: String) throws(Flaw) {
        self.path = path
        let bytes: [UInt8]
        switch ConfigurationFile.read(path) {
        case .success(let read): bytes = read
        case .failure(let flaw): throw flaw
        }
        guard !ConfigurationFile.isBlank(bytes) else {
            keys = []
            snapshot = nil
            return
        }
        // The parser asks about every key whether it is secret, which is how it tells which keys there are.
        let seen = KeyList()
        let options = YAMLSnapshot.ParsingOptions(
            secretsSpecifier: .dynamic { key, _ in
                seen.append(key)
                return true
            })
        do {
            snapshot = try YAMLSnapshot(data: bytes.span.bytes, providerName: "file", parsingOptions: options)
        } catch {
            let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
            throw Flaw(description: "is no YAML mapping of settings: \(reason)")
        }
        keys = seen.keys.withLock { $0 }
    }

    /// The text at `key`, a list's parts joined by commas; nil where there is none.
    func text(at key: String) -> String? {
        guard let snapshot else { return nil }
        let key = AbsoluteConfigKey([key])
        let single = try? snapshot.value(forKey: key, type: .string).value?.content
        if case .string(let text) = single { return text == "null" || text == "~" ? nil : text }
        guard
            case .stringArray(let texts) = try? snapshot.value(forKey: key, type: .stringArray).value?.content
        else { return nil }
        return texts.joined(separator: ",")
    }

    /// Why the file at `path` could not be read; nil where it can.
    static func flaw(of path: String) -> String? {
        switch read(path) {
        case .success: nil
        case .failure(let flaw): flaw.description
        }
    }

    /// Whether there is a folder at `path` whose files can be listed.
    static func isFolder(_ path: String) -> Bool {
        guard let folder = opendir(path) else { return false }
        closedir(folder)
        return true
    }

    private final class KeyList: Sendable {
        let keys = Mutex<[String]>([])

        func append(_ key: String) {
            keys.withLock { $0.append(key) }
        }
    }

    private static func isBlank(_ bytes: [UInt8]) -> Bool {
        bytes.split(separator: UInt8(ascii: "\n")).allSatisfy { line in
            let rest = line.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            return rest.isEmpty || rest.first == UInt8(ascii: "#") || rest.elementsEqual("---".utf8)
        }
    }

    private static func read(_ path: String) -> Result<[UInt8], Flaw> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(systemFlaw()) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count >= 0 else { return .failure(systemFlaw()) }
            guard count > 0 else { return .success(bytes) }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= Limits.configurationFileBytes else {
                return .failure(Flaw(description: "is larger than \(Limits.configurationFileBytes) bytes"))
            }
        }
    }

    private static func systemFlaw() -> Flaw {
        Flaw(description: "cannot be read: \(String(cString: strerror(errno)))")
    }
}

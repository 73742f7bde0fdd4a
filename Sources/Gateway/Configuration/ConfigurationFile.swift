import Configuration
import Glibc
import Synchronization

/// The optional YAML file of settings.
struct ConfigurationFile: Sendable {
    let path: String
    /// The keys that stand in it, nested ones joined by dots.
    let keys: [String]
    private let snapshot: YAMLSnapshot?
    private let lines: [String]

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
        lines = String(decoding: bytes, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        )
        .map(String.init)
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
            throw Flaw(description: YAMLFlaw.sentence("\(error)", lineCount: lines.count))
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

    /// Whether a line begins with the key as a person writes one, so that it is none that a stray sign made of a value.
    func standsAtLineStart(_ key: String) -> Bool {
        guard Printable.isName(key), let last = key.split(separator: ".").last else { return false }
        return lines.contains { line in
            let rest = line.drop { $0 == " " || $0 == "'" || $0 == "\"" }.utf8
            guard rest.starts(with: last.utf8) else { return false }
            let mark = rest.dropFirst(last.utf8.count).drop { $0 == 0x20 || $0 == 0x27 || $0 == 0x22 }
            return mark.first == UInt8(ascii: ":")
        }
    }

    /// Why the file at `path` could not be read; nil where it can.
    static func flaw(of path: String) -> String? {
        switch read(path) {
        case .success: nil
        case .failure(let flaw): flaw.description
        }
    }

    /// Why the folder at `path` cannot be listed; nil where it can.
    static func folderFlaw(of path: String) -> String? {
        if let folder = opendir(path) {
            closedir(folder)
            return nil
        }
        switch errno {
        case ENOENT: return "is not there: make the folder, or mend the path"
        case ENOTDIR: return "is a file or lies below one: name a folder"
        case EACCES: return "cannot be read: the user that poolgate runs as may not list it"
        default: return "cannot be read: \(String(cString: strerror(errno)))"
        }
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
        switch errno {
        case ENOENT: Flaw(description: "is not there: No such file or directory")
        case EACCES:
            Flaw(description: "cannot be read: Permission denied for the user that poolgate runs as")
        case EISDIR: Flaw(description: "is a folder: name a file")
        default: Flaw(description: "cannot be read: \(String(cString: strerror(errno)))")
        }
    }
}

import Configuration
import Glibc
import Synchronization

/// The YAML file of settings, which an operator may name.
struct ConfigurationFile: Sendable {
    /// Where it is.
    let path: String
    /// The keys in it; those of nested mappings joined by dots.
    let keys: [String]
    private let snapshot: YAMLSnapshot?
    private let lines: [String]

    /// Why a file cannot be used; a sentence without its full stop.
    struct Flaw: Error, CustomStringConvertible {
        let description: String
    }

    /// Reads and parses the file.
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
        // The parser does not list the keys, but it asks for each one whether it is secret.
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

    /// The text at `key`, where a list is its elements joined by commas; nil where there is none.
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

    /// Whether a line of the file begins with the key. One that does not may be part of a value, made a key by a character
    /// that means something in YAML.
    func standsAtLineStart(_ key: String) -> Bool { line(of: key) != nil }

    /// The number of the line that begins with the key, counted from 1; nil where there is none.
    func line(of key: String) -> Int? {
        guard Printable.isName(key), let last = key.split(separator: ".").last else { return nil }
        let place = lines.firstIndex { line in
            let rest = line.drop { $0 == " " || $0 == "'" || $0 == "\"" }.utf8
            guard rest.starts(with: last.utf8) else { return false }
            let mark = rest.dropFirst(last.utf8.count).drop { $0 == 0x20 || $0 == 0x27 || $0 == 0x22 }
            return mark.first == UInt8(ascii: ":")
        }
        return place.map { $0 + 1 }
    }

    /// Why the file at `path` cannot be read, for a message after its name; nil where it can.
    static func flaw(of path: String) -> String? {
        switch read(path) {
        case .success: nil
        case .failure(let flaw): flaw.description
        }
    }

    /// Why the folder at `path` cannot be listed, for a message after its name; nil where it can.
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

    /// Collects keys. A class, because the parser takes a closure that may not change a variable.
    private final class KeyList: Sendable {
        let keys = Mutex<[String]>([])

        func append(_ key: String) {
            keys.withLock { $0.append(key) }
        }
    }

    /// Whether the file has nothing but blanks, comments and document marks, which the parser refuses.
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
        var chunk = [UInt8](repeating: 0, count: Limits.fileBytesReadAtOnce)
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

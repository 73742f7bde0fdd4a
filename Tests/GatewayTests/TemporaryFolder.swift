import Foundation

/// A folder for one test, short and open to other users, removed with the last reference.
///
/// A class, because it stands for something on disk.
final class TemporaryFolder: Sendable {
    let path: String

    /// `suffix` becomes part of the name.
    init(suffix: String = "") throws {
        path = "/tmp/pgw-\(UInt32.random(in: 0 ... .max))\(suffix)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Every file below, with its size and time of change: equal only where nothing was touched.
    func contents() -> [String: String] {
        var found: [String: String] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
            found[name] = "\(attributes?[.size] ?? "") \(attributes?[.modificationDate] ?? "")"
        }
        return found
    }
}

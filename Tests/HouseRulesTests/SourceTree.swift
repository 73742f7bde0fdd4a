import Foundation

/// The project's own Swift files, read as text.
struct SourceTree {
    struct File {
        /// Relative to the top of the repository.
        let path: String
        let lines: [String]

        /// The target the file belongs to: the folder below `Sources`.
        var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

        /// Lines without their comments, with their numbers from 1.
        var code: [(number: Int, text: String)] {
            lines.enumerated().map { index, line in
                (index + 1, line.range(of: "//").map { String(line[..<$0.lowerBound]) } ?? line)
            }
        }
    }

    let files: [File]

    /// Every Swift file below `folder`.
    init(_ folder: String) throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let root = top.appending(path: folder)
        let found = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        files = try (found?.compactMap { $0 as? URL } ?? [])
            .filter { $0.pathExtension == "swift" }
            .map { url in
                let text = try String(contentsOf: url, encoding: .utf8)
                let path = url.path().replacing(top.path(), with: "")
                return File(path: path, lines: text.components(separatedBy: "\n"))
            }
            .sorted { $0.path < $1.path }
    }

    /// `path:line: text` of every line of code that `pattern` matches, outside the files allowed.
    func lines(matching pattern: some RegexComponent, allowedIn allowed: (File) -> Bool = { _ in false })
        -> [String]
    {
        files.filter { !allowed($0) }.flatMap { file in
            file.code.filter { $0.text.contains(pattern) }.map { "\(file.path):\($0.number): \($0.text)" }
        }
    }
}

extension SourceTree {
    private static let documents: Result<Set<String>, any Error> = Result {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var found: Set<String> = ["README.md"]
        for folder in ["Sources", "sql", "ops", "Tests"] {
            let root = top.appending(path: folder)
            let paths = FileManager.default.enumerator(atPath: root.path())
            for case let path as String in paths ?? .init() where path.hasSuffix(".md") {
                found.insert("\(folder)/\(path)")
            }
        }
        return found
    }

    /// Whether a document of this path is in the repository.
    static func holds(_ path: String) -> Bool { (try? documents.get().contains(path)) == true }
}

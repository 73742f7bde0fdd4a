import Foundation

/// A Swift file as the rules look at it: what it is called, its lines and its tokens.
struct SwiftFile {
    /// Relative to the top of the repository.
    let path: String
    let lines: [String]
    /// All tokens, comments among them.
    let allTokens: [Token]
    /// The tokens without comments.
    let tokens: [Token]

    init(path: String, text: String) {
        self.init(path: path, lines: text.components(separatedBy: "\n"), text: text)
    }

    private init(path: String, lines: [String], text: String) {
        self.path = path
        self.lines = lines
        allTokens = SwiftTokens.of(text)
        tokens = allTokens.filter { $0.kind != .comment && $0.kind != .documentation }
    }

    /// The target the file belongs to: the folder below `Sources` or `Tests`.
    var target: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

    /// `Module/File.swift`: how exceptions name it, so that a file may move to another folder of its module.
    var shortPath: String { "\(target)/\(path.split(separator: "/").last ?? "")" }

    /// The project's own files below a folder at the top, read once however many rules look at them.
    static let sources = Result { try read("Sources") }
    static let tests = Result { try read("Tests") }

    private static func read(_ folder: String) throws -> [SwiftFile] {
        try SourceTree(folder).files.map { file in
            SwiftFile(path: file.path, lines: file.lines, text: file.lines.joined(separator: "\n"))
        }
    }
}

import Foundation
import Testing

/// What the documents promise to name, read off the sources.
@Suite struct DocumentTests {
    let sources: SourceTree
    let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    init() throws {
        sources = try SourceTree("Sources")
    }

    private func text(_ path: String) throws -> String {
        let file = try #require(sources.files.first { $0.path == path }, "\(path) was not found")
        return file.code.map(\.text).joined(separator: "\n")
    }

    private func page(_ path: String) throws -> String {
        try String(contentsOf: top.appending(path: path), encoding: .utf8)
    }

    private func missing(_ words: [String], in page: String) -> [String] {
        Set(words).filter { !page.contains("`\($0)`") }.sorted()
    }

    @Test("Every event of the log stands on the page for whoever is on call")
    func events() throws {
        let observers = sources.files.filter { $0.path.hasPrefix("Sources/Gateway/Log/Observer") }
        let found = observers.flatMap { file in
            file.code.map(\.text).joined(separator: "\n").matches(of: /LogLine\([^"]*"([a-z_]+)"/)
                .map { String($0.1) }
        }
        #expect(observers.count >= 2 && found.count > 30)
        #expect(try missing(found, in: page("ops/guide/on-call.md")) == [])
        #expect(try missing(found, in: page("ops/guide/logs.md")) == [])
    }
}

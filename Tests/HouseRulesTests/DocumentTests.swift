import Foundation
import Testing

/// What the documents promise to name, read off the sources.
@Suite struct DocumentTests {
    let sources: SourceTree
    let readme: String

    init() throws {
        sources = try SourceTree("Sources")
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        readme = try String(contentsOf: top.appending(path: "README.md"), encoding: .utf8)
    }

    private func text(_ path: String) throws -> String {
        let file = try #require(sources.files.first { $0.path == path }, "\(path) was not found")
        return file.code.map(\.text).joined(separator: "\n")
    }

    private func missing(_ words: [String]) -> [String] {
        Set(words).filter { !readme.contains("`\($0)`") }.sorted()
    }

    @Test("Every event of the log stands in the README")
    func events() throws {
        let found = try text("Sources/Gateway/Log/Observer.swift").matches(
            of: /LogLine\([^"]*"([a-z_]+)"/)
        #expect(found.count > 30)
        #expect(missing(found.map { String($0.1) }) == [])
    }

    @Test(
        "Every error and every code of a refusal stands in the README",
        arguments: ["Refusals/Answer", "Refusals/Refusal", "Rules/RequestPath"])
    func refusals(file: String) throws {
        let found = try text("Sources/Gatekeeper/\(file).swift").matches(of: /"([a-z]+(?:_[a-z0-9]+)+)"/)
        #expect(found.count >= 5)
        // The errors of WWW-Authenticate stand there as they are sent.
        let codes = found.map { String($0.1) }.filter { !readme.contains("error=\"\($0)\"") }
        #expect(missing(codes) == [])
    }
}

import Foundation
import TestSupport
import Testing

/// The tables of the documents that are generated from the code.
@Suite struct DocumentTableTests {
    @Test("Every generated table of a page is what the code says")
    func tables() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let check = Process()
        let output = Pipe()
        check.executableURL = top.appending(path: "ops/generate-documents")
        check.arguments = ["--check"]
        check.standardError = output
        try check.begin()
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(check.waitForEnd() == 0, "\(said)")
    }
}

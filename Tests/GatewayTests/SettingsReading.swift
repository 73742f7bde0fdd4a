import Foundation

@testable import Gateway

/// Reads settings in a test.
enum SettingsReading {
    /// Reads settings and answers with them, or with the mistakes.
    static func read(
        _ arguments: [String] = [], _ environment: [String: String] = [:]
    ) -> Result<Settings, SettingsReader.Mistakes> {
        Result { () throws(SettingsReader.Mistakes) in
            try SettingsReader.read(arguments: arguments, environment: environment)
        }
    }

    static func mistakes(_ arguments: [String] = [], _ environment: [String: String] = [:]) -> [String] {
        switch read(arguments, environment) {
        case .success: []
        case .failure(let mistakes): mistakes.sentences
        }
    }

    /// Writes a configuration file for one test.
    static func withFile<Result>(_ text: String, _ body: (String) throws -> Result) throws -> Result {
        let path = NSTemporaryDirectory() + "poolgate-\(UUID().uuidString).yaml"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try body(path)
    }
}

import Foundation
import TestSupport
import Testing

/// The real program, run as an operator runs it.
///
/// A class, because it stands for a process, which ends with the last reference.
final class GatewayProcess {
    private let process = Process()
    private let errorPath: String
    private let outputPath: String
    let folder: TemporaryFolder

    /// The result of a run that has ended.
    struct Ended {
        let status: Int32
        let output: String
        let errors: String
    }

    /// Where the built program lies: beside the tests' own.
    static var program: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let candidates = [own] + CommandLine.arguments
        return candidates.map { ($0 as NSString).deletingLastPathComponent + "/poolgate" }
            .first { FileManager.default.isExecutableFile(atPath: $0) } ?? "poolgate"
    }

    /// Starts `poolgate` with these arguments and nothing of this process's settings in its environment.
    init(
        _ arguments: [String], environment: [String: String] = [:], folder: TemporaryFolder? = nil,
        input: String = ""
    ) throws {
        self.folder = try folder ?? TemporaryFolder()
        let run = UUID().uuidString
        errorPath = "\(self.folder.path)/\(run).err"
        outputPath = "\(self.folder.path)/\(run).out"
        let inputPath = "\(self.folder.path)/\(run).in"
        try input.write(toFile: inputPath, atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: errorPath, contents: nil)
        _ = FileManager.default.createFile(atPath: outputPath, contents: nil)
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: self.folder.path)
        process.environment = ["PATH": "/usr/local/bin:/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]
            .merging(
                environment
            ) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: inputPath)
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: errorPath)
        try process.begin()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitForEnd()
    }

    /// `serve` on ports that the system chooses.
    static func serve(
        _ arguments: [String], environment: [String: String] = [:], folder: TemporaryFolder? = nil
    ) throws -> GatewayProcess {
        let folder = try folder ?? TemporaryFolder()
        // Open to the user postgres, as whom an embedded Postgres runs for root, so that it leaves nothing elsewhere.
        try? FileManager.default.createDirectory(
            atPath: "\(folder.path)/state", withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755])
        return try GatewayProcess(
            ["serve", "--state-dir", "state", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
                + arguments,
            environment: environment, folder: folder)
    }

    /// Runs a command to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], folder: TemporaryFolder? = nil,
        input: String = ""
    ) async throws -> Ended {
        let process = try GatewayProcess(arguments, environment: environment, folder: folder, input: input)
        let status = try await process.ended(within: .seconds(60))
        return Ended(status: status, output: process.output, errors: process.errors)
    }

    var isRunning: Bool { process.isRunning }
    var errors: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }
    var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }

    /// The log so far.
    var events: [[String: Any]] {
        errors.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }

    func names() -> [String] { events.compactMap { $0["event"] as? String } }

    func signal(_ number: Int32) {
        kill(process.processIdentifier, number)
    }

    /// The first log line with these fields, waiting for it.
    @discardableResult
    func event(
        _ name: String, _ fields: [String: String] = [:], within limit: Duration = .seconds(20)
    ) async throws -> [String: Any] {
        let deadline = ContinuousClock.now + limit
        while true {
            let found = events.first { line in
                line["event"] as? String == name && fields.allSatisfy { line[$0.key] as? String == $0.value }
            }
            if let found { return found }
            try #require(process.isRunning && ContinuousClock.now < deadline, "no \(name) in:\n\(errors)")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Where a listener was bound.
    func address(_ listener: String) async throws -> String {
        try #require(try await event("listening", ["listener": listener])["address"] as? String)
    }

    /// The exit status, waiting for the end; of an end by a signal the signal's number plus 1000.
    func ended(within limit: Duration) async throws -> Int32 {
        let deadline = ContinuousClock.now + limit
        while process.isRunning {
            try #require(ContinuousClock.now < deadline, "still running after \(limit):\n\(errors)")
            try await Task.sleep(for: .milliseconds(5))
        }
        return process.terminationReason == .exit
            ? process.terminationStatus : 1_000 + process.terminationStatus
    }

    /// Asks one of the listeners with curl: the status and the body.
    static func ask(_ url: String, _ arguments: [String] = []) async throws -> (status: Int, body: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["curl", "-s", "-m", "10", "-w", "\n%{http_code}", url] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.begin()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitForEnd()
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
    }
}

import Foundation
import Synchronization
import TestSupport

/// A TLS server on loopback with a certificate for the address 127.0.0.1, and for no name, from its own authority.
final class TLSServer: Sendable {
    let port: Int
    let caFile: String
    private let folder: URL
    private let process: Mutex<Process?>

    /// `alternativeNames` as openssl takes an extension; nil for a certificate with none.
    init(
        body: [UInt8], commonName: String = "test", alternativeNames: String? = "subjectAltName=IP:127.0.0.1"
    ) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "poolgate-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let (key, certificate) = (folder.path + "/key.pem", folder.path + "/certificate.pem")
        caFile = certificate
        let made = try Self.start(
            "openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(commonName)",
                "-keyout",
                key,
                "-out", certificate,
            ] + (alternativeNames.map { ["-addext", $0] } ?? []), output: nil)
        made.waitForEnd()
        try Data(body).write(to: folder.appendingPathComponent("body"))
        let output = Pipe()
        let server = try Self.start(
            "python3", ["-c", Self.script, certificate, key, folder.path + "/body"], output: output)
        process = Mutex(server)
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        port =
            try Int(line.trimmingCharacters(in: .whitespacesAndNewlines))
            ?? { throw CocoaError(.fileReadUnknown) }()
    }

    deinit {
        // SIGKILL: the server inherits a thread of Dispatch's signal mask, in which SIGTERM is blocked.
        process.withLock { if let process = $0 { _ = kill(process.processIdentifier, SIGKILL) } }
        try? FileManager.default.removeItem(at: folder)
    }

    private static func start(_ program: String, _ arguments: [String], output: Pipe?) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardOutput = output ?? FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.begin()
        return process
    }

    private static let script = """
        import http.server, ssl, sys
        body = open(sys.argv[3], 'rb').read()
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """
}

import Glibc
import Synchronization

/// A TCP server on loopback that answers each connection with bytes of the test's choice, a thread for each.
final class LocalServer: Sendable {
    /// What to do with a connection once a request's head has come.
    enum Reply: Sendable {
        /// Send these bytes and close.
        case bytes([UInt8])
        /// Send the first bytes, then the others again and again, so many microseconds apart, until the peer goes.
        case drip([UInt8], then: [UInt8], every: UInt32)
        /// Say nothing until the peer goes.
        case hang
        /// Close at once.
        case close
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())
    private let reply: @Sendable (String) -> Reply

    private struct State {
        var heads: [String] = []
        var open = 0
        var mostOpen = 0
    }

    /// Heads of the requests that came.
    var heads: [String] { state.withLock { $0.heads } }
    var openCount: Int { state.withLock { $0.open } }
    var mostOpen: Int { state.withLock { $0.mostOpen } }

    /// Listens on a port of the system's choice; `reply` gets each request's head.
    init(_ reply: @escaping @Sendable (String) -> Reply) throws {
        self.reply = reply
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listener = socket
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 1_024) == 0
                    && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound else { throw Failure() }
        port = Int(UInt16(bigEndian: address.sin_port))
        Self.thread { [weak self] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                guard let server = self else { return }
                Self.thread { server.serve(connection) }
            }
        }
    }

    deinit { stop() }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    struct Failure: Error {}

    /// An answer with a Content-Length.
    static func answer(_ status: String = "200 OK", _ headers: [String] = [], _ body: [UInt8]) -> Reply {
        let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)", "Connection: close"] + headers
        return .bytes(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    private func serve(_ connection: Int32) {
        state.withLock {
            $0.open += 1
            $0.mostOpen = max($0.mostOpen, $0.open)
        }
        defer {
            close(connection)
            state.withLock { $0.open -= 1 }
        }
        var head: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while head.suffix(4) != [13, 10, 13, 10] {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            head += buffer[..<count]
        }
        let text = String(decoding: head, as: UTF8.self)
        state.withLock { $0.heads.append(text) }
        switch reply(text) {
        case .bytes(let bytes): send(bytes, to: connection)
        case .drip(let first, let bytes, let microseconds):
            guard send(first, to: connection) else { return }
            while send(bytes, to: connection) { usleep(microseconds) }
        case .hang: while recv(connection, &buffer, buffer.count, 0) > 0 {}
        case .close: break
        }
    }

    @discardableResult
    private func send(_ bytes: [UInt8], to connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private final class Job {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let job = Unmanaged.passRetained(Job(body))
        pthread_create(
            &thread, nil,
            { address in
                if let address { Unmanaged<Job>.fromOpaque(address).takeRetainedValue().body() }
                return nil
            }, job.toOpaque())
        pthread_detach(thread)
    }
}

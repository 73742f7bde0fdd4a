import HTTPMessage
import Testing

@testable import HTTP1

/// The handshake as RFC 6455 §4 writes it.
@Suite struct WebSocketHandshakeTests {
    /// The example of RFC 6455 §1.3.
    private static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    private func asked(
        _ start: String = "GET /chat HTTP/1.1",
        _ fields: [String] = [
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(key)",
            "Sec-WebSocket-Version: 13",
        ]
    ) throws -> UpgradeRequest {
        let text = ([start, "Host: a"] + fields + ["", ""]).joined(separator: "\r\n")
        var parser = RequestHeadParser(limits: HeadLimits())
        return try Array(text.utf8).withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            return parser.head.upgrade
        }
    }

    @Test("A handshake by the book is one, in any letter case and among other words")
    func accepted() throws {
        #expect(try asked() == .webSocket)
        #expect(
            try asked(
                "GET / HTTP/1.1",
                [
                    "UPGRADE: h2c, WebSocket", "connection: keep-alive, UPGRADE",
                    "sec-websocket-key: \(Self.key)",
                    "sec-websocket-version: 13", "Content-Length: 0",
                ]) == .webSocket)
    }

    @Test(
        "What asks for no WebSocket, or says so on one side only, asks for nothing",
        arguments: [
            ["Upgrade: h2c", "Connection: Upgrade"], ["Upgrade: websocket"],
            ["Upgrade: websocket", "Connection: keep-alive"], ["Upgrade: websockets", "Connection: Upgrade"],
            [],
        ])
    func plain(fields: [String]) throws {
        #expect(try asked("GET / HTTP/1.1", fields) == .none)
        #expect(try asked("GET / HTTP/1.0", ["Upgrade: websocket", "Connection: Upgrade"]) == .none)
    }

    @Test(
        "A handshake that breaks a rule is a bad one",
        arguments: [
            ("POST", ["Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13"]),
            ("GET", ["Sec-WebSocket-Version: 13"]), ("GET", ["Sec-WebSocket-Key: \(key)"]),
            ("GET", ["Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13"]),
            ("GET", ["Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13"]),
            ("GET", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", "Sec-WebSocket-Version: 13"]),
            ("GET", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==", "Sec-WebSocket-Version: 13"]),
            ("GET", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!==", "Sec-WebSocket-Version: 13"]),
            ("GET", ["Sec-WebSocket-Key: \(key)", "Sec-WebSocket-Version: 13", "Content-Length: 1"]),
        ])
    func bad(method: String, fields: [String]) throws {
        #expect(
            try asked("\(method) / HTTP/1.1", ["Upgrade: websocket", "Connection: Upgrade"] + fields)
                == .badWebSocket)
    }

    @Test("Another version is told from a bad handshake")
    func version() throws {
        for version in ["8", "013", "13, 8", ""] {
            #expect(
                try asked(
                    "GET / HTTP/1.1",
                    [
                        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: \(Self.key)",
                        "Sec-WebSocket-Version: \(version)",
                    ]) == .otherWebSocketVersion)
        }
    }

    private func agreed(_ fields: [String]) throws -> Bool {
        let text = (["HTTP/1.1 101 Switching Protocols"] + fields + ["", ""]).joined(separator: "\r\n")
        var parser = ResponseHeadParser(limits: HeadLimits())
        return try Array(text.utf8).withUnsafeBytes { bytes in
            try #require(parser.parse(bytes) == .complete)
            return WebSocketHandshake.isAgreed(parser.head.fields, bytes, key: Array(Self.key.utf8))
        }
    }

    @Test("The answer must agree to WebSocket with the hash of this key")
    func agreement() throws {
        let upgrade = ["Upgrade: websocket", "Connection: upgrade"]
        let right = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        #expect(try agreed(upgrade + [right]))
        #expect(try !agreed(upgrade))
        #expect(try !agreed(upgrade + [right, right]))
        #expect(try !agreed(upgrade + ["Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="]))
        #expect(try !agreed(["Upgrade: websocket", right]))
        #expect(try !agreed(["Connection: upgrade", right]))
        #expect(try !agreed(["Upgrade: websocket", "Upgrade: websocket", "Connection: upgrade", right]))
        #expect(try !agreed(["Upgrade: h2c", "Connection: upgrade", right]))
    }
}

@Suite struct WebSocketFramesTests {
    /// A frame of so many bytes of payload.
    private static func frame(_ count: Int, isMasked: Bool = false) -> [UInt8] {
        let mask: UInt8 = isMasked ? 0x80 : 0
        var bytes: [UInt8] = [0x82]
        switch count {
        case ..<126: bytes.append(mask | UInt8(count))
        case ..<65_536: bytes += [mask | 126, UInt8(count >> 8), UInt8(count & 255)]
        default: bytes += [mask | 127, 0, 0, 0, 0] + [24, 16, 8, 0].map { UInt8(count >> $0 & 255) }
        }
        return bytes + [UInt8](repeating: 7, count: (isMasked ? 4 : 0) + count)
    }

    private static let sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]

    @Test(
        "The boundary after a frame of any length is found, however the bytes come", arguments: sizes,
        [false, true])
    func boundaries(size: Int, isMasked: Bool) {
        let bytes = Self.frame(size, isMasked: isMasked)
        for step in [1, 2, 3, 1000, bytes.count] {
            var frames = WebSocketFrames()
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + step)
                if start > 0 { #expect(!frames.isAtBoundary) }
                let followed = bytes[start..<end].withUnsafeBytes { frames.advance($0, toBoundary: false) }
                #expect(followed == end - start)
                start = end
            }
            #expect(frames.isAtBoundary)
        }
    }

    @Test("Looking for a boundary stops at the first one, which may be the beginning")
    func firstBoundary() {
        let bytes = Self.frame(5) + Self.frame(3)
        var frames = WebSocketFrames()
        func advance(_ range: Range<Int>, toBoundary: Bool) -> Int {
            bytes[range].withUnsafeBytes { frames.advance($0, toBoundary: toBoundary) }
        }
        #expect(advance(0..<12, toBoundary: true) == 0)
        #expect(advance(0..<3, toBoundary: false) == 3)
        #expect(advance(3..<12, toBoundary: true) == 4)
        #expect(frames.isAtBoundary)
        #expect(advance(7..<12, toBoundary: false) == 5)
    }

    @Test("A length that no frame may have is followed without a trap")
    func longest() {
        var frames = WebSocketFrames()
        let bytes: [UInt8] = [0x82] + [UInt8](repeating: 0xFF, count: 9) + [1, 2, 3, 4, 5]
        #expect(bytes.withUnsafeBytes { frames.advance($0, toBoundary: false) } == 15)
        #expect(!frames.isAtBoundary)
    }
}

import HTTP1
import HTTPMessage
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import DataPlane

/// What upstreams write loosely reaches clients strictly: read by our parser, written anew, and read by SwiftNIO's
/// decoder, which is llhttp without any leniency.
@Suite struct ResponseRewritingTests {
    /// What llhttp makes of a response.
    private struct Reading: Equatable {
        var status = 0
        var fields: [[String]] = []
        var body: [UInt8] = []
        var isWhole = false
    }

    private struct Unreadable: Error {
        let flaw: MessageFlaw
    }

    /// The bytes for the client; `cuts` says how many bytes come at a time.
    private func rewritten(_ response: LooseResponse, cuts: () -> Int) throws -> [UInt8] {
        var parser = ResponseHeadParser(limits: .responses)
        parser.reset(isHeadRequest: response.isHead)
        var seen = 0
        reading: while true {
            seen = min(response.wire.count, seen + cuts())
            switch response.wire[..<seen].withUnsafeBytes({ parser.parse($0) }) {
            case .needMore: if seen == response.wire.count { throw Unreadable(flaw: .badStartLine) }
            case .complete: break reading
            case .flaw(let flaw): throw Unreadable(flaw: flaw)
            }
        }
        var framing = parser.head.framing
        if framing == .untilClose { framing = .chunked }
        var output = ByteBuffer()
        response.wire.withUnsafeBytes { bytes in
            ResponseHeadWriter.write(
                parser.head, bytes,
                .init(
                    framing: framing, describedLength: parser.head.contentLength, closes: false,
                    saysKeepAlive: false),
                id: .none, into: &output)
        }
        var body = ByteBuffer(bytes: response.wire[parser.head.headLength...])
        switch parser.head.framing {
        // What follows a response is nobody's.
        case .none: if body.readableBytes > 0 { throw Unreadable(flaw: .badChunk) }
        case .length(let length):
            if length != UInt64(body.readableBytes) { throw Unreadable(flaw: .badContentLength) }
        case .chunked:
            try rechunk(&body, into: &output)
            return Array(output.readableBytesView)
        case .untilClose:
            output.writeChunk(&body, count: body.readableBytes)
            output.writeStaticString("0\r\n\r\n")
        }
        output.writeBuffer(&body)
        return Array(output.readableBytesView)
    }

    private func rechunk(_ body: inout ByteBuffer, into output: inout ByteBuffer) throws {
        var chunks = ChunkedBody(limits: .responses, isLenient: true)
        while true {
            switch body.withUnsafeReadableBytes({ chunks.next($0) }) {
            case .needMore: throw Unreadable(flaw: .badChunk)
            case .flaw(let flaw): throw Unreadable(flaw: flaw)
            case .payload(let skipped, let count):
                body.moveReaderIndex(forwardBy: skipped)
                output.writeChunk(&body, count: count)
            case .end(let used):
                output.writeStaticString("0\r\n")
                if let trailers = TrailerSection(chunks, body) {
                    TrailerWriter.write(trailers, into: &output)
                }
                output.writeStaticString("\r\n")
                body.moveReaderIndex(forwardBy: used)
                return
            }
        }
    }

    private func referee(_ bytes: [UInt8], isHead: Bool) throws -> Reading {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        try channel.writeOutbound(
            HTTPClientRequestPart.head(
                HTTPRequestHead(version: .http1_1, method: isHead ? .HEAD : .GET, uri: "/")))
        try channel.writeInbound(ByteBuffer(bytes: bytes))
        var reading = Reading()
        while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head):
                reading.status = Int(head.status.code)
                // The gateway's own lines.
                let framing: Set = ["content-length", "transfer-encoding", "connection", "x-request-id"]
                reading.fields = head.headers.filter { !framing.contains($0.name.lowercased()) }.map {
                    [$0.name, String($0.value.reversed().drop { $0 == "\t" || $0 == " " }.reversed())]
                }
            case .body(let body): reading.body += body.readableBytesView
            case .end: reading.isWhole = true
            }
        }
        return reading
    }

    @Test("Whatever is loose about a response, llhttp reads of it what the upstream meant")
    func generated() throws {
        var generator = LooseResponseGenerator(seed: 20_261_125)
        for _ in 0..<8_000 {
            let response = generator.response()
            let expected = Reading(
                status: response.status, fields: response.fields, body: response.body, isWhole: true)
            let step = [1, 3, 17, 10_000][generator.below(4)]
            let text = String(decoding: response.wire, as: UTF8.self).debugDescription
            do {
                let bytes = try rewritten(response) { step }
                let reading = try referee(bytes, isHead: response.isHead)
                #expect(reading == expected, "\(text)")
                if reading != expected { return }
            } catch {
                Issue.record("\(error) \(text)")
                return
            }
        }
    }

    @Test("Spoiled responses are refused, or written so that llhttp reads them")
    func spoiled() throws {
        var generator = LooseResponseGenerator(seed: 7)
        let bytes: [UInt8] = [0, 1, 9, 10, 11, 13, 32, 0x2C, 0x3A, 0x30, 0x7F, 0x80, 0x41]
        var accepted = 0
        for _ in 0..<8_000 {
            var response = generator.response()
            for _ in 0...generator.below(3) {
                let place = generator.below(response.wire.count)
                switch generator.below(3) {
                case 0: response.wire[place] = bytes[generator.below(bytes.count)]
                case 1: response.wire.remove(at: place)
                default: response.wire.insert(bytes[generator.below(bytes.count)], at: place)
                }
                if response.wire.isEmpty { response.wire = [13] }
            }
            guard let written = try? rewritten(response, cuts: { 10_000 }) else { continue }
            accepted += 1
            let text = String(decoding: response.wire, as: UTF8.self).debugDescription
            let reading = try? referee(written, isHead: response.isHead)
            #expect(reading?.isWhole == true, "\(text)")
            if reading?.isWhole != true { return }
        }
        #expect(accepted > 800)
    }

    @Test("A line that is written loosely is passed on strictly, one that is not as it is")
    func strictLines() throws {
        let text = "HTTP/1.1 200 OK\nA : b\nC: d\r\n e\r\nConnection: G\r\nG: 1\r\nH: i\r\n\r\n"
        var parser = ResponseHeadParser(limits: .responses)
        var output = ByteBuffer()
        Array(text.utf8).withUnsafeBytes { bytes in
            #expect(parser.parse(bytes) == .complete)
            ResponseHeadWriter.writeInterim(parser.head, bytes, into: &output)
        }
        #expect(String(buffer: output) == "HTTP/1.1 200 OK\r\nA: b\r\nC: d e\r\nH: i\r\n\r\n")
    }
}

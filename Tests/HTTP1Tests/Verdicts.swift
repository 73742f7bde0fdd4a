import HTTP1
import HTTPMessage
import NIOCore
import NIOEmbedded
import NIOHTTP1

/// What a head says, in terms that both parsers know.
struct ParsedHead: Equatable {
    var method: String
    var target: String
    var minorVersion: Int
    /// Names as written, values without white space around them; bytes as Latin-1.
    var fields: [[String]]
    var isChunked: Bool
    var contentLength: String?
}

/// What a parser makes of some bytes.
enum HeadVerdict: Equatable {
    case accepted(ParsedHead)
    case refused(String)
    case incomplete
}

/// Bounds small enough for the generator to meet them.
let smallLimits: HeadLimits = {
    var limits = HeadLimits()
    limits.headBytes = 1600
    limits.targetBytes = 500
    limits.fieldCount = 14
    limits.fieldBytes = 500
    return limits
}()

func latin1(_ bytes: some Sequence<UInt8>) -> String {
    var text = ""
    for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
    return text
}

/// Our parser's verdict; `pieces` feeds the bytes in so many steps.
func ourVerdict(_ head: [UInt8], limits: HeadLimits = smallLimits, ends: [Int]? = nil) -> (
    HeadVerdict, MessageFlaw?
) {
    var parser = RequestHeadParser(limits: limits)
    for end in ends ?? [head.count] {
        let progress = head.withUnsafeBytes { parser.parse(UnsafeRawBufferPointer(rebasing: $0[..<end])) }
        switch progress {
        case .needMore: continue
        case .flaw(let flaw): return (.refused(flaw.rawValue), flaw)
        case .complete:
            func text(_ slice: HeadSlice) -> String { latin1(head[slice.range]) }
            let line = parser.head.fields.isEmpty ? head.count : Int(parser.head.fields[0].line.start) - 2
            let target =
                latin1(head[Int(parser.head.methodName.end)..<min(line, head.count)]).split(separator: " ")
                .first.map(String.init) ?? ""
            var length: String?
            if case .length(let bytes) = parser.head.framing { length = String(bytes) }
            return (
                .accepted(
                    ParsedHead(
                        method: text(parser.head.methodName), target: target,
                        minorVersion: parser.head.isHTTP10 ? 0 : 1,
                        fields: parser.head.fields.map { [text($0.name), text($0.value)] },
                        isChunked: parser.head.framing == .chunked, contentLength: length)),
                nil
            )
        }
    }
    return (.incomplete, nil)
}

/// The verdict of SwiftNIO's decoder, which is llhttp without any leniency.
func refereeVerdict(_ head: [UInt8]) -> HeadVerdict {
    let channel = EmbeddedChannel(
        handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
    defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
    do {
        try channel.writeInbound(ByteBuffer(bytes: head))
        guard case .head(let parsed)? = try channel.readInbound(as: HTTPServerRequestPart.self) else {
            return .incomplete
        }
        let fields = parsed.headers.map { [latin1($0.name.utf8), latin1($0.value.utf8)] }
        return .accepted(
            ParsedHead(
                method: parsed.method.rawValue, target: latin1(parsed.uri.utf8),
                minorVersion: parsed.version.minor, fields: fields,
                isChunked: parsed.headers["transfer-encoding"].contains {
                    $0.lowercased().hasSuffix("chunked")
                },
                contentLength: parsed.headers["content-length"].first.flatMap { UInt64($0) }.map(String.init))
        )
    } catch {
        return .refused("\(error)")
    }
}

import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore

/// The keys that assertions are verified by, shown by the proxy itself to whoever asks, for every host.
extension Exchange {
    /// Responds with them where the request asks for them; false for every other request, and where there are none.
    func showKeySet() -> Bool {
        guard question == nil, head.method == .get || head.method == .head, head.targetForm != .asterisk,
            let keySet = worker.judge.keySet, asksForKeySet
        else { return false }
        var parser = ResponseHeadParser(limits: .responses)
        parser.reset(isHeadRequest: head.method == .head)
        let text = Array(
            ("HTTP/1.1 200 OK\r\nDate: \(String(decoding: worker.clock.date(), as: UTF8.self))\r\n"
                + "Content-Type: application/json\r\nCache-Control: \(KeySetCaching.value)\r\n"
                + "Content-Length: \(keySet.count)\r\n\r\n").utf8)
        guard text.withUnsafeBytes({ parser.parse($0) }) == .complete else { return false }
        machine.responded()
        noteStatus(parser.head.status)
        text.withUnsafeBytes { client?.beginResponse(parser.head, $0) }
        if head.method == .get { client?.sendBody(ByteBuffer(bytes: keySet)) }
        client?.endBody(nil)
        perform(.finish)
        return true
    }

    private var asksForKeySet: Bool {
        headBytes.withUnsafeReadableBytes { bytes in
            bytes[head.path.range].elementsEqual(KeySetCaching.path.utf8)
        }
    }
}

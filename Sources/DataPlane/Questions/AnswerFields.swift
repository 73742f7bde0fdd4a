import Gatekeeper
import NIOCore

/// The fields of an answer that says yes by HTTP, as lines of HTTP/1 for either wire: who is calling, and to Envoy what is
/// to be removed.
enum AnswerFields {
    /// About how many bytes they take.
    static func expectedBytes(_ answer: Answer) -> Int {
        (answer.identity?.headerLines.count ?? 0) + (answer.assertion?.lineBytes ?? 0)
            + answer.changes.removed.reduce(0) { $0 + $1.count + 1 }
            + (answer.changes.cookies?.count ?? 0) + Limits.answerBytes
    }

    /// Writes them; `date` is rendered.
    static func write(_ answer: Answer, date: [UInt8], into output: inout HeadCursor) {
        // The same question may have another answer the next moment.
        output.write("Cache-Control: no-store\r\nDate: ")
        output.write(date)
        output.write("\r\nX-Request-Id: ")
        answer.id.write(into: &output)
        output.write("\r\n")
        if let identity = answer.identity { output.write(identity.headerLines) }
        if let assertion = answer.assertion { output.write(assertion.line) }
        if let cookies = answer.changes.cookies {
            output.write("Cookie: ")
            output.write(cookies)
            output.write("\r\n")
        }
        guard !answer.changes.removed.isEmpty else { return }
        output.write("X-Envoy-Auth-Headers-To-Remove: ")
        output.write(Array(answer.changes.removed.joined(separator: [UInt8(ascii: ",")])))
        output.write("\r\n")
    }
}

/// Writes an answer that says yes as a response of HTTP/1.
enum AnswerWriter {
    /// How the connection goes on behind it.
    struct Circumstances {
        var closes: Bool
        /// HTTP/1.0 callers must hear that the connection stays open.
        var saysKeepAlive: Bool
        /// `Date`, rendered.
        var date: [UInt8]
    }

    /// Appends the response, which has no body.
    static func write(_ answer: Answer, _ circumstances: Circumstances, into buffer: inout ByteBuffer) {
        buffer.writeHead(expected: AnswerFields.expectedBytes(answer)) { output in
            output.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
            AnswerFields.write(answer, date: circumstances.date, into: &output)
            if circumstances.closes {
                output.write("Connection: close\r\n")
            } else if circumstances.saysKeepAlive {
                output.write("Connection: keep-alive\r\n")
            }
            output.write("\r\n")
        }
    }
}

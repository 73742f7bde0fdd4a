import TestSupport

/// A response as a loose upstream writes it, and what it means.
struct LooseResponse {
    var wire: [UInt8] = []
    var isHead = false
    var status = 200
    /// Names and values that reach the client.
    var fields: [[String]] = []
    var body: [UInt8] = []
}

/// Writes responses by a grammar of everything that RFC 9112 lets a recipient read: what each means is known because
/// it was chosen before it was spelled.
struct LooseResponseGenerator {
    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func response() -> LooseResponse {
        var response = LooseResponse()
        response.isHead = chance(8)
        response.status = pick([200, 200, 201, 204, 304, 404, 500, 599, 600, 777, 999])
        let reason = pick(["", " ", " OK", " Not  Found", " a\tb"])
        response.wire += Array("HTTP/1.1 \(response.status)\(reason)\(lineEnd())".utf8)
        for _ in 0..<below(6) {
            let name = pick(["X-A", "x-b", "Set-Cookie", "ETag", "X_C.d", "Host", "Expect", "Via"])
            let words = (0..<below(4)).map { _ in pick(["a", "b\tc", "\"q, r\"", "k=v;", "x  y", "5"]) }
            response.fields.append([name, words.joined(separator: " ")])
            response.wire += Array((name + colon() + spelled(words) + lineEnd()).utf8)
        }
        if chance(6) {
            response.wire += Array(
                ("Connection" + colon() + spelled(["close,", "X-Gone,"]) + lineEnd()).utf8)
            response.wire += Array(("X-GONE" + colon() + "1" + lineEnd()).utf8)
        }
        end(&response)
        return response
    }

    /// The fields that frame, the empty line, and the body.
    private mutating func end(_ response: inout LooseResponse) {
        let hasBody = !response.isHead && response.status != 204 && response.status != 304
        let body = (0..<below(60)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let chunked = "Transfer-Encoding" + colon() + pick(["chunked", "Chunked"])
        let lengths = pick(["\(body.count)", "\(body.count), \(body.count)", "0\(body.count)"])
        let length = "Content-Length" + colon() + lengths
        switch below(hasBody ? 3 : 4) {
        case 0:
            for _ in 0...below(2) { response.wire += Array((length + lineEnd()).utf8) }
            response.wire += Array(lineEnd().utf8)
            if hasBody { response.wire += body }
        case 1:
            response.wire += Array((chunked + lineEnd() + lineEnd()).utf8)
            if hasBody { writeChunks(body, into: &response.wire) }
        case 2:
            response.wire += Array(lineEnd().utf8)
            if hasBody { response.wire += body }
        default: response.wire += Array((chunked + lineEnd() + length + lineEnd() + lineEnd()).utf8)
        }
        if hasBody { response.body = body }
    }

    private mutating func writeChunks(_ body: [UInt8], into wire: inout [UInt8]) {
        var rest = body[...]
        while !rest.isEmpty {
            let part = rest.prefix(1 + below(20))
            rest = rest.dropFirst(part.count)
            let size = String(part.count, radix: 16, uppercase: chance(2))
            wire +=
                Array((size + pick(["", "", " ", "\t  ", ";x", " ;x=y"]) + "\r\n").utf8) + part + [13, 10]
        }
        wire += Array(pick(["0\r\n\r\n", "00 \r\n\r\n", "0;x\r\n\r\n"]).utf8)
    }

    // MARK: Spelling

    private mutating func lineEnd() -> String { chance(3) ? "\n" : "\r\n" }

    private mutating func colon() -> String { pick([": ", ":", " :", "\t: ", ":\t ", " \t :  "]) }

    /// The words, with spaces or folds between them and behind them.
    private mutating func spelled(_ words: [String]) -> String {
        var text = ""
        for (index, word) in words.enumerated() {
            if index > 0 {
                text += chance(3) ? pick(["", " ", "\t "]) + lineEnd() + pick([" ", "\t", "  \t"]) : " "
            }
            if index == 0, chance(6) { text += lineEnd() + " " }
            text += word
        }
        return text + (chance(8) ? lineEnd() + pick([" ", " \t"]) : pick(["", " ", "\t"]))
    }

    // MARK: Chance

    mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

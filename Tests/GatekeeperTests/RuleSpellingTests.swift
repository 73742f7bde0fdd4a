import HTTPMessage
import TestSupport
import Testing

@testable import Gatekeeper

/// No spelling of a path or method escapes its rule.
@Suite struct RuleSpellingTests {
    let fixture: PoolFixture
    var bench = Bench()
    var random = SeededGenerator(seed: 11)

    init() throws {
        fixture = try PoolFixture()
        bench.judge.snapshot.setKeys(try fixture.keys(), of: fixture.pool)
    }

    /// Bytes that a path may hold, decoded: all that stand for themselves in one, and some that must be encoded.
    private static let characters =
        Array("abzAZ09-._~!$&'()*+,=:@".utf8).map { [$0] }
        + [[0x20], Array("\"".utf8), Array("<".utf8), Array("é".utf8), Array("漢".utf8), Array("{".utf8)]

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int(random.next() % UInt64(elements.count))]
    }

    private mutating func segment() -> [UInt8] {
        let segment = (0..<(1 + Int(random.next() % 4))).flatMap { _ in pick(Self.characters) }
        return segment.allSatisfy { $0 == ASCII.dot } ? Array("dots".utf8) : segment
    }

    private mutating func path(_ segments: Int) -> [UInt8] {
        (0..<segments).flatMap { _ in [ASCII.slash] + segment() }
    }

    private static func mustBeEncoded(_ byte: UInt8) -> Bool {
        byte >= 0x7F || byte <= 0x20 || "\"<>{}|^`%".utf8.contains(byte)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetterOrDigit(byte) || "-._~".utf8.contains(byte)
    }

    /// As a row may write it: unreserved characters plain, others plain or encoded as chance has it.
    private mutating func prefix(_ path: [UInt8]) -> String {
        spelled(path) { byte, random in
            guard !Self.isUnreserved(byte) else { return nil }
            return Self.mustBeEncoded(byte) || random.next() % 2 == 0 ? PathSpelling.upper : nil
        }
    }

    /// As a client may write it: anything encoded but slashes, in either letter case.
    private mutating func spelling(_ path: [UInt8], oneIn: UInt64 = 2) -> String {
        spelled(path) { byte, random in
            guard Self.mustBeEncoded(byte) || random.next() % oneIn == 0 else { return nil }
            return random.next() % 2 == 0 ? PathSpelling.upper : PathSpelling.lower
        }
    }

    private enum PathSpelling { case upper, lower }

    private mutating func spelled(
        _ path: [UInt8], _ choose: (UInt8, inout SeededGenerator) -> PathSpelling?
    ) -> String {
        var text: [UInt8] = []
        for byte in path {
            guard byte != ASCII.slash, let spelling = choose(byte, &random) else {
                text.append(byte)
                continue
            }
            let digits = [ASCII.hexDigit(byte >> 4), ASCII.hexDigit(byte & 15)]
            text += [UInt8(ascii: "%")] + (spelling == .upper ? digits : digits.map(ASCII.lowered))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func serve(_ rules: [String]) throws {
        let rows = rules.enumerated().map { "{\"id\":\($0.offset + 1),\($0.element)}" }
        try bench.serve(Bench.row(fixture) { $0.rules = "[\(rows.joined(separator: ","))]" })
    }

    private static func rule(_ prefix: String, _ rest: String) -> String {
        let escaped = prefix.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"path_prefix\":\"\(escaped)\",\(rest)"
    }

    @Test(
        "Whatever stands below a prefix is under its rule in every spelling of either, and goes upstream in one spelling"
    )
    mutating func spellings() throws {
        for _ in 0..<300 {
            let covered = path(1 + Int(random.next() % 2))
            try serve([
                Self.rule("/", #""access":"public""#),
                Self.rule(prefix(covered), #""access":"authenticated""#),
            ])
            let below = covered + (random.next() % 2 == 0 ? path(1) : [])
            var upstream: Set<[UInt8]> = []
            let token = try fixture.token()
            for _ in 0..<8 {
                let spelling = spelling(below)
                #expect(bench.judge(Asked { $0.path = spelling }) == "missing_token", "\(spelling)")
                let admission = try #require(bench.admission(Asked(token) { $0.path = spelling }))
                let sent = admission.path ?? Array(spelling.utf8)
                #expect(PercentEncoding.decoded(sent) == below)
                // What is not encoded at all goes on as it came; so does a reserved character, encoded or not.
                upstream.insert(
                    spelling.contains("%") ? sent.filter { Self.isUnreserved($0) || $0 == ASCII.slash } : sent
                )
                #expect(!Self.encodesUnreserved(sent), "\(spelling)")
            }
            // Beside it, nothing is under the rule.
            let beside = spelling(covered + Array("x".utf8))
            #expect(bench.judge(Asked { $0.path = beside }) == "admit", "\(beside)")
        }
    }

    /// Whether an encoding is in lower case, or needless.
    private static func encodesUnreserved(_ path: [UInt8]) -> Bool {
        path.indices.contains { index in
            guard path[index] == UInt8(ascii: "%") else { return false }
            let (high, low) = (path[index + 1], path[index + 2])
            guard let first = ASCII.hexValue(high), let second = ASCII.hexValue(low) else { return true }
            return ASCII.isLower(high) || ASCII.isLower(low) || isUnreserved(first << 4 | second)
        }
    }

    @Test("A path that is under the rule for whoever decodes it twice is not let past it")
    mutating func twice() throws {
        for _ in 0..<200 {
            let covered = path(1)
            try serve([
                Self.rule("/", #""access":"public""#),
                Self.rule(prefix(covered), #""access":"authenticated""#),
            ])
            let once = spelling(covered, oneIn: 1)
            let spelling = spelling(Array(once.utf8), oneIn: 3)
            let verdict = bench.judge(Asked { $0.path = spelling })
            #expect(["double_encoding", "missing_token"].contains(verdict), "\(spelling) \(verdict)")
        }
        // Where no rule differs, a percent sign that is meant is let pass.
        try serve([Self.rule("/", #""access":"public""#)])
        #expect(bench.judge(Asked { $0.path = "/50%2520off" }) == "admit")
    }

    @Test(
        "A method with a lower-case letter is refused where there are rules, whatever they say, and only there"
    )
    mutating func methods() throws {
        let methods = [
            "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "M-SEARCH", "X_Y",
        ]
        for rules in [
            [Self.rule("/orders", #""access":"authenticated","methods":["POST"],"every_scope":["x"]"#)],
            [Self.rule("/", #""access":"public""#)],
            [Self.rule("/other", #""access":"optional""#)],
        ] {
            try serve(rules)
            let token = try fixture.token()
            for method in methods {
                #expect(bench.judge(Asked(token) { $0.method = method }) != "method_case")
                for _ in 0..<4 {
                    var letters = Array(method.utf8)
                    let place = Int(random.next() % UInt64(letters.count))
                    letters[place] |= 0x20
                    if random.next() % 2 == 0 { letters = letters.map { ASCII.isUpper($0) ? $0 | 0x20 : $0 } }
                    let spelled = String(decoding: letters, as: UTF8.self)
                    guard letters.contains(where: ASCII.isLower) else { continue }
                    for asked in [Asked(token), Asked()] {
                        var asked = asked
                        asked.method = spelled
                        asked.path = "/orders/7"
                        asked.isPreflight = true
                        #expect(bench.judge(asked) == "method_case", "\(spelled)")
                    }
                }
            }
        }
        #expect(RequestRefusal.methodCase.row.status == .badRequest)
        try bench.serve(Bench.row(fixture))
        #expect(bench.judge(Asked(try fixture.token()) { $0.method = "post" }) == "admit")
    }
}

import HTTP1
import HTTPMessage
import Testing

/// Our parser against SwiftNIO's (llhttp 9.3, no leniency) on generated and mutated heads.
@Suite struct RefereeTests {
    /// Every kind of case in which the two may differ, with the section that decides it; nothing else may.
    static let listedDisagreements: [String: String] = [
        // We refuse, llhttp lets pass.
        "we refuse: bare_lf":
            "RFC 9112 §2.2: only CRLF may be counted on; llhttp lets lone LFs stand before a request",
        "we refuse: bare_cr": "RFC 9112 §2.2: a bare CR is invalid; llhttp lets it stand before a request",
        "we refuse: bad_method":
            "RFC 9112 §2.2: one empty line before a request at most; llhttp skips any number",
        "we refuse: bad_target": "RFC 9112 §3.2: four forms of target, no fragment, `*` only for OPTIONS",
        "we refuse: bad_start_line":
            "RFC 9112 §3: a start line has a version; llhttp takes one without for HTTP/0.9",
        "we refuse: bad_version": "RFC 9112 §2.3: the name is HTTP; llhttp knows RTSP and ICE",
        "we refuse: unsupported_version": "RFC 9110 §15.6.6: other versions than 1.0 and 1.1 are 505",
        "we refuse: missing_host": "RFC 9112 §3.2: a request without Host is 400",
        "we refuse: duplicate_host": "RFC 9112 §3.2: more than one Host is 400",
        "we refuse: bad_host": "RFC 9112 §3.2: an invalid Host is 400",
        "we refuse: host_mismatch": "RFC 9112 §3.2.2: Host and an absolute target must name one place",
        "we refuse: bad_content_length": "RFC 9112 §6.3: one decimal number, of at most 2^63 - 1",
        "we refuse: bad_transfer_encoding": "RFC 9112 §6.1: one `chunked` and nothing else",
        "we refuse: encoding_in_http_1_0": "RFC 9112 §6.1: Transfer-Encoding in HTTP/1.0 is faulty framing",
        "we refuse: bad_expectation": "RFC 9110 §10.1.1: an unknown expectation is 417",
        "we refuse: forbidden_method": "RFC 9110 §9.3.6, §9.3.8: CONNECT and TRACE are 405 here",
        "we refuse: target_too_long": "RFC 9112 §3: a bound of ours, 414",
        "we refuse: head_too_large": "RFC 6585 §5: a bound of ours, 431",
        "we refuse: field_too_large": "RFC 6585 §5: a bound of ours, 431",
        "we refuse: too_many_fields": "RFC 6585 §5: a bound of ours, 431",
        // We accept, llhttp refuses.
        "we accept: unknown method": "RFC 9110 §9.1: a method is any token; llhttp knows a list",
        // Both accept.
        "a tab behind a value":
            "RFC 9112 §5.1: white space around a value is no part of it; llhttp keeps trailing tabs",
        "bytes above ASCII in a value":
            "RFC 9110 §5.5: obs-text is carried as it is; SwiftNIO's String replaces it",
        // A head that has not ended.
        "llhttp refuses before the end":
            "RFC 9112 §2.2: a head is judged whole; nothing of it is forwarded before",
    ]

    static let cases = 100_000

    /// What became of one head.
    struct Outcome {
        let flaw: MessageFlaw?
        /// Nil where both came to the same.
        let disagreement: String?
        let isAcceptedByBoth: Bool
        let refereeAccepts: Bool
        let sample: String
    }

    static let outcomes: [Outcome] = {
        var generator = HeadGenerator(seed: 20_260_101)
        return (0..<cases).map { _ in outcome(of: generator.head()) }
    }()

    static func outcome(of head: [UInt8]) -> Outcome {
        let (ours, flaw) = ourVerdict(head)
        // What follows a head that we accept is the body's affair.
        let judged = headBytes(head, ours)
        let theirs = refereeVerdict(judged)
        var disagreement: String?
        switch (ours, theirs) {
        case (.accepted(let mine), .accepted(let other)) where mine == other: break
        case (.accepted(let mine), .accepted(let other)):
            if mine == withoutTrailingTabs(other) {
                disagreement = "a tab behind a value"
            } else if withoutTrailingTabs(inASCII(mine)) == withoutTrailingTabs(inASCII(other)) {
                disagreement = "bytes above ASCII in a value"
            } else {
                disagreement = "both accept and read differently"
            }
        case (.accepted(let mine), .refused(let error)):
            disagreement =
                error == "invalid HTTP method" && !knownMethods.contains(mine.method)
                ? "we accept: unknown method" : "we accept: \(error)"
        case (.refused(let word), .accepted), (.refused(let word), .incomplete):
            disagreement = "we refuse: \(word)"
        case (.incomplete, .refused): disagreement = "llhttp refuses before the end"
        case (.incomplete, .accepted): disagreement = "we wait: it accepts"
        case (.accepted, .incomplete): disagreement = "we accept: it waits"
        case (.refused, .refused), (.incomplete, .incomplete): break
        }
        var areBoth = false
        if case .accepted = ours, case .accepted = theirs { areBoth = true }
        var refereeAccepts = false
        if case .accepted = theirs { refereeAccepts = true }
        if case .incomplete = theirs { refereeAccepts = true }
        return Outcome(
            flaw: flaw, disagreement: disagreement, isAcceptedByBoth: areBoth, refereeAccepts: refereeAccepts,
            sample: latin1(head))
    }

    private static let knownMethods: Set = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"]

    private static func headBytes(_ head: [UInt8], _ verdict: HeadVerdict) -> [UInt8] {
        guard case .accepted = verdict else { return head }
        var parser = RequestHeadParser(limits: smallLimits)
        _ = head.withUnsafeBytes { parser.parse($0) }
        return Array(head[..<parser.head.headLength])
    }

    /// Without the bytes of values that SwiftNIO replaces.
    private static func inASCII(_ head: ParsedHead) -> ParsedHead {
        var head = head
        for index in head.fields.indices {
            head.fields[index][1].unicodeScalars.removeAll { $0.value > 0x7F }
        }
        return head
    }

    private static func withoutTrailingTabs(_ head: ParsedHead) -> ParsedHead {
        var head = head
        for index in head.fields.indices {
            while let last = head.fields[index][1].last, last == "\t" || last == " " {
                head.fields[index][1].removeLast()
            }
        }
        return head
    }

    /// What is wrong with a run of the suite: unlisted kinds, and listed ones never seen.
    static func complaints(_ outcomes: some Sequence<String?>) -> Set<String> {
        let seen = Set(outcomes.compactMap { $0 })
        let unlisted = seen.filter { listedDisagreements[$0] == nil }
        return unlisted.union(
            listedDisagreements.keys.filter { !seen.contains($0) }.map { "never seen: \($0)" })
    }

    @Test("Ours and llhttp disagree only in the listed kinds, and in each of them")
    func disagreements() {
        let complaints = Self.complaints(Self.outcomes.lazy.map(\.disagreement))
        for complaint in complaints.sorted() {
            let sample = Self.outcomes.first { $0.disagreement == complaint }?.sample.debugDescription ?? ""
            Issue.record("\(complaint) \(sample.prefix(600))")
        }
    }

    @Test("At least a third of the heads are accepted by both")
    func acceptance() {
        #expect(Self.outcomes.count >= 100_000)
        #expect(Self.outcomes.count { $0.isAcceptedByBoth } * 3 >= Self.outcomes.count)
    }

    /// The rules for heads of requests; the others are about answers and bodies.
    static let rules = MessageFlaw.allCases.filter { ![.badStatus, .badChunk, .badTrailer].contains($0) }

    @Test("A deliberate error in each rule of ours is found by the generator", arguments: rules)
    func deliberateErrors(rule: MessageFlaw) {
        // A parser in which this rule is broken accepts what only it forbade.
        let broken = Self.outcomes.lazy.map { outcome -> String? in
            guard outcome.flaw == rule else { return outcome.disagreement }
            return outcome.refereeAccepts ? nil : "we accept what llhttp refuses, by \(rule.rawValue)"
        }
        #expect(Self.outcomes.contains { $0.flaw == rule }, "the generator never meets this rule")
        #expect(Self.complaints(broken) != Self.complaints(Self.outcomes.lazy.map(\.disagreement)))
    }
}

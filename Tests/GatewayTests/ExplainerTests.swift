import Foundation
import Gatekeeper
import TestSupport
import Testing

@testable import Gateway

@Suite struct ExplainerTests {
    @Test("A token is taken as people copy it, and stands where it is asked for")
    func token() throws {
        for text in ["abc", " abc\r\n", "Bearer abc", "bearer  abc\n", "\tBEARER abc "] {
            #expect(ExplanationRequest.bare(Array(text.utf8)).elementsEqual("abc".utf8), "\(text)")
        }
        #expect(ExplanationRequest.bare(Array("Bearer ".utf8)).elementsEqual("Bearer".utf8))
        #expect(ExplanationRequest.bare([]).isEmpty)
    }

    @Test("A request is explained by a snapshot alone, which may be a running gateway's")
    func snapshot() async {
        let explainer = Explainer(Settings())
        var request = ExplanationRequest(host: "a.example")
        let now = Instant(seconds: 1_800_000_000)
        func explain(_ request: ExplanationRequest, _ snapshot: Snapshot) async -> ExplanationReport {
            await explainer.explain(request, by: snapshot, at: now) { _ in (nil, .unavailable) }
        }
        var report = await explain(request, Snapshot())
        #expect(!report.isForwarded && report.refusal?.code == "starting")
        #expect(report.time == "2027-01-15T08:00:00.000Z")
        #expect(report.conclusion == "the request would be refused: 503 starting")
        request.host = "\u{1B}[31m"
        request.token = Secret(bytes: Array("s3cret-token".utf8))
        report = await explain(request, Snapshot())
        #expect(report.refusal?.status == 400)
        #expect(report.checks.map(\.check) == ["message"] && report.checks.map(\.isGood) == [false])
        let json = String(decoding: (try? JSONEncoder().encode(report)) ?? Data(), as: UTF8.self)
        #expect(json.contains(#""ok":false"#) && !json.contains("\u{1B}") && !json.contains("s3cret"))
        #expect(report.table.lines().count == 2)
    }
}

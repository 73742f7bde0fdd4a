import CLibCurl
import Foundation
import Gatekeeper
import JOSE
import Testing

@testable import ControlPlane

@Suite(.serialized) struct KeyFetcherTests {
    let pool = TestKeys.pool("One")

    private func fetcher(_ port: Int, scheme: String = "http", egress: EgressSettings = EgressSettings())
        throws -> KeyFetcher
    {
        let template = try #require(URLTemplate("\(scheme)://127.0.0.1:\(port)/{pool}/jwks.json"))
        return KeyFetcher(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: template), egress: egress)
    }

    private func failure(of reply: LocalServer.Reply) async throws -> KeyFetchFailure? {
        let server = try LocalServer { _ in reply }
        let fetcher = try fetcher(server.port)
        defer { fetcher.stop() }
        switch await fetcher.fetch(pool) {
        case .success: return nil
        case .failure(let failure): return failure
        }
    }

    @Test(
        "A key set is fetched by a plain GET that asks for no coding, and its max-age less its Age is the hint"
    )
    func success() async throws {
        let server = try LocalServer { _ in
            LocalServer.answer(
                "200 OK", ["Cache-Control: public, max-age=600", "Age: 100", "Content-Type: text/plain"],
                TestKeys.json(["a", "b"]))
        }
        let fetcher = try fetcher(server.port)
        defer { fetcher.stop() }
        let fetched = try await fetcher.fetch(pool).get()
        #expect(fetched.keySet.keys.count == 2)
        #expect(fetched.freshSeconds == 500)
        let head = try #require(server.heads.first)
        #expect(head.hasPrefix("GET /eu-west-1_One/jwks.json HTTP/1.1\r\n"))
        #expect(head.contains("\r\nAccept-Encoding: identity\r\n"))
        #expect(!head.lowercased().contains("cookie"))
    }

    @Test("Every status but 200 is a failure, and redirects are not followed")
    func statuses() async throws {
        for status in [201, 204, 206, 400, 403, 404, 429, 500, 503] {
            #expect(try await failure(of: LocalServer.answer("\(status) X", [], [])) == .status(status))
        }
        for status in [301, 302, 303, 307, 308] {
            let reply = LocalServer.answer(
                "\(status) X", ["Location: http://127.0.0.1:1/"], TestKeys.json(["a"]))
            #expect(try await failure(of: reply) == .redirect(status))
        }
    }

    @Test("A body of 64 KiB is taken, one byte more is not, declared or not")
    func bodyBound() async throws {
        let keys = TestKeys.json(["a"])
        let fitting = keys + [UInt8](repeating: 0x20, count: 65_536 - keys.count)
        #expect(try await failure(of: LocalServer.answer("200 OK", [], fitting)) == nil)
        let tooLong = fitting + [0x20]
        let expected = KeyFetchFailure.transfer(.tooLarge(bytes: 65_536))
        #expect(try await failure(of: LocalServer.answer("200 OK", [], tooLong)) == expected)
        #expect(try await failure(of: .bytes(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + tooLong)) == expected)
    }

    @Test("A head without end is cut off")
    func headBound() async throws {
        let line = Array(("X-Filler: " + String(repeating: "y", count: 1_000) + "\r\n").utf8)
        let failure = try await failure(of: .drip(Array("HTTP/1.1 200 OK\r\n".utf8), then: line, every: 10))
        #expect(failure == .transfer(.headTooLarge(bytes: 32_768)))
    }

    @Test("A line of the head without end, or longer than any library takes, is called what it is")
    func lineBound() async throws {
        let filler = [UInt8](repeating: 0x79, count: 10_000)
        let endless = try await failure(
            of: .drip(Array("HTTP/1.1 200 OK\r\nX: ".utf8), then: filler, every: 10))
        #expect(endless == .transfer(.headTooLarge(bytes: 32_768)))
        for length in [33_000, 150_000, 400_000] {
            let head = Array("HTTP/1.1 200 OK\r\nX: ".utf8) + [UInt8](repeating: 0x79, count: length)
            let failure = try await failure(of: .bytes(head + Array("\r\nContent-Length: 2\r\n\r\n{}".utf8)))
            #expect(failure == .transfer(.headTooLarge(bytes: 32_768)), "\(length)")
        }
    }

    @Test("Every code of the library becomes a sentence of ours, which names no URL")
    func codes() {
        let words = "Unsupported proxy syntax in 'http://u:hunter2@p' https://k/?key=hunter2"
        for raw in UInt32(1)..<UInt32(CURL_LAST.rawValue) + 5 {
            for isHeadOver in [false, true] {
                let failure = TransferFailure(
                    CURLcode(rawValue: raw), host: "keys.example", phase: .responding, isHeadOver: isHeadOver,
                    detail: "")
                let sentence = failure.description
                #expect(sentence.count > 10 && !sentence.contains("Unknown"), "\(raw): \(sentence)")
                #expect(!sentence.lowercased().contains("memory") || isHeadOver, "\(raw): \(sentence)")
                guard failure.reason != "tls", failure.reason != "connect" else { continue }
                let told = TransferFailure(
                    CURLcode(rawValue: raw), host: "keys.example", phase: .responding, isHeadOver: isHeadOver,
                    detail: words)
                #expect(!told.description.contains("hunter2"), "\(raw): \(told)")
            }
        }
        let proxy = "Received HTTP code 407 from proxy after CONNECT"
        let refused = TransferFailure(
            CURLE_RECV_ERROR, host: "", phase: .connecting, isHeadOver: false, detail: proxy)
        #expect(refused.reason == "proxy" && refused.description.contains("(407)"))
    }

    @Test("A content coding is refused, identity is none")
    func encoding() async throws {
        let keys = TestKeys.json(["a"])
        #expect(
            try await failure(of: LocalServer.answer("200 OK", ["Content-Encoding: gzip"], keys))
                == .transfer(.encoding))
        #expect(
            try await failure(of: LocalServer.answer("200 OK", ["Content-Encoding: identity"], keys)) == nil)
    }

    @Test("Garbage, an empty set and a cut-off answer are failures")
    func garbage() async throws {
        #expect(
            try await failure(of: LocalServer.answer("200 OK", [], Array("<html>".utf8)))?.reason
                == "unusable_key_set")
        #expect(
            try await failure(of: LocalServer.answer("200 OK", [], Array(#"{"keys":[]}"#.utf8)))?.reason
                == "unusable_key_set")
        let cut = Array("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n".utf8) + TestKeys.json(["a"])
        #expect(try await failure(of: .bytes(cut))?.reason == "broken")
        #expect(try await failure(of: .close)?.reason == "broken")
        #expect(try await failure(of: .bytes(Array("hello\r\n\r\n".utf8)))?.reason == "broken")
    }

    @Test("A refused connection, a name that does not exist and a bad URL each say so")
    func unreachable() async throws {
        let refused = try fetcher(1)
        #expect(await refused.fetch(pool).failure?.reason == "connect")
        refused.stop()
        let template = try #require(URLTemplate("http://no-such-name.invalid/{pool}"))
        let nameless = KeyFetcher(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: template), egress: EgressSettings())
        let reason = await nameless.fetch(pool).failure?.reason
        #expect(reason == "dns" || reason == "timeout")
        nameless.stop()
    }

    @Test("An endpoint that hangs, or drips a byte at a time, is given up after 5 s in all")
    func timeouts() async throws {
        let hanging = try LocalServer { _ in .hang }
        let dripping = try LocalServer { _ in
            .drip(Array("HTTP/1.1 200 OK\r\n\r\n".utf8), then: [0x20], every: 100_000)
        }
        let (first, second) = (try fetcher(hanging.port), try fetcher(dripping.port))
        let began = ContinuousClock.now
        async let one = first.fetch(pool)
        async let two = second.fetch(pool)
        #expect(await one.failure == .transfer(.timeout(.responding)))
        #expect(await two.failure == .transfer(.timeout(.responding)))
        #expect(ContinuousClock.now - began < .seconds(15))
        first.stop()
        second.stop()
    }

    @Test("A cancelled fetch ends at once, and a stopped fetcher ends all of them")
    func cancellation() async throws {
        let server = try LocalServer { _ in .hang }
        let fetcher = try fetcher(server.port)
        let fetch = Task { await fetcher.fetch(pool) }
        await eventually("the connection") { server.openCount == 1 }
        fetch.cancel()
        #expect(await fetch.value.failure == .transfer(.cancelled))
        await eventually("the end of the connection") { server.openCount == 0 }
        let other = Task { await fetcher.fetch(pool) }
        await eventually("the connection") { server.openCount == 1 }
        fetcher.stop()
        #expect(await other.value.failure == .transfer(.cancelled))
        #expect(await fetcher.fetch(pool).failure == .transfer(.cancelled))
    }

    @Test("A thousand hung endpoints hold 16 places and do not delay one healthy tenant")
    func hungEndpoints() async throws {
        let server = try LocalServer { head in
            head.contains("Healthy") ? LocalServer.answer("200 OK", [], TestKeys.json(["a"])) : .hang
        }
        let fetcher = try fetcher(server.port)
        let hung = (0..<1_000).map { number in
            Task { await fetcher.fetch(TestKeys.pool("Hung\(number)"), FetchPriority(lastFetchFailed: true)) }
        }
        await eventually("sixteen of them") { server.openCount == 16 }
        let began = ContinuousClock.now
        for number in 0..<50 {
            #expect(
                await fetcher.fetch(TestKeys.pool("Healthy\(number)"), FetchPriority(requestsWait: true))
                    .failure == nil)
        }
        #expect(ContinuousClock.now - began < .milliseconds(4_500))
        #expect(server.mostOpen <= 18)
        fetcher.stop()
        for task in hung { #expect(await task.value.failure == .transfer(.cancelled)) }
    }

    @Test("The environment's proxies are ignored, the configured one is used")
    func proxies() async throws {
        setenv("http_proxy", "http://127.0.0.1:1", 1)
        setenv("all_proxy", "http://127.0.0.1:1", 1)
        defer {
            unsetenv("http_proxy")
            unsetenv("all_proxy")
        }
        let server = try LocalServer { _ in LocalServer.answer("200 OK", [], TestKeys.json(["a"])) }
        let direct = try fetcher(server.port)
        #expect(await direct.fetch(pool).failure == nil)
        direct.stop()
        let proxied = try fetcher(1, egress: EgressSettings(proxy: "http://127.0.0.1:\(server.port)"))
        #expect(await proxied.fetch(pool).failure == nil)
        #expect(server.heads.last?.hasPrefix("GET http://127.0.0.1:1/") ?? false)
        proxied.stop()
    }

    @Test("TLS is believed only with a certificate of the right name from a trusted authority")
    func tls() async throws {
        let server = try TLSServer(body: TestKeys.json(["a"]))
        let trusting = try fetcher(
            server.port, scheme: "https", egress: EgressSettings(caFile: server.caFile))
        #expect(await trusting.fetch(pool).failure == nil)
        trusting.stop()
        let distrusting = try fetcher(server.port, scheme: "https")
        #expect(await distrusting.fetch(pool).failure?.reason == "tls")
        distrusting.stop()
        let template = try #require(URLTemplate("https://localhost:\(server.port)/{pool}"))
        let misnamed = KeyFetcher(
            issuerForms: IssuerForms(issuerTemplate: nil, keysTemplate: template),
            egress: EgressSettings(caFile: server.caFile))
        #expect(await misnamed.fetch(pool).failure?.reason == "tls")
        misnamed.stop()
        let plain = try LocalServer { _ in LocalServer.answer("200 OK", [], TestKeys.json(["a"])) }
        let encrypting = try fetcher(
            plain.port, scheme: "https", egress: EgressSettings(caFile: server.caFile))
        #expect(["tls", "timeout"].contains(await encrypting.fetch(pool).failure?.reason))
        encrypting.stop()
    }

    @Test("A certificate whose alternative names hold no host is not believed, whatever its common name says")
    func withoutAlternativeNames() async throws {
        for extensions in [nil, "subjectAltName=email:a@127.0.0.1", "subjectAltName=URI:https://127.0.0.1/"] {
            let server = try TLSServer(
                body: TestKeys.json(["a"]), commonName: "127.0.0.1", alternativeNames: extensions)
            let fetcher = try fetcher(
                server.port, scheme: "https", egress: EgressSettings(caFile: server.caFile))
            let failure = await fetcher.fetch(pool).failure
            #expect(
                failure?.reason == "tls"
                    && failure?.sentence(of: pool, at: nil).contains("alternative names") == true,
                "\(String(describing: failure))")
            fetcher.stop()
        }
    }

    @Test("A general call posts its body and gets status and body back, whatever the status")
    func call() async throws {
        let server = try LocalServer { _ in LocalServer.answer("418 X", [], Array("tea".utf8)) }
        let caller = HTTPCaller(egress: EgressSettings())
        let url = "http://127.0.0.1:\(server.port)/pools/refresh"
        let response = try await caller.response(
            to:
                HTTPCall(url: url, headers: [("Authorization", "Bearer x")], postBody: [])
        ).get()
        #expect(response.status == 418)
        #expect(response.body == Array("tea".utf8))
        let head = try #require(server.heads.first)
        #expect(head.hasPrefix("POST /pools/refresh HTTP/1.1\r\n"))
        #expect(head.contains("Authorization: Bearer x\r\n"))
        #expect(await caller.response(to: HTTPCall(url: "ftp://127.0.0.1/")).failure == .badURL)
        #expect(await caller.response(to: HTTPCall(url: "file:///etc/passwd")).failure == .badURL)
        caller.stop()
    }
}

extension Result {
    var failure: Failure? {
        switch self {
        case .success: nil
        case .failure(let failure): failure
        }
    }
}

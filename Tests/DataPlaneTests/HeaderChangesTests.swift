import Gatekeeper
import HTTP1
import HTTPMessage
import NIOCore
import Testing

@testable import DataPlane

/// What Envoy is told to change in a request that may pass, beside what the gateway itself would send on.
@Suite struct HeaderChangesTests {
    private static let identityNames = [
        "x-poolgate-subject", "x-poolgate-tenant", "x-poolgate-pool", "x-poolgate-client",
        "x-poolgate-principal", "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups",
    ]

    private func parsed(_ lines: [String], target: String = "/") throws -> (RequestHead, [UInt8]) {
        let bytes = Array(
            "GET \(target) HTTP/1.1\r\nHost: a\r\n\(lines.map { $0 + "\r\n" }.joined())\r\n".utf8)
        var parser = RequestHeadParser(limits: HeadLimits())
        try #require(bytes.withUnsafeBytes { parser.parse($0) } == .complete)
        return (parser.head, bytes)
    }

    private func changes(
        _ lines: [String], target: String = "/", _ admission: Admission, isAsserted: Bool = false
    ) throws -> HeaderChanges {
        let (head, bytes) = try parsed(lines, target: target)
        return bytes.withUnsafeBytes { HeaderChanges(head, $0, admission, isAsserted: isAsserted) }
    }

    private func removed(
        _ lines: [String], target: String = "/", _ admission: Admission, isAsserted: Bool = false
    ) throws -> Set<String> {
        let names = try changes(lines, target: target, admission, isAsserted: isAsserted).removed
        #expect(Set(names).count == names.count, "a name stands there twice")
        return Set(names.map { String(decoding: $0, as: UTF8.self) })
    }

    /// Every kind of field, none of which the gateway writes itself or leaves to whoever forwards the request.
    private static let lines = [
        "Accept: */*", "X-Poolgate-Subject: spoof", "x-poolgate-anything: spoof", "X_Forwarded_User: spoof",
        "X-Forwarded-Email: spoof", "Remote-User: spoof", "X-Auth-Request-User: spoof", "X-Plan: spoof",
        "X-Original-URL: /admin", "Forwarded: for=1", "X-Real-IP: 1", "X-Forwarded-Prefix: /x",
        "Content_Length: 5", "Proxy-Authorization: Basic x", "Referer: https://x/?access_token=y",
        "Referer: https://x/?other=y", "Via: 1.1 x", "X-Other: kept", "Authorization: Bearer t",
        "X-Forwarded-Host: spoof", "Proxy: x",
    ]

    @Test(
        "What the gateway would not send on is removed, and what it would stays: one decision for both",
        arguments: [
            true, false,
        ])
    func sameDecision(forwardsToken: Bool) throws {
        let fixture = try AdmissionFixture {
            $0.forwardToken = forwardsToken
            $0.queryParameter = "access_token"
            $0.claimHeaders = #"{"X-Plan": "custom:plan"}"#
        }
        for admission in [try fixture.admission()] {
            let (head, bytes) = try parsed(Self.lines)
            var sent = ByteBuffer()
            bytes.withUnsafeBytes {
                RequestHeadWriter.write(
                    head, $0, admission,
                    way: ForwardedWay(address: nil, isTLS: false, isTrusted: false, pseudonym: []),
                    id: .random(), trace: .none, upgrades: false, into: &sent)
            }
            let passed = Set(
                String(buffer: sent).split(separator: "\r\n").map { String($0).lowercased() })
            let names = try removed(Self.lines, admission)
            for line in Self.lines {
                let name = String(line.prefix { $0 != ":" }).lowercased()
                let isSet = admission.identity?.headerNames.contains(Array(name.utf8)) ?? false
                if name == "referer" { continue }
                #expect(passed.contains(line.lowercased()) == !(names.contains(name) || isSet), "\(line)")
            }
            #expect(names.contains("authorization") == !forwardsToken)
            #expect(names.contains("referer"))
            #expect(!names.contains("x-plan"), "the identity sets it")
        }
    }

    @Test("A name that the identity sets is never removed, every other one that could pretend is")
    func identity() throws {
        let fixture = try AdmissionFixture()
        let anonymous = try AdmissionFixture {
            $0.rules = #"[{"id":1,"path_prefix":"/public","access":"public"}]"#
        }.admission(path: "/public", anonymous: true)
        #expect(try removed([], anonymous) == Set(Self.identityNames + ["x-poolgate-assertion"]))
        let names = try removed(
            ["X-Forwarded-User: spoof", "X-Poolgate-Subject: spoof", "X-Poolgate-Assertion: spoof"],
            try fixture.admission(), isAsserted: true)
        #expect(names == ["x-forwarded-email", "x-forwarded-groups"])
    }

    @Test("Fields that whoever forwards the request writes are left to it")
    func leftAlone() throws {
        let admission = try AdmissionFixture().admission()
        let lines = [
            "X-Forwarded-For: 1", "X-Forwarded-Proto: https", "X-Forwarded-Port: 443", "X-Request-Id: 1",
            "traceparent: 00-1", "tracestate: a=b", "Content-Length: 0", "Expect: 100-continue",
        ]
        #expect(
            try removed(lines, admission, isAsserted: true) == ["x-forwarded-email", "x-forwarded-groups"])
    }

    @Test("The cookie and the parameter with the token go, the others stay")
    func otherSources() throws {
        let admission = try AdmissionFixture {
            $0.cookieName = "jwt"
            $0.queryParameter = "access_token"
        }.admission()
        func cookies(_ lines: [String]) throws -> String? {
            try changes(lines, admission).cookies.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try cookies(["Cookie: a=b; jwt=t; c=d"]) == "a=b; c=d")
        #expect(try cookies(["Cookie: a=b", "Cookie: jwt=t", "Cookie: c=d"]) == "a=b; c=d")
        #expect(try cookies(["Cookie: a=b"]) == nil)
        #expect(try !removed(["Cookie: a=b"], admission).contains("cookie"))
        #expect(try cookies(["Cookie: jwt=t"]) == nil)
        #expect(try removed(["Cookie: jwt=t"], admission).contains("cookie"))
        #expect(
            try changes([], target: "/?a=b&access_token=t&acc%65ss_token=t&access_token=t", admission)
                .removedParameters == ["access_token", "acc%65ss_token"].map { Array($0.utf8) })
        #expect(try changes([], target: "/?a=access_token", admission).removedParameters.isEmpty)
    }

    @Test(
        "The names that could pretend are those that the identity may set, by each profile",
        arguments: ["poolgate", "oauth2-proxy", "alb", "authelia"])
    func profiles(profile: String) throws {
        let admission = try AdmissionFixture {
            $0.headerProfile = profile
            $0.claimHeaders = #"{"X-Plan": "custom:plan"}"#
        }.admission()
        let names = Set(admission.resolved.identityNames)
        #expect(names.isSuperset(of: admission.identity?.headerNames ?? []))
        #expect(names.contains(Array("x-plan".utf8)))
        #expect(names.isSuperset(of: Self.identityNames.map { Array($0.utf8) }))
        // Beside them the mapped claim and the assertion.
        let others = names.count - Self.identityNames.count - 2
        #expect(others == ["poolgate": 0, "oauth2-proxy": 5, "alb": 1, "authelia": 4][profile])
    }

    @Test("An answer that says yes has the identity's lines, and to Envoy the names that go")
    func answer() throws {
        let admission = try AdmissionFixture { $0.cookieName = "jwt" }.admission()
        func written(_ lines: [String], closes: Bool = false, form: QuestionForm = .envoyHTTP) throws
            -> String
        {
            var buffer = ByteBuffer()
            AnswerWriter.write(
                Answer(
                    form: form, id: .random(), tenant: admission.resolved, identity: admission.identity,
                    assertion: nil, rule: nil,
                    changes: form.namesRemovals ? try changes(lines, admission) : HeaderChanges()),
                .init(closes: closes, saysKeepAlive: false, date: Array("now".utf8)), into: &buffer)
            return String(buffer: buffer)
        }
        let yes = try written(["Cookie: a=b; jwt=t", "Remote-User: spoof"])
        #expect(yes.hasPrefix("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"))
        #expect(yes.hasSuffix("\r\n\r\n"))
        #expect(yes.contains("\r\nX-Forwarded-User: alice\r\n"))
        #expect(yes.contains("\r\nCookie: a=b\r\n"))
        #expect(
            yes.contains(
                "\r\nX-Envoy-Auth-Headers-To-Remove: remote-user,x-forwarded-email,x-forwarded-groups,x-poolgate-assertion\r\n"
            ))
        let other = try written(["Cookie: a=b; jwt=t"], closes: true, form: .original)
        #expect(other.hasSuffix("\r\nConnection: close\r\n\r\n"))
        #expect(!other.contains("Cookie:") && !other.contains("Envoy"))
    }
}

/// Which streams wait for their turn.
@Suite struct TurnBrakeTests {
    private let acme = HostPattern("acme.example")
    private let other = HostPattern("other.example")

    @Test(
        "On a client's connection every request behind a refused one waits, until another is read or all had theirs"
    )
    func ofClients() {
        var brake = TurnBrake(isByTenant: false)
        #expect(!brake.holds { acme })
        brake.refused(acme)
        #expect(brake.holds { other })
        brake.heldBack(1, of: other)
        brake.readBegan()
        #expect(brake.holds { nil })
        brake.heldBack(-1, of: other)
        #expect(!brake.holds { acme })
    }

    @Test("On a trusted caller's connection only the questions of the refused tenant wait")
    func ofCallers() {
        var brake = TurnBrake(isByTenant: true)
        brake.refused(acme)
        brake.refused(nil)
        #expect(brake.holds { acme } && brake.holds { nil } && !brake.holds { other })
        brake.heldBack(1, of: acme)
        brake.heldBack(1, of: acme)
        brake.readBegan()
        #expect(brake.holds { acme } && !brake.holds { nil } && !brake.holds { other })
        brake.heldBack(-1, of: acme)
        #expect(brake.holds { acme })
        brake.heldBack(-1, of: acme)
        #expect(!brake.holds { acme })
    }
}

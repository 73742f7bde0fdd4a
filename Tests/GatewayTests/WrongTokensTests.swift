import Gatekeeper
import Testing

@testable import Gateway

@Suite struct WrongTokensTests {
    private let now = ContinuousClock.now
    private let one = WrongTokens.Source("192.0.2.1")

    @Test(
        "An address may be wrong a few times at once, and then once more after each pause; others are not held up"
    )
    func brake() {
        let tokens = WrongTokens()
        for _ in 0..<Limits.wrongTokens {
            #expect(tokens.wait(of: one, at: now) == nil)
            _ = tokens.note(from: one, at: now)
        }
        #expect(tokens.wait(of: one, at: now) == Limits.wrongTokenPause)
        #expect(tokens.wait(of: WrongTokens.Source("192.0.2.2"), at: now) == nil)
        let later = now + Limits.wrongTokenPause
        #expect(tokens.wait(of: one, at: later) == nil)
        _ = tokens.note(from: one, at: later)
        #expect(tokens.wait(of: one, at: later) == Limits.wrongTokenPause)
        #expect(tokens.wait(of: one, at: later + .seconds(3_600)) == nil)
    }

    @Test("All addresses of one IPv6 subscriber are one, and no two IPv4 addresses are")
    func sources() {
        #expect(WrongTokens.Source("2001:db8::1") == WrongTokens.Source("2001:db8:0:0:ffff::"))
        #expect(WrongTokens.Source("2001:db8::1") != WrongTokens.Source("2001:db8:0:1::1"))
        #expect(one != WrongTokens.Source("192.0.2.2") && one == WrongTokens.Source("192.0.2.1"))
        #expect(one != WrongTokens.Source(nil))
    }

    @Test("So many addresses are remembered, and the one that has waited longest is forgotten for another")
    func bound() {
        let tokens = WrongTokens()
        for _ in 0...Limits.wrongTokens { _ = tokens.note(from: one, at: now) }
        for number in 0..<Limits.wrongTokenSources {
            let other = WrongTokens.Source("198.\(number / 65_536).\(number / 256 % 256).\(number % 256)")
            for _ in 0...(Limits.wrongTokens + 1) { _ = tokens.note(from: other, at: now) }
        }
        #expect(tokens.wait(of: one, at: now) == nil)
        #expect(tokens.wait(of: WrongTokens.Source("198.0.0.1"), at: now) != nil)
        // Those whose time is over make room for all.
        let later = now + .seconds(3_600)
        _ = tokens.note(from: one, at: later)
        #expect(tokens.wait(of: WrongTokens.Source("198.0.0.1"), at: now) == nil)
    }

    @Test("The log is told of so many a minute, and then how many it was not told")
    func lines() {
        let tokens = WrongTokens()
        for _ in 0..<Limits.wrongTokenLines { #expect(tokens.note(from: one, at: now) == 0) }
        for _ in 0..<5 { #expect(tokens.note(from: one, at: now + .seconds(59)) == nil) }
        #expect(tokens.note(from: one, at: now + .seconds(60)) == 5)
        #expect(tokens.note(from: one, at: now + .seconds(60)) == 0)
    }

    @Test("Off loopback a token that could be guessed is a mistake, whose sentence does not show it")
    func leastLength() {
        let short = String(repeating: "t", count: Limits.shortestSecret - 1)
        let mistakes = SettingsReading.mistakes(["--admin-listen", "0.0.0.0:9901", "--admin-token", short])
        #expect(mistakes.count == 1 && mistakes.first?.contains("16 characters") == true)
        #expect(mistakes.first?.contains("ttt") == false)
        #expect(SettingsReading.mistakes(["--admin-token", short]) == [])
    }

    @Test(
        "Where too many wrong tokens came from no token counts, but a session goes on, and probes have none")
    func judgement() {
        let access = AdminAccess(token: Secret(bytes: Array("s3cret".utf8)), hosts: [])
        var head = AdminAccess.RequestHead(method: "GET", path: "/status", host: "127.0.0.1:9901")
        head.authorization = "Bearer s3cret"
        #expect(access.judge(head) == .page(.status))
        head.isBraked = true
        #expect(access.judge(head) == .refused(.tooManyTokens))
        head.hasSession = true
        #expect(access.judge(head) == .page(.status))
        head.hasSession = false
        head.authorization = nil
        #expect(access.judge(head) == .refused(.tokenNeeded))
        head.path = "/live"
        #expect(access.judge(head) == .page(.live))
    }
}

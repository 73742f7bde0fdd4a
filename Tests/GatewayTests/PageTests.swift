import Foundation
import Gatekeeper
import Testing

@testable import Gateway

@Suite struct PageTests {
    private func text(_ write: (inout HTML) -> Void) -> String {
        var html = HTML()
        write(&html)
        return String(decoding: html.bytes, as: UTF8.self)
    }

    @Test(
        "Text never becomes markup, in an element or an attribute",
        arguments: [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\"onmouseover='x'&amp;", "&quot;onmouseover=&#39;x&#39;&amp;amp;"),
            ("]]><!--", "]]&gt;&lt;!--"), ("\u{0}\u{1B}[31m\u{7F}", "\u{FFFD}\u{FFFD}[31m\u{FFFD}"),
            ("a\u{202E}b\u{2066}c\u{200B}", "a\u{FFFD}b\u{FFFD}c\u{FFFD}"), ("größe – 値 🙂", "größe – 値 🙂"),
        ])
    func escaping(given: String, wanted: String) {
        #expect(text { $0.element("td", text: given) } == "<td>\(wanted)</td>")
        #expect(text { $0.void("input", .value(given)) } == "<input value=\"\(wanted)\">")
    }

    @Test("A link keeps every value in its part of the address")
    func links() throws {
        let host = try #require(HostPattern("*.acme.example"))
        #expect(PageLink.tenant(host).description == "/tenants/%2A.acme.example")
        let link = PageLink.overview([("q", "a&b=c#d\"<ü/"), ("state", nil)], at: "tenants")
        #expect(link.description == "/?q=a%26b%3Dc%23d%22%3C%C3%BC%2F#tenants")
        let fields = FormFields("q=a%26b%3Dc%23d%22%3C%C3%BC%2F&x=1+2&q=other&bad=%zz%4".utf8)
        #expect(fields["q"] == "a&b=c#d\"<ü/")
        #expect(fields["x"] == "1 2")
        #expect(fields["bad"] == "%zz%4")
        #expect(fields["state"] == nil)
    }

    @Test("No more fields are read than the bound")
    func fieldBound() {
        let many = (0..<100).map { "f=\($0)" }.joined(separator: "&")
        #expect(FormFields((many + "&late=1").utf8)["late"] == nil)
        #expect(FormFields("f=1&late=1".utf8)["late"] == "1")
    }

    @Test("A page of a list is the same whatever the order in which its rows come, and knows where it stands")
    func window() {
        let keys = (0..<500).map { Array(String(1_000 + $0).utf8) }
        func page(_ place: ListPlace, _ keys: [[UInt8]]) -> ListWindow<Int> {
            var window = ListWindow<Int>(place, size: 50)
            for key in keys { window.offer(key, key.count) }
            return window
        }
        for order in [keys, keys.reversed(), keys.shuffled()] {
            let first = page(.first, order)
            #expect(first.rows.map(\.key) == Array(keys[..<50]))
            #expect(first.start == 0 && first.hasMore && first.total == 500)
            let second = page(.after(keys[49]), order)
            #expect(second.rows.map(\.key) == Array(keys[50..<100]))
            #expect(second.start == 50)
            let back = page(.before(keys[50]), order)
            #expect(back.rows.map(\.key) == first.rows.map(\.key))
            #expect(back.start == 0)
            let last = page(.after(keys[469]), order)
            #expect(last.rows.map(\.key) == Array(keys[470...]))
            #expect(!last.hasMore && last.start == 470)
        }
        #expect(page(.first, []).rows.isEmpty)
        #expect(!page(.first, []).hasMore)
    }

    @Test("So many turns are taken at once, so many wait in line, and one more is refused")
    func turns() async {
        let turns = PageTurns(turns: 1, places: 2)
        let gate = OneShot<Void>()
        let begun = OneShot<Void>()
        async let first = turns.take {
            begun.set(())
            _ = await gate.wait()
            return 1
        }
        _ = await begun.wait()
        async let second = turns.take { 2 }
        async let third = turns.take { 3 }
        async let fourth = turns.take { 4 }
        // Of three that come while one is under way, two fit the line; which ones, the scheduler decides.
        try? await Task.sleep(for: .milliseconds(50))
        gate.set(())
        let values = await [first, second, third, fourth]
        #expect(values[0] == 1)
        #expect(values.dropFirst().count { $0 == nil } == 1)
        #expect(await turns.take { 5 } == 5)
    }

    @Test(
        "A session opens until its end, and until somebody signs out; the oldest ends where there are too many"
    )
    func sessions() {
        let sessions = AdminSessions()
        let now = ContinuousClock.now
        let first = sessions.begin(at: now)
        #expect(first.utf8.count == 64)
        #expect(sessions.has([first], at: now))
        #expect(sessions.has(["", "x", first], at: now + Limits.adminSession - .seconds(1)))
        #expect(!sessions.has([first], at: now + Limits.adminSession))
        #expect(!sessions.has([], at: now))
        #expect(!sessions.has([String(first.dropLast())], at: now))
        for _ in 0..<(Limits.adminSessions - 1) { _ = sessions.begin(at: now) }
        #expect(sessions.has([first], at: now))
        let last = sessions.begin(at: now)
        #expect(!sessions.has([first], at: now))
        sessions.end([last])
        #expect(!sessions.has([last], at: now))
    }

    @Test(
        "A session's cookie is found among others, and begins with the prefix that keeps it to TLS where there is TLS"
    )
    func cookies() {
        #expect(
            AdminSessions.ids(in: "a=b; poolgate=x; __Host-poolgate=y; poolgate-2=z; poolgate") == ["x", "y"])
        #expect(AdminSessions.ids(in: nil) == [])
        let many = Array(repeating: "poolgate=x", count: 100).joined(separator: ";")
        #expect(AdminSessions.ids(in: many).count == Limits.sessionCookies)
        #expect(
            AdminSessions.cookie("1", isSecure: true)
                == "__Host-poolgate=1; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure")
        #expect(
            AdminSessions.cookie(nil, isSecure: false)
                == "poolgate=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
    }

    @Test("The page's files are what ops/page has, under names that change with their content")
    func assets() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for (asset, file) in [(PageAsset.style, "page.css"), (PageAsset.script, "page.js")] {
            let text = try String(contentsOf: top.appending(path: "ops/page/\(file)"), encoding: .utf8)
            #expect(asset.text == text, "run ops/generate-page")
            #expect(asset.name.wholeMatch(of: /page-[0-9a-f]{16}\.(css|js)/) != nil)
        }
    }
}

import Testing

@testable import Gatekeeper

@Suite struct RequestPathTests {
    private func read(_ path: String) -> RequestPath { Array(path.utf8).withUnsafeBytes { RequestPath($0) } }

    @Test(
        "A path without encodings stays as it is",
        arguments: ["/", "/a", "/a/", "/a/b.c/d..e/f.", "/a~b_c-d", "/a:b@c!$&'()*+,=", "/...", "/A/a"])
    func plain(path: String) {
        #expect(read(path) == .plain)
    }

    @Test(
        "Upstream goes what needs no encoding decoded, and other encodings in upper case; rules see all of it decoded",
        arguments: [
            ("/%61dmin", "/admin", "/admin"), ("/%41%5A%30%39%2D%5F%7E", "/AZ09-_~", "/AZ09-_~"),
            ("/f%c3%bcr", "/f%C3%BCr", "/für"), ("", "/", "/"), ("*", "/", "/"), ("/a%2eb", "/a.b", "/a.b"),
            ("/%20", "/%20", "/ "), ("/%40admin", "/%40admin", "/@admin"),
            ("/odata/%24batch", "/odata/%24batch", "/odata/$batch"),
            ("/v1/keys%3arotate", "/v1/keys%3Arotate", "/v1/keys:rotate"), ("/100%25", "/100%25", "/100%"),
            ("/%25zz", "/%25zz", "/%zz"),
        ])
    func decoded(path: String, normal: String, seen: String) {
        #expect(
            read(path)
                == .decoded(DecodedPath(normal: Array(normal.utf8), bytes: Array(seen.utf8), again: nil)))
    }

    @Test(
        "What two parties could read as two paths is refused",
        arguments: [
            ("//", "empty_segment"), ("/a//b", "empty_segment"), ("//a", "empty_segment"),
            ("/a%41//", "empty_segment"),
            ("/.", "dot_segment"), ("/..", "dot_segment"), ("/a/./b", "dot_segment"),
            ("/a/../b", "dot_segment"),
            ("/a/%2e%2e/b", "dot_segment"), ("/a/.%2E", "dot_segment"), ("/%2e", "dot_segment"),
            ("/a%2fb", "forbidden_in_path"), ("/a%2Fb", "forbidden_in_path"), ("/a%5cb", "forbidden_in_path"),
            ("/a\\b", "forbidden_in_path"), ("/a;b", "forbidden_in_path"), ("/a%3bb", "forbidden_in_path"),
            ("/a%00", "forbidden_in_path"),
            ("/a%252fb", "double_encoding"), ("/a%252e%252e/b", "double_encoding"),
            ("/a%255cb", "double_encoding"),
            ("/a%253b", "double_encoding"), ("/a%25252f", "double_encoding"), ("/a%2500", "double_encoding"),
            ("/%", "bad_percent_encoding"), ("/%4", "bad_percent_encoding"), ("/%zz", "bad_percent_encoding"),
            ("/%ff", "bad_utf8_in_path"), ("/%c0%ae", "bad_utf8_in_path"), ("/%c0%af", "bad_utf8_in_path"),
            ("/%ed%a0%80", "bad_utf8_in_path"), ("/%c3", "bad_utf8_in_path"), ("a", "bad_path"),
        ] as [(String, StaticWord)])
    func refused(path: String, flaw: StaticWord) {
        #expect(read(path) == .flaw(flaw))
    }

    @Test("The normal form of a normal form is itself, whatever bytes a path holds")
    func idempotent() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "/", "%", "a", ".", "2", "e", "f", "5", "C", "3", ";", "%2", "%41", "\u{FC}", "~", "%C3%BC",
        ]
        for _ in 0..<20_000 {
            let path = "/" + (0..<8).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            guard case .decoded(let found) = read(path) else { continue }
            switch found.normal.withUnsafeBytes({ RequestPath($0) }) {
            case .plain: #expect(found.bytes == found.normal, "\(path)")
            case .decoded(let again): #expect(again == found, "\(path)")
            case .flaw: Issue.record("\(path)")
            }
        }
    }
}

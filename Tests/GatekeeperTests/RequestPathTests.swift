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
            ("//", .emptySegment), ("/a//b", .emptySegment), ("//a", .emptySegment),
            ("/a%41//", .emptySegment),
            ("/.", .dotSegment), ("/..", .dotSegment), ("/a/./b", .dotSegment),
            ("/a/../b", .dotSegment),
            ("/a/%2e%2e/b", .dotSegment), ("/a/.%2E", .dotSegment), ("/%2e", .dotSegment),
            ("/a%2fb", .forbiddenByte), ("/a%2Fb", .forbiddenByte), ("/a%5cb", .forbiddenByte),
            ("/a\\b", .forbiddenByte), ("/a;b", .forbiddenByte), ("/a%3bb", .forbiddenByte),
            ("/a%00", .forbiddenByte),
            ("/a%252fb", .doubleEncoding), ("/a%252e%252e/b", .doubleEncoding),
            ("/a%255cb", .doubleEncoding),
            ("/a%253b", .doubleEncoding), ("/a%25252f", .doubleEncoding), ("/a%2500", .doubleEncoding),
            ("/%", .badPercentEncoding), ("/%4", .badPercentEncoding), ("/%zz", .badPercentEncoding),
            ("/%ff", .badUTF8), ("/%c0%ae", .badUTF8), ("/%c0%af", .badUTF8),
            ("/%ed%a0%80", .badUTF8), ("/%c3", .badUTF8), ("a", .notAbsolute),
        ] as [(String, PathFlaw)])
    func refused(path: String, flaw: PathFlaw) {
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

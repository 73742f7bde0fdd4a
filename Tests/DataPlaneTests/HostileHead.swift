/// Heads of a given size that make much of few bytes, each in a way of its own.
enum HostileHead: String, CaseIterable, Sendable {
    case plain
    case options, equalOptions, spacedOptions, optionsAndFields, longOptions, keepAlives
    case cookies, emptyCookies, cookiesBesideToken, cookiesAlikeToken
    case parameters, emptyParameters, parametersBesideToken, encodedPath, segments
    case vias, hops, emptyHops, schemes, ports
    case shortFields, alikeFields, nearlyProtected, collidingFields, tabs, deletesNearby, highBytes, spaces
    case lengths, upgrades, challenges, proofs

    /// A request's head of about so many bytes, within the default bounds.
    func request(bytes count: Int) -> [UInt8] {
        let (path, lines) = Filling(count: count, fieldBytes: 15_000, fieldCount: count / 340).parts(of: self)
        let start = ["GET \(path) HTTP/1.1", "Host: a", "Authorization: Bearer x"]
        return Array(((start + lines).joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// An answer's.
    func answer(bytes count: Int) -> [UInt8] {
        let fieldCount = count / 260
        let (_, lines) = Filling(count: count, fieldBytes: 240_000, fieldCount: fieldCount).parts(of: self)
        let end = self == .shortFields ? "\n" : "\r\n"
        var text = (["HTTP/1.1 200 OK"] + lines).joined(separator: end) + end + end
        if self == .spaces || self == .spacedOptions || self == .tabs {
            // As many folds as there may be lines.
            var left = fieldCount - lines.count
            text = text.replacing("  ", with: "\n ", maxReplacements: left)
            left -= text.count { $0 == "\n" }
            text = text.replacing("\t\t", with: "\n\t", maxReplacements: max(0, left))
        }
        return Array(text.utf8)
    }

    /// Names of one length that FNV-1a, seeded as the parser's, sends to one slot of 256.
    fileprivate static func colliding(_ number: Int) -> [String] {
        var names: [String] = []
        var candidate = 0
        while names.count < number {
            let name = "x" + String(candidate, radix: 36)
            var hash: UInt32 = 0x811C_9DC5
            for byte in name.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
            if hash & 255 == 7 { names.append(name) }
            candidate += 1
        }
        return names
    }
}

/// What fills a head of a given size.
private struct Filling {
    let count: Int
    let fieldBytes: Int
    let fieldCount: Int

    /// The path and the field lines.
    func parts(of head: HostileHead) -> (String, [String]) {
        switch head {
        case .plain: return ("/", fields(20) { "X-Plain-Header-\($0)" })
        case .options: return ("/", fill("Connection", "a,"))
        case .equalOptions: return ("/", fill("Connection", "x,", count - 1000) + many { _ in "X" })
        case .spacedOptions: return ("/", fill("Connection", "a,  "))
        case .optionsAndFields:
            let names = (0..<fieldCount - 10).map { "x\($0)" }
            return ("/", fill("Connection", "x1,x2,y3,", count - 12 * fieldCount) + names.map { "\($0): 1" })
        case .longOptions:
            let name = String(repeating: "x", count: 90)
            return (
                "/",
                fill("Connection", "\(name)b,", count / 2)
                    + (0..<min(90, count / 400)).map { "\(name)\($0): 1" }
            )
        case .keepAlives: return ("/", fill("Connection", "keep-alive,"))
        case .cookies: return ("/", fill("Cookie", "a=b;"))
        case .emptyCookies: return ("/", fill("Cookie", ";"))
        case .cookiesBesideToken: return ("/", fill("Cookie", "a=;token=;"))
        case .cookiesAlikeToken: return ("/", fill("Cookie", "tokem=1; "))
        case .parameters: return path("/?", "a&")
        case .emptyParameters: return path("/?", "&")
        case .parametersBesideToken: return path("/?", "a&%74oken=&")
        case .encodedPath: return path("/", "%41")
        case .segments: return path("", "/a")
        case .vias: return ("/", fill("Via", "a,"))
        case .hops: return ("/", fill("X-Forwarded-For", "10.0.0.1,"))
        case .emptyHops: return ("/", fill("X-Forwarded-For", ","))
        case .schemes: return ("/", fill("X-Forwarded-Proto", ","))
        case .ports: return ("/", fill("X-Forwarded-Port", "1,"))
        case .shortFields: return ("/", fill("X", "v", count - 6 * fieldCount) + many { _ in "X" })
        case .alikeFields: return ("/", fields(fieldCount) { _ in "X-" + String(repeating: "a", count: 200) })
        case .nearlyProtected: return ("/", fields(fieldCount) { _ in "X-Goog-Authenticated-Usex-" })
        case .collidingFields:
            let names = HostileHead.colliding(fieldCount - 10)
            return (
                "/",
                fill("Connection", names.joined(separator: ",") + ",", count - 20 * fieldCount)
                    + names.map { "\($0): 1" }
            )
        case .tabs: return ("/", fill("X", "a\t\t\t\t\t\t\t"))
        case .deletesNearby: return ("/", fill("X", "~\t~ "))
        case .highBytes: return ("/", fill("X", "\u{E9}"))
        case .spaces: return ("/", fill("X", "a      "))
        case .lengths:
            return (
                "/",
                ["Content-Length: " + String(repeating: "0", count: count / 2) + "5"]
                    + fill("X", "v", count / 2)
            )
        case .challenges: return ("/", fill("WWW-Authenticate", "\\\""))
        case .proofs: return ("/", fill("Authorization", "n\\\""))
        case .upgrades:
            return ("/", fill("Connection", "upgrade,", count / 2) + fill("Upgrade", "a,", count / 2))
        }
    }

    /// Lines of one field that hold `part` again and again.
    private func fill(_ name: String, _ part: String, _ bytes: Int? = nil) -> [String] {
        var rest = (bytes ?? count) - 100
        var lines: [String] = []
        while rest > 0 {
            let size = min(rest, fieldBytes)
            lines.append("\(name): " + String(repeating: part, count: max(1, size / part.utf8.count)))
            rest -= size
        }
        return lines
    }

    /// So many fields that share the head's bytes.
    private func fields(_ number: Int, _ name: (Int) -> String) -> [String] {
        let value = String(repeating: "v", count: max(1, count / number - name(0).utf8.count - 4))
        return (0..<number).map { "\(name($0)): \(value)" }
    }

    /// As many short fields as there may be.
    private func many(_ name: (Int) -> String) -> [String] {
        (0..<fieldCount).map { "\(name($0)): v" }
    }

    /// A path of half the head's bytes, and a field for the rest of it.
    private func path(_ start: String, _ part: String) -> (String, [String]) {
        (start + String(repeating: part, count: count / 2 / part.utf8.count), fill("X", "v", count / 2))
    }
}

import HTTPMessage

/// A URL in which the placeholders `{region}` and `{pool}` may stand, anywhere and more than once.
package struct URLTemplate: Sendable, Equatable {
    private let text: String

    /// Takes an absolute `http` or `https` URL of printable ASCII; nil for anything else.
    package init?(_ text: String) {
        let rest: Substring.UTF8View
        if text.utf8.starts(with: "https://".utf8) {
            rest = text.utf8.dropFirst(8)
        } else if text.utf8.starts(with: "http://".utf8) {
            rest = text.utf8.dropFirst(7)
        } else {
            return nil
        }
        guard let first = rest.first, first != UInt8(ascii: "/"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return nil }
        self.text = text
    }

    /// Whether what is fetched from it can be read and changed on the way.
    package var isPlainHTTP: Bool { text.utf8.starts(with: "http://".utf8) }

    /// The host that it leads to, brackets and port left out; it may hold a placeholder.
    package var host: String {
        let authority = text.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2).prefix {
            $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        if authority.first == UInt8(ascii: "[") {
            return String(decoding: authority.dropFirst().prefix { $0 != UInt8(ascii: "]") }, as: UTF8.self)
        }
        return String(decoding: authority.prefix { $0 != ASCII.colon }, as: UTF8.self)
    }

    /// The URL for one pool in one region.
    func filled(region: Region, pool: PoolID) -> String {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            if rest.starts(with: "{region}".utf8) {
                result += region.description.utf8
                rest = rest.dropFirst(8)
            } else if rest.starts(with: "{pool}".utf8) {
                result += pool.description.utf8
                rest = rest.dropFirst(6)
            } else {
                result.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

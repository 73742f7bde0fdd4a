import JOSE
import TestSupport
import Testing

@Suite struct TokenFormTests {
    let mint: Mint
    let good: String

    init() throws {
        mint = try #require(Mint0.mint)
        good = String(decoding: try mint.token(payload: #"{"sub":"a"}"#), as: UTF8.self)
    }

    @Test("A token as Cognito makes it is read and verified")
    func accepted() throws {
        let keys = try #require(Mint0.keys)
        let token = try read(Array(good.utf8))
        #expect(token.keyID == KeyID(Array("key-1".utf8)))
        let key = try #require(keys[token.keyID])
        #expect(token.verified(by: key)?.claims["sub"]?.string == Array("a".utf8))
    }

    @Test("Anything but three parts is refused, and five are called encrypted")
    func parts() {
        let parts = good.split(separator: ".").map(String.init)
        #expect(flawOf(token: "") == .partCount(1))
        #expect(flawOf(token: parts[0]) == .partCount(1))
        #expect(flawOf(token: parts[0] + "." + parts[1]) == .partCount(2))
        #expect(flawOf(token: good + ".") == .partCount(4))
        #expect(flawOf(token: good + "." + parts[2]) == .partCount(4))
        #expect(flawOf(token: "a.b.c.d.e") == .encrypted)
        #expect(flawOf(token: "....") == .encrypted)
        #expect(flawOf(token: good + "...") == .partCount(6))
        #expect(flawOf(token: String(repeating: ".", count: 16_384)) == .partCount(16_385))
    }

    @Test("An empty part is refused")
    func emptyParts() {
        let parts = good.split(separator: ".").map(String.init)
        #expect(flawOf(token: "." + parts[1] + "." + parts[2]) == .notJSON(.header, .unexpectedEnd))
        #expect(flawOf(token: parts[0] + ".." + parts[2]) == .notJSON(.payload, .unexpectedEnd))
        #expect(flawOf(token: parts[0] + "." + parts[1] + ".") == .signatureLength(0))
    }

    @Test("Padding, white space and a sloppy last character are refused in each part")
    func encoding() {
        let parts = good.split(separator: ".").map(String.init)
        for (index, part) in [TokenFlaw.Part.header, .payload, .signature].enumerated() {
            for change in ["=", "==", " ", "\n", "+", "/", "%"] {
                var changed = parts
                changed[index] += change
                #expect(flawOf(token: changed.joined(separator: ".")) == .notBase64URL(part))
            }
        }
        // 256 bytes leave four unused bits in the last character.
        let last = good.utf8.last ?? 0
        let sloppy = last == UInt8(ascii: "A") ? "B" : String(UnicodeScalar(last + 1))
        #expect(flawOf(token: String(good.dropLast()) + sloppy) == .notBase64URL(.signature))
        #expect(flawOf(token: " " + good) == .notBase64URL(.header))
        #expect(flawOf(token: good + "\r\n") == .notBase64URL(.signature))
    }

    @Test("A token of 16,384 bytes is read and one byte more refused")
    func size() throws {
        // Header, dots and signature are constant; the payload's length is found by trying.
        var longest: [UInt8] = []
        for count in 11_800..<12_200 {
            let token = try mint.token(header: Array(mint.header.utf8), payload: payload(count))
            guard token.count <= 16_384 else { break }
            longest = token
            if token.count == 16_384 { break }
        }
        #expect(longest.count > 16_380)
        #expect(flawOf(token: longest) == nil)
        #expect(
            flawOf(token: longest + [UInt8](repeating: UInt8(ascii: "A"), count: 16_385 - longest.count))
                == .tooLong)
    }

    private func payload(_ count: Int) -> [UInt8] {
        Array(#"{"a":""#.utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: count) + Array(#""}"#.utf8)
    }

    @Test(
        "A payload that is no strict JSON object is refused",
        arguments: [
            ("{", JSONFlaw.unexpectedEnd), ("[]", .notAnObject),
            (#"{"iss":1,"\u0069ss":2}"#, .duplicateMember),
            ("\u{FEFF}{}", .unexpectedByte), (#"{"a":1,}"#, .unexpectedByte), ("{}{}", .trailingBytes),
            ("{\0}", .unexpectedByte),
        ])
    func payloads(payload: String, reason: JSONFlaw) throws {
        #expect(flawOf(token: try mint.token(payload: payload)) == .notJSON(.payload, reason))
        #expect(flawOf(token: try mint.token(header: payload)) == .notJSON(.header, reason))
    }

    @Test("What is said of a flaw repeats nothing of the token but an escaped, short alg")
    func words() throws {
        let secret = "c2VjcmV0LXRva2Vu"
        let flaws = [
            flawOf(token: secret), flawOf(token: "\(secret).\(secret).\(secret)"),
            flawOf(token: "\(secret)!.a.b"),
            flawOf(token: try mint.token(header: #"{"alg":"RS256","kid":["\#(secret)"]}"#)),
        ]
        for flaw in flaws { #expect(try #require(flaw).description.contains(secret) == false) }
        let long = String(repeating: "\\r\\nx%\\u001b", count: 40)
        let flaw = try #require(flawOf(token: try mint.token(header: #"{"alg":"\#(long)","kid":"k"}"#)))
        #expect(flaw.isAlgorithm)
        #expect(flaw.description.utf8.allSatisfy { 0x20...0x7E ~= $0 })
        #expect(flaw.description.utf8.count < 200)
    }
}

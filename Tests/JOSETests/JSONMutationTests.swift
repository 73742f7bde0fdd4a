import JOSE
import TestSupport
import Testing

@Suite struct JSONMutationTests {
    static let seeds = [
        #"{"sub":"a","cognito:groups":["x","y"],"exp":1676316377,"email_verified":true,"n":null}"#,
        #"[1,-2.5e+3,"\u00e9\ud83d\ude00\n\\","é😀",{"a":{"b":[[],{}]}},false]"#,
        #"{"a":"\u0061","\u0062":1.0,"c":{"d":[{"e":0}]}, "f" : "0123456789abcdef0123" }"#,
    ].map { Array($0.utf8) }
    static let tokens =
        Array("{}[]\":,\\u0dD8e-+.9tfnrl \n".utf8) + [0, 0x1F, 0x80, 0xC3, 0xE2, 0xED, 0xF0, 0xFF]

    static func mutate(_ seed: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            guard let place = bytes.indices.randomElement(using: &generator) else { break }
            let byte = tokens.randomElement(using: &generator) ?? 0
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes[place] = byte
            case 1: bytes.insert(byte, at: place)
            case 2: bytes.remove(at: place)
            case 3: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 4: bytes.removeLast(bytes.count - place)
            default:
                let end = min(bytes.count, place + Int.random(in: 1...12, using: &generator))
                bytes.insert(
                    contentsOf: Array(bytes[place..<end]),
                    at: Int.random(in: 0...bytes.count, using: &generator))
            }
        }
        return bytes
    }

    @Test("No mutation crashes the parser, and what it accepts it reads the same when written again")
    func mutations() throws {
        var generator = SeededGenerator(seed: 0x706F_6F6C_6761_7465)
        var accepted = 0
        for number in 0..<50_000 {
            let text = Self.mutate(Self.seeds[number % Self.seeds.count], &generator)
            guard let value = try? JSONValue(parsing: text) else { continue }
            accepted += 1
            let written = JOSETests.text(of: value)
            let again = try JSONValue(parsing: written)
            guard JOSETests.text(of: again) == written else {
                Issue.record("\(text) is read differently a second time")
                return
            }
        }
        // Were nearly everything refused, nothing would have been tested.
        #expect(accepted > 2_000)
    }

    @Test("No bytes crash the reader of tokens")
    func tokens() throws {
        let mint = try #require(Mint0.mint)
        let seed = try mint.token(payload: #"{"sub":"a","exp":1}"#)
        var generator = SeededGenerator(seed: 7)
        var refused = 0
        for _ in 0..<5_000 {
            let token = Self.mutate(seed, &generator)
            if flawOf(token: token) != nil { refused += 1 }
        }
        #expect(refused > 500)
    }
}

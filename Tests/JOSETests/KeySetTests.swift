import JOSE
import TestSupport
import Testing

@Suite struct KeySetTests {
    let mint: Mint
    let other: Mint

    init() throws {
        mint = try #require(Mint0.mint)
        other = try #require(Mint(1, keyID: "key-2"))
    }

    private static let absent: String? = nil

    /// An entry whose members replace or, where nil, remove those of the first mint's under the name `bad`.
    func entry(_ changes: [String: String?]) -> String {
        let (n, e) = mint.key.publicNumbers
        var members: [String: String] = [
            "alg": "\"RS256\"", "kid": "\"bad\"", "kty": "\"RSA\"", "use": "\"sig\"", "n": quoted(n),
            "e": quoted(e),
        ]
        for (name, value) in changes { members[name] = value }
        return "{"
            + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",")
            + "}"
    }

    func quoted(_ bytes: [UInt8]) -> String {
        "\"" + String(decoding: Base64URL.encode(bytes), as: UTF8.self) + "\""
    }

    /// An odd number of exactly this many bits.
    func modulus(bits: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0x5B, count: (bits + 7) / 8)
        bytes[0] = 0xFF >> UInt8((8 - bits % 8) % 8)
        return bytes
    }

    /// Whether the entry is used, beside a good key that always is.
    func isUsed(_ entry: String) throws -> Bool {
        let set = try JSONWebKeySet(parsing: Mint.keySet([other.jwk, entry]))
        #expect(set.keys.contains { $0.keyID.description == "key-2" })
        #expect(set.keys.count + set.skipped.count == 2)
        for skipped in set.skipped { #expect(!skipped.reason.isEmpty) }
        return set.keys.count == 2
    }

    @Test("A set as Cognito publishes it is read in its order")
    func cognito() throws {
        let set = try JSONWebKeySet(parsing: Mint.keySet([mint.jwk, other.jwk]))
        #expect(set.keys.map(\.keyID.description) == ["key-1", "key-2"])
        #expect(set.keys.map(\.modulusBits) == [2048, 2048])
        #expect(set.skipped.isEmpty)
        let name = try #require(KeyID(Array("key-2".utf8)))
        #expect(set[name]?.keyID == name)
        #expect(set[try #require(KeyID(Array("key-3".utf8)))] == nil)
    }

    @Test("Optional members may be absent, and unknown ones do no harm")
    func optional() throws {
        #expect(try isUsed(entry([:])))
        #expect(try isUsed(entry(["use": Self.absent, "alg": Self.absent])))
        #expect(try isUsed(entry(["key_ops": #"["verify"]"#, "x5t": "\"a\"", "ext": "true"])))
        #expect(try isUsed(entry(["key_ops": #"["sign","verify"]"#])))
    }

    @Test(
        "A key for another purpose is skipped",
        arguments: [
            ("kty", "\"EC\""), ("kty", "\"oct\""), ("kty", "\"rsa\""), ("kty", "null"), ("use", "\"enc\""),
            ("use", "null"),
            ("alg", "\"RS512\""), ("alg", "\"PS256\""), ("alg", "\"HS256\""), ("alg", "null"),
            ("key_ops", "[]"),
            ("key_ops", #"["encrypt"]"#), ("key_ops", "\"verify\""), ("kid", "null"), ("kid", "\"\""),
            ("kid", "7"),
            ("d", "\"AQAB\""), ("p", "\"AQAB\""), ("q", "\"AQAB\""), ("dp", "1"), ("dq", "null"),
            ("qi", "\"\""), ("oth", "[]"),
        ])
    func purpose(name: String, value: String) throws {
        #expect(try isUsed(entry([name: value])) == false)
    }

    @Test("A key without type, name or numbers is skipped", arguments: ["kty", "kid", "n", "e"])
    func missing(name: String) throws {
        #expect(try isUsed(entry([name: Self.absent])) == false)
    }

    @Test("Moduli of 2048 to 8192 bits are used, one bit fewer or more is skipped")
    func modulusBits() throws {
        for (bits, expected) in [
            (512, false), (1024, false), (2047, false), (2048, true), (2049, true), (4096, true),
            (8192, true), (8193, false), (16_384, false),
        ] {
            #expect(try isUsed(entry(["n": quoted(modulus(bits: bits))])) == expected, "\(bits) bits")
        }
    }

    @Test("Zero bytes before a number change nothing about the key")
    func leadingZeros() throws {
        let (n, e) = mint.key.publicNumbers
        let plain = try #require(try JSONWebKeySet(parsing: Mint.keySet([entry([:])])).keys.first)
        for zeros in [1, 2, 7] {
            let padding = [UInt8](repeating: 0, count: zeros)
            for members in [
                ["n": quoted(padding + n)], ["e": quoted(padding + e)],
                ["n": quoted(padding + n), "e": quoted(padding + e)],
            ] {
                #expect(try isUsed(entry(members)))
                let key = try #require(try JSONWebKeySet(parsing: Mint.keySet([entry(members)])).keys.first)
                #expect(key.isSameKey(as: plain) && key.modulusBits == plain.modulusBits)
            }
        }
        #expect(try isUsed(entry(["n": quoted([0, 0])])) == false)
        #expect(try isUsed(entry(["n": quoted([0] + modulus(bits: 2047))])) == false)
    }

    @Test("An even modulus, padding and other sloppy numbers are skipped")
    func numbers() throws {
        let (n, _) = mint.key.publicNumbers
        var even = n
        even[255] &= 0xFE
        #expect(try isUsed(entry(["n": quoted(even)])) == false)
        for value in ["\"\"", "\"AQAB=\"", "\"AQ==\"", "\"AQA+\"", "\"AQA B\"", "65537", "null", "[]"] {
            #expect(try isUsed(entry(["e": value])) == false)
            #expect(try isUsed(entry(["n": value])) == false)
        }
    }

    @Test("Exponents are odd and lie between 3 and 2^32 - 1")
    func exponents() throws {
        let cases: [([UInt8], Bool)] = [
            ([1], false), ([2], false), ([3], true), ([4], false), ([17], true), ([1, 0, 0], false),
            ([1, 0, 1], true),
            ([0xFF, 0xFF, 0xFF, 0xFF], true), ([1, 0, 0, 0, 1], false),
            ([UInt8](repeating: 0xFF, count: 256), false),
        ]
        for (exponent, expected) in cases {
            #expect(try isUsed(entry(["e": quoted(exponent)])) == expected, "\(exponent.prefix(6))")
        }
    }

    @Test("The same key twice is one, and two keys of one name are none")
    func sameName() throws {
        let once = try JSONWebKeySet(parsing: Mint.keySet([mint.jwk, mint.jwk, other.jwk]))
        #expect(once.keys.map(\.keyID.description) == ["key-1", "key-2"])
        let clash = try #require(Mint(1, keyID: "key-1"))
        for entries in [
            [mint.jwk, clash.jwk, other.jwk], [clash.jwk, other.jwk, mint.jwk],
            [mint.jwk, clash.jwk, mint.jwk, other.jwk],
        ] {
            let set = try JSONWebKeySet(parsing: Mint.keySet(entries))
            #expect(set.keys.map(\.keyID.description) == ["key-2"])
            #expect(!set.skipped.isEmpty)
        }
        #expect(throws: KeySetFlaw.self) { try JSONWebKeySet(parsing: Mint.keySet([mint.jwk, clash.jwk])) }
    }

    @Test("Names are compared byte by byte: normal forms are different keys")
    func names() throws {
        let composed = try #require(Mint(0, keyID: "cl\u{E9}"))
        let decomposed = try #require(Mint(1, keyID: "cle\u{301}"))
        let set = try JSONWebKeySet(parsing: Mint.keySet([composed.jwk, decomposed.jwk]))
        #expect(set.keys.count == 2)
        #expect(set.keys[0].keyID != set.keys[1].keyID)
    }

    @Test(
        "A text without a usable key is a flaw, so that it never replaces a good set",
        arguments: [
            "", "{}", "[]", "null", #"{"keys":null}"#, #"{"keys":{}}"#, #"{"keys":[]}"#, #"{"keys":[{}]}"#,
            #"{"keys":[1,null,"x",[]]}"#,
            #"{"keys":[],"keys":[]}"#, "<html></html>", "\u{FEFF}{\"keys\":[]}",
        ])
    func useless(text: String) {
        #expect(throws: KeySetFlaw.self) { try JSONWebKeySet(parsing: Array(text.utf8)) }
    }

    @Test("One entry that is no object does not spoil the others")
    func mixed() throws {
        let set = try JSONWebKeySet(parsing: Mint.keySet(["1", "null", "{}", mint.jwk, "\"x\""]))
        #expect(set.keys.count == 1)
        #expect(set.skipped.count == 4)
    }

    @Test("Of more than 64 entries the first 64 are read, and what is left out is said")
    func count() throws {
        let entries = (0..<65).map { mint.key.publicJWK(keyID: "k\($0)") }
        // 65 keys of 2048 bits fit the 64 KiB.
        let all = try JSONWebKeySet(parsing: Mint.keySet(Array(entries.prefix(64))))
        #expect(all.keys.count == 64 && all.skipped.isEmpty)
        let cut = try JSONWebKeySet(parsing: Mint.keySet(entries))
        #expect(cut.keys.count == 64 && cut.skipped.count == 1)
    }

    @Test("A text of 64 KiB is read and one byte more refused")
    func size() throws {
        var text = Mint.keySet([mint.jwk])
        text += [UInt8](repeating: 0x20, count: 65_536 - text.count)
        #expect(throws: Never.self) { try JSONWebKeySet(parsing: text) }
        #expect(throws: KeySetFlaw.tooLarge) { try JSONWebKeySet(parsing: text + [0x20]) }
    }

    @Test("A set adopts the previous one's objects where name and numbers are equal, and only there")
    func adopting() throws {
        let previous = try JSONWebKeySet(parsing: Mint.keySet([mint.jwk, other.jwk]))
        let replaced = try #require(Mint(2, keyID: "key-2"))
        let next = try JSONWebKeySet(parsing: Mint.keySet([replaced.jwk, mint.jwk]))
        let adopted = next.adopting(previous: previous)
        #expect(adopted.keys.map(\.keyID.description) == ["key-2", "key-1"])
        #expect(adopted.keys[1] === previous.keys[0])
        #expect(adopted.keys[0] === next.keys[0])
        #expect(!adopted.keys[0].isSameKey(as: previous.keys[1]))
        #expect(next.keys[1].isSameKey(as: previous.keys[0]))
    }

    @Test("Added keys stand behind the set's own, and never replace them")
    func adding() throws {
        let set = try JSONWebKeySet(parsing: Mint.keySet([mint.jwk]))
        let clash = try #require(Mint(1, keyID: "key-1"))
        let others = try JSONWebKeySet(parsing: Mint.keySet([clash.jwk, other.jwk]))
        let sum = set.adding(others.keys)
        #expect(sum.keys.map(\.keyID.description) == ["key-1", "key-2"])
        #expect(sum.keys[0] === set.keys[0])
    }
}

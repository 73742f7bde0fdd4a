import JOSE
import TestSupport
import Testing

@Suite struct Base64URLTests {
    static func decode(_ text: String) -> [UInt8]? { Base64URL.decode(Array(text.utf8)) }

    @Test(
        "The test vectors of RFC 4648 §10 decode and encode without padding",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ])
    func vectors(plain: String, text: String) {
        #expect(Self.decode(text) == Array(plain.utf8))
        #expect(Base64URL.encode(Array(plain.utf8)) == Array(text.utf8))
    }

    @Test("The two URL-safe characters stand for 62 and 63, and the ordinary ones for nothing")
    func alphabet() {
        #expect(Self.decode("-_-_") == [0xFB, 0xFF, 0xBF])
        #expect(Self.decode("+/+/") == nil)
    }

    @Test(
        "Padding, white space, foreign bytes and impossible lengths are refused",
        arguments: [
            "Zg==", "Zm8=", "Zg=", "=", "Zm9v=", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v\r\n", "Z", "Zm9vY",
            "Zm9\0", "Zm9é",
            "Zm.v", "Zm9v%3D",
        ])
    func foreign(text: String) {
        #expect(Self.decode(text) == nil)
    }

    @Test("Unused bits that are not zero are refused, and exactly those that are zero pass")
    func canonical() {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for (value, last) in alphabet.enumerated() {
            #expect((Base64URL.decode([UInt8(ascii: "A"), last]) != nil) == (value & 15 == 0))
            #expect(
                (Base64URL.decode([UInt8(ascii: "A"), UInt8(ascii: "A"), last]) != nil) == (value & 3 == 0))
        }
    }

    @Test("Each byte outside the alphabet is refused at each place")
    func everyByte() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        for byte in UInt8.min...UInt8.max {
            for place in 0..<4 {
                var text = Array("AAAA".utf8)
                text[place] = byte
                #expect((Base64URL.decode(text) != nil) == alphabet.contains(byte))
            }
        }
    }

    @Test("Bytes of every length come back")
    func roundTrip() {
        var generator = SeededGenerator(seed: 1)
        for count in 0..<300 {
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
    }
}

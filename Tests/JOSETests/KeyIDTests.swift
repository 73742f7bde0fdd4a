import JOSE
import Testing

@Suite struct KeyIDTests {
    @Test("A name has 1 to 256 bytes")
    func length() {
        #expect(KeyID([]) == nil)
        #expect(KeyID([1]) != nil)
        #expect(KeyID([UInt8](repeating: 1, count: 256)) != nil)
        #expect(KeyID([UInt8](repeating: 1, count: 257)) == nil)
    }

    @Test("A log shows a name in visible ASCII, each other byte and % percent-encoded")
    func description() throws {
        let name = try #require(KeyID(Array("a+/=Z~ %\r\n\"\u{1B}é".utf8)))
        #expect(name.description == "a+/=Z~%20%25%0D%0A\"%1B%C3%A9")
    }
}

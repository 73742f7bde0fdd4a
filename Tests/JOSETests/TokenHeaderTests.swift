import JOSE
import TestSupport
import Testing

@Suite struct TokenHeaderTests {
    let mint: Mint

    init() throws {
        mint = try #require(Mint0.mint)
    }

    func flaw(header: String) throws -> TokenFlaw? { flawOf(token: try mint.token(header: header)) }

    @Test(
        "Every algorithm but exactly RS256 is refused",
        arguments: [
            "none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "ES256",
            "ES256K", "EdDSA", "rs256",
            "RS256 ", " RS256", "RS256\\u0000", "RS2\\u0035", "dir", "RSA-OAEP",
        ])
    func algorithms(name: String) throws {
        let flaw = try #require(try flaw(header: #"{"alg":"\#(name)","kid":"key-1"}"#))
        #expect(flaw.isAlgorithm)
    }

    @Test(
        "An algorithm that is absent or no string is refused",
        arguments: [
            #"{"kid":"key-1"}"#, #"{"alg":null,"kid":"key-1"}"#, #"{"alg":["RS256"],"kid":"key-1"}"#,
            #"{"alg":256,"kid":"key-1"}"#,
            #"{"Alg":"RS256","kid":"key-1"}"#,
        ])
    func noAlgorithm(header: String) throws {
        #expect(try flaw(header: header) == .unsupportedAlgorithm(nil))
    }

    @Test("An escaped spelling of RS256 is RS256, because the bytes compared are the string's")
    func escapedAlgorithm() throws {
        #expect(try flaw(header: #"{"\u0061lg":"RS\u0032\u00356","kid":"key-1"}"#) == nil)
    }

    @Test("A kid must be a string of 1 to 256 bytes")
    func keyIDs() throws {
        #expect(try flaw(header: #"{"alg":"RS256"}"#) == .missingKeyID)
        for value in ["null", "1", "[]", #"["key-1"]"#, #""""#] {
            #expect(try flaw(header: #"{"alg":"RS256","kid":\#(value)}"#) == .unusableKeyID)
        }
        func header(_ count: Int) -> String {
            #"{"alg":"RS256","kid":"\#(String(repeating: "k", count: count))"}"#
        }
        #expect(try flaw(header: header(1)) == nil)
        #expect(try flaw(header: header(256)) == nil)
        #expect(try flaw(header: header(257)) == .unusableKeyID)
    }

    @Test("A kid of ordinary base64 with + / = is taken as it is")
    func base64KeyID() throws {
        let token = try read(try mint.token(header: #"{"alg":"RS256","kid":"a+b\/c="}"#))
        #expect(token.keyID == KeyID(Array("a+b/c=".utf8)))
    }

    @Test(
        "Members that change what the token means are refused, whatever their value",
        arguments: [
            (#""crit":["exp"]"#, TokenFlaw.criticalExtension), (#""crit":[]"#, .criticalExtension),
            (#""crit":null"#, .criticalExtension), (#""b64":false"#, .unencodedPayload),
            (#""b64":true"#, .unencodedPayload),
            (#""crit":["b64"],"b64":false"#, .criticalExtension), (#""zip":"DEF""#, .compressed),
            (#""cty":"JWT""#, .nested),
            (#""cty":"jwt""#, .nested), (#""cty":"json""#, .nested),
        ])
    func extensions(member: String, reason: TokenFlaw) throws {
        #expect(try flaw(header: #"{"alg":"RS256","kid":"key-1",\#(member)}"#) == reason)
    }

    @Test(
        "A typ of JWT or at+jwt passes, in any letter case, with or without application/",
        arguments: [
            "JWT", "jwt", "Jwt", "at+jwt", "AT+JWT", "application/jwt", "application/at+jwt",
            "APPLICATION/JWT",
        ])
    func types(type: String) throws {
        #expect(try flaw(header: #"{"alg":"RS256","kid":"key-1","typ":"\#(type)"}"#) == nil)
    }

    @Test(
        "Another typ is refused",
        arguments: [
            #""""#, #""JOSE""#, #""dpop+jwt""#, #""secevent+jwt""#, #""logout+jwt""#, #""JWT ""#,
            #""application/""#, "null", "[\"JWT\"]",
            #""application/application/jwt""#, #""text/jwt""#, "\"\u{212A}WT\"",
        ])
    func otherTypes(type: String) throws {
        #expect(try flaw(header: #"{"alg":"RS256","kid":"key-1","typ":\#(type)}"#) == .unsupportedType)
    }

    @Test("A key inside the token is never used")
    func embeddedKeys() throws {
        let keys = try #require(Mint0.keys)
        let attacker = try #require(Mint(1, keyID: "key-1"))
        for member in [
            #""jwk":\#(attacker.jwk)"#, #""jku":"http://127.0.0.1/k""#, #""x5u":"http://127.0.0.1/c""#,
            #""x5c":["MIIB"]"#,
        ] {
            let header = #"{"alg":"RS256","kid":"key-1",\#(member)}"#
            let forged = try read(try attacker.token(header: header))
            let key = try #require(keys[forged.keyID])
            #expect(forged.verified(by: key) == nil)
            // The same members do no harm in a genuine token.
            #expect(try read(try mint.token(header: header)).verified(by: key) != nil)
        }
    }

    @Test("A token keyed with the public key as an HMAC secret never reaches a key")
    func confusion() throws {
        let token = Mint.compact(
            Mint.signingInput(Array(#"{"alg":"HS256","kid":"key-1"}"#.utf8), Array("{}".utf8)),
            [UInt8](repeating: 1, count: 32))
        #expect(flawOf(token: token) == .unsupportedAlgorithm("HS256"))
    }
}

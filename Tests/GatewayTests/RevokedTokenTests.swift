import Foundation
import Gatekeeper
import TestSupport
import Testing

@testable import Gateway

@Suite struct RevokedTokenTests {
    private static let ids = #""origin_jti":"o-1","jti":"j-1""#

    private func token(_ claims: String) throws -> [UInt8] {
        try #require(Mint(keyID: "key-1")).token(payload: claims)
    }

    private func issuer(_ pool: String) -> String {
        #""iss":"https://cognito-idp.eu-west-1.amazonaws.com/\#(pool)""#
    }

    @Test("A token revokes its sign-in, or itself where that is asked for or it names no sign-in")
    func targets() throws {
        let whole = try RevokedToken(token("{\(issuer("eu-west-1_Abc")),\(Self.ids)}"))
        #expect(whole.poolID == "eu-west-1_Abc")
        #expect(try whole.target(tokenAlone: false) == .originJTI("o-1"))
        #expect(try whole.target(tokenAlone: true) == .jti("j-1"))
        let machine = try RevokedToken(token("{\(issuer("eu-west-1_Abc")),\"jti\":\"j-2\"}"))
        #expect(try machine.target(tokenAlone: false) == .jti("j-2"))
    }

    @Test("What is no token, has no ids or comes from no pool is told, and nothing of it is shown")
    func flaws() throws {
        let secret = "eyJzZWNyZXQ"
        for input in [Array(secret.utf8), Array("\(secret).\(secret).\(secret)".utf8), []] {
            let flaw = #expect(throws: RevokedToken.Flaw.self) { try RevokedToken(input) }
            #expect(flaw?.description.contains(secret) == false)
        }
        #expect(throws: RevokedToken.Flaw.self) {
            try RevokedToken(token("{\(issuer("nonsense")),\(Self.ids)}"))
        }
        let none = try RevokedToken(token("{\(issuer("eu-west-1_Abc"))}"))
        #expect(throws: RevokedToken.Flaw.self) { try none.target(tokenAlone: false) }
    }

    @Test("A time is a span or a point in time")
    func times() {
        #expect(RevocationTime("90m") == .away(milliseconds: 5_400_000))
        #expect(RevocationTime("2026-11-26T06:00:00Z") == .at("2026-11-26T06:00:00Z"))
    }
}

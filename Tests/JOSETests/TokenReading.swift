import JOSE
import TestSupport

/// The mint that most tests use, and the keys that verify its tokens.
enum Mint0 {
    static let mint = Mint()
    static let keys = mint.flatMap { try? JSONWebKeySet(parsing: Mint.keySet([$0.jwk])) }
}

func read(_ token: [UInt8]) throws(TokenFlaw) -> UnverifiedToken {
    let result = token.withUnsafeBytes { token in
        Result { () throws(TokenFlaw) in try UnverifiedToken(compact: token) }
    }
    return try result.get()
}

/// What keeps the token from being read; nil where it is.
func flawOf(token: [UInt8]) -> TokenFlaw? {
    do throws(TokenFlaw) {
        _ = try read(token)
        return nil
    } catch {
        return error
    }
}

func flawOf(token: String) -> TokenFlaw? { flawOf(token: Array(token.utf8)) }

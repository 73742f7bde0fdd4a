import COpenSSL

/// SHA-256 of bytes (FIPS 180-4), such as a token's signing input.
package struct TokenDigest: Hashable, Sendable {
    /// The 32 bytes as four words, in the order of memory.
    package let words: (UInt64, UInt64, UInt64, UInt64)

    /// Whether all four words are equal.
    package static func == (left: TokenDigest, right: TokenDigest) -> Bool {
        left.words == right.words
    }

    /// One word suffices: the digest is spread evenly already.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
    }
}

/// Makes digests with one context that is used again: fetching the algorithm each time would cost more than hashing.
///
/// A class that frees the context; it belongs to whoever made it and is not shared.
package final class TokenDigester {
    private let context: OpaquePointer?

    /// Makes the context; where there is no memory for it, every digest is nil.
    package init() {
        context = EVP_MD_CTX_new()
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    /// The digest of `bytes`; nil where the library has no memory.
    package func digest(of bytes: UnsafeRawBufferPointer) -> TokenDigest? {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let isDone = withUnsafeMutableBytes(of: &words) { output in
            EVP_DigestInit_ex2(context, Algorithm.shared.sha256, nil) == 1
                && EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
                && EVP_DigestFinal_ex(context, output.bindMemory(to: UInt8.self).baseAddress, nil) == 1
        }
        return isDone ? TokenDigest(words: words) : nil
    }
}

/// The one digest algorithm, fetched once for the process.
///
/// Sendable without the compiler's proof: a fetched `EVP_MD` is never changed (OpenSSL, "EVP_MD_fetch").
struct Algorithm: @unchecked Sendable {
    let sha256: OpaquePointer?

    init() {
        sha256 = EVP_MD_fetch(nil, "SHA2-256", nil)
    }

    static let shared = Algorithm()
}

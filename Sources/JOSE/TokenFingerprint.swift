import COpenSSL

/// What a loop remembers a verified token by: 128 bits of a keyed hash of the token's bytes.
///
/// Only the `TokenFingerprinter` that made it can make it again, and it is never shown to anybody.
package struct TokenFingerprint: Hashable, Sendable {
    /// The 16 bytes as two words, in the order of memory.
    package let words: (UInt64, UInt64)

    /// A fingerprint of these words.
    package init(words: (UInt64, UInt64)) {
        self.words = words
    }

    /// Whether all 16 bytes are equal.
    package static func == (left: TokenFingerprint, right: TokenFingerprint) -> Bool {
        left.words == right.words
    }

    /// One word suffices: its bits are spread evenly already.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
    }
}

/// Makes fingerprints of tokens under two random AES keys of its own: AES-128 of GMAC (NIST SP 800-38D §3).
///
/// **What must hold.** Two tokens with one fingerprint at one tenant would be one entry of the cache, so whoever sends the
/// second would be taken for whom the first names. A caller chooses its tokens freely and sees whether they are let in;
/// it must be unable to find two that collide, and to steer which place of the cache's table a token falls on.
///
/// **Why it holds.**
/// - GMAC with a fixed nonce is GHASH under a secret point H, plus a constant. For any two different messages of at most n
///   blocks of 16 bytes, at most n + 1 of the 2¹²⁸ values of H give the same hash (McGrew and Viega 2004, lemma 2; the
///   length is hashed too, so padding makes no two equal). A token of 16 KiB has 1,024 blocks. Somebody who tries 2⁵⁰ tokens
///   against 2²⁰ remembered ones succeeds with a chance below 2²⁰⁺⁵⁰⁺¹¹⁻¹²⁸ = 2⁻⁴⁷, whichever tokens they are: a try that
///   fails only says that H is not among the 1,025 values that it was a guess for.
/// - GHASH is linear, so partly equal hashes would tell about H. None is seen: the hash is encrypted under a second key
///   before anything is made of it. As long as no two hashes are equal, the fingerprints look like distinct random blocks,
///   and their bits, the place in a table that they choose, and the time that comparing them takes say nothing about H.
/// - GCM's rule that a nonce serves once keeps what an adversary sees of encrypted text and tags from telling about H.
///   Here nothing is encrypted under the first key and no tag is seen, so one nonce serves always.
/// - Keys are random for each fingerprinter, die with it and are stored nowhere.
///
/// SHA-256 would need no such argument. It takes 0.58 µs for a token of 1.1 KB where this takes 0.23 (AMD Zen 5 with SHA
/// instructions, `ops/bench/micro`), in a request of which everything outside the kernel takes few microseconds.
///
/// A class that frees its contexts and wipes their keys; it belongs to one loop and is not shared.
package final class TokenFingerprinter {
    private static let keyBytes = 16
    private static let nonce: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

    /// AES-128-GCM under the first key and AES-128 of single blocks under the second; nil where there is no key.
    private let hash: OpaquePointer?
    private let block: OpaquePointer?

    /// Draws its keys from the library's generator for private values. Where that fails it makes no fingerprint, so
    /// that no token is remembered under a key that could be guessed.
    package convenience init() {
        var keys = [UInt8](repeating: 0, count: 2 * TokenFingerprinter.keyBytes)
        let isRandom = RAND_priv_bytes(&keys, CInt(keys.count)) == 1
        self.init(keys: isRandom ? keys : [])
        OPENSSL_cleanse(&keys, keys.count)
    }

    /// `keys` are the two keys one behind the other.
    init(keys: [UInt8]) {
        guard keys.count == 2 * TokenFingerprinter.keyBytes else {
            (hash, block) = (nil, nil)
            return
        }
        hash = TokenFingerprinter.context("AES-128-GCM", Array(keys.prefix(TokenFingerprinter.keyBytes)))
        block = TokenFingerprinter.context("AES-128-ECB", Array(keys.suffix(TokenFingerprinter.keyBytes)))
    }

    deinit {
        EVP_CIPHER_CTX_free(hash)
        EVP_CIPHER_CTX_free(block)
    }

    /// The fingerprint of `bytes`; nil where there is no random key or the library has no memory.
    package func fingerprint(of bytes: UnsafeRawBufferPointer) -> TokenFingerprint? {
        guard let hash, let block, let count = CInt(exactly: bytes.count) else { return nil }
        var (tag, words): ((UInt64, UInt64), (UInt64, UInt64)) = ((0, 0), (0, 0))
        var (none, written): (CInt, CInt) = (0, 0)
        let isDone = withUnsafeMutableBytes(of: &tag) { tag in
            EVP_EncryptInit_ex2(hash, nil, nil, TokenFingerprinter.nonce, nil) == 1
                // Data without a place for output is authenticated only: GMAC.
                && EVP_EncryptUpdate(hash, nil, &none, bytes.baseAddress, count) == 1
                && EVP_EncryptFinal_ex(hash, tag.baseAddress, &none) == 1
                && EVP_CIPHER_CTX_ctrl(hash, EVP_CTRL_AEAD_GET_TAG, CInt(tag.count), tag.baseAddress) == 1
        }
        let isEncrypted = withUnsafeMutableBytes(of: &words) { words in
            withUnsafeBytes(of: &tag) { tag in
                EVP_EncryptUpdate(block, words.baseAddress, &written, tag.baseAddress, CInt(tag.count)) == 1
            }
        }
        return isDone && isEncrypted && written == CInt(TokenFingerprinter.keyBytes)
            ? TokenFingerprint(words: words) : nil
    }

    private static func context(_ algorithm: String, _ key: [UInt8]) -> OpaquePointer? {
        guard let cipher = EVP_CIPHER_fetch(nil, algorithm, nil) else { return nil }
        defer { EVP_CIPHER_free(cipher) }
        guard let context = EVP_CIPHER_CTX_new() else { return nil }
        guard EVP_EncryptInit_ex2(context, cipher, key, nil, nil) == 1,
            EVP_CIPHER_CTX_set_padding(context, 0) == 1
        else {
            EVP_CIPHER_CTX_free(context)
            return nil
        }
        return context
    }
}

/// Authentication schemes by which a peer takes all that comes by one connection for the requests of one caller, against
/// RFC 9110 §11: NTLM, and Negotiate where it comes to NTLM or the peer remembers it (RFC 4559 §6).
enum ConnectionScheme {
    /// Whether the value of an `Authorization` field is of such a scheme.
    static func begins(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        // Almost every value begins with another letter.
        guard let first = range.first, ASCII.lowered(bytes[first]) == UInt8(ascii: "n") else { return false }
        return isNamed(bytes, range)
    }

    /// Whether such a scheme stands in a list of challenges (RFC 9110 §11.6.1). Challenges and their parameters are
    /// parted by the same commas, so every word outside quotes is looked at: one taken for a scheme wrongly costs no
    /// more than a connection that is not shared.
    static func isNamed(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        // Once one quote is found without its other, none is looked for again: each search would go to the end.
        var hasOpenQuote = false
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: "\""), !hasOpenQuote {
                if let end = endOfQuotes(bytes, index, range.upperBound) {
                    index = end
                } else {
                    hasOpenQuote = true
                }
                continue
            }
            let start = index
            while index < range.upperBound, ByteScanner.isToken(bytes[index]) { index &+= 1 }
            if index == start {
                index &+= 1
                continue
            }
            let word = UnsafeRawBufferPointer(rebasing: bytes[start..<index])
            if ByteScanner.equals(word, "ntlm") || ByteScanner.equals(word, "negotiate")
                || ByteScanner.equals(word, "kerberos") || ByteScanner.equals(word, "nego2")
            {
                return true
            }
        }
        return false
    }

    /// Behind the quotes that begin at `start`; nil where they do not end.
    private static func endOfQuotes(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int? {
        var index = start &+ 1
        while index < end {
            if bytes[index] == UInt8(ascii: "\"") { return index &+ 1 }
            index &+= bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }
}

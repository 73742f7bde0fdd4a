/// Base64url without padding, decoded strictly (RFC 4648 §5, RFC 7515 §2).
///
/// It is written here because Foundation's decoder accepts trailing bits that are not zero: then one token could be
/// spelled in several ways, and each spelling would be another token to a cache.
package enum Base64URL {
    /// 64 and above mark bytes outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(truncatingIfNeeded: value) }
        return values
    }()

    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// The bytes that `text` spells; nil for padding, other characters, an impossible length or stray bits.
    package static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        decode(text, zeros: 0)
    }

    /// The same bytes with `zeros` zero bytes behind them: `JSONParser` needs one behind its text.
    static func decode(_ text: UnsafeRawBufferPointer, zeros: Int) -> [UInt8]? {
        let rest = text.count % 4
        guard rest != 1 else { return nil }
        let size = text.count / 4 * 3 + (rest == 0 ? 0 : rest - 1)
        var isGood = true
        let bytes = values.withUnsafeBufferPointer { values in
            [UInt8](unsafeUninitializedCapacity: size + zeros) { output, initialized in
                isGood = decode(text, values, into: output)
                for index in size..<size + zeros { output[index] = 0 }
                initialized = size + zeros
            }
        }
        return isGood ? bytes : nil
    }

    /// Invariant: `output` has room for what `text` of this length spells; `values` has 256 elements.
    private static func decode(
        _ text: UnsafeRawBufferPointer, _ values: UnsafeBufferPointer<UInt8>,
        into output: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        var seen: UInt8 = 0
        var (from, to) = (0, 0)
        while from &+ 4 <= text.count {
            let (a, b) = (values[Int(text[from])], values[Int(text[from &+ 1])])
            let (c, d) = (values[Int(text[from &+ 2])], values[Int(text[from &+ 3])])
            seen |= a | b | c | d
            output[to] = a << 2 | b >> 4
            output[to &+ 1] = b << 4 | c >> 2
            output[to &+ 2] = c << 6 | d
            from &+= 4
            to &+= 3
        }
        switch text.count &- from {
        case 2:
            let (a, b) = (values[Int(text[from])], values[Int(text[from &+ 1])])
            seen |= a | b
            output[to] = a << 2 | b >> 4
            return seen < 64 && b & 15 == 0
        case 3:
            let (a, b) = (values[Int(text[from])], values[Int(text[from &+ 1])])
            let c = values[Int(text[from &+ 2])]
            seen |= a | b | c
            output[to] = a << 2 | b >> 4
            output[to &+ 1] = b << 4 | c >> 2
            return seen < 64 && c & 3 == 0
        default: return seen < 64
        }
    }

    /// The bytes that `text` spells; nil for padding, other characters, an impossible length or stray bits.
    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        text.withUnsafeBytes { decode($0) }
    }

    /// The text that spells `bytes`, without padding.
    package static func encode(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var (text, bits, count): ([UInt8], UInt32, Int) = ([], 0, 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                text.append(alphabet[Int(bits >> UInt32(count) & 63)])
            }
        }
        if count > 0 { text.append(alphabet[Int(bits << UInt32(6 - count) & 63)]) }
        return text
    }
}

/// The response directives of `Cache-Control` that say how long a key set stays fresh (RFC 9111 §5.2.2).
struct CacheControl: Sendable, Equatable {
    /// `max-age` in seconds; 0 with `no-store` or `no-cache`; nil where it is absent, no number, or repeated with another
    /// value.
    var maxAgeSeconds: Int? { forbidsStorage ? 0 : (isUnclear ? nil : maxAge) }

    private var maxAge: Int?
    private var isUnclear = false
    private var forbidsStorage = false

    /// Takes the value of one field line. Several lines count as one list (RFC 9110 §5.3).
    mutating func take(value: Slice<UnsafeRawBufferPointer>) {
        var rest = value
        while !rest.isEmpty {
            let end = CacheControl.endOfDirective(rest)
            take(directive: CacheControl.trimmed(rest[..<end]))
            rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
        }
    }

    private mutating func take(directive: Slice<UnsafeRawBufferPointer>) {
        let mark = directive.firstIndex(of: UInt8(ascii: "=")) ?? directive.endIndex
        let name = directive[..<mark]
        if mark == directive.endIndex || CacheControl.isSame(name, "no-cache") {
            forbidsStorage =
                forbidsStorage || CacheControl.isSame(name, "no-store")
                || CacheControl.isSame(name, "no-cache")
            isUnclear = isUnclear || CacheControl.isSame(name, "max-age")
            return
        }
        guard CacheControl.isSame(name, "max-age") else { return }
        guard let seconds = CacheControl.deltaSeconds(CacheControl.unquoted(directive[(mark + 1)...])) else {
            isUnclear = true
            return
        }
        if let maxAge, maxAge != seconds { isUnclear = true }
        maxAge = seconds
    }

    /// A number of seconds in decimal digits, nil for anything else; more than 2^31 counts as 2^31 (RFC 9111 §1.2.2).
    static func deltaSeconds(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard !digits.isEmpty else { return nil }
        var seconds = 0
        for byte in digits {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            seconds = min(2_147_483_648, seconds * 10 + Int(byte - 0x30))
        }
        return seconds
    }

    /// Whether the bytes are `word`, which is in lower case; ASCII letters are compared without case.
    static func isSame(_ bytes: Slice<UnsafeRawBufferPointer>, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        let expected = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        return zip(bytes, expected).allSatisfy { byte, letter in
            (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) == letter
        }
    }

    /// The bytes without blanks and line ends around them.
    static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var rest = bytes
        while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
        while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
        return rest
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }

    private static func unquoted(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        let quote = UInt8(ascii: "\"")
        guard bytes.count >= 2, bytes.first == quote, bytes.last == quote else { return bytes }
        return bytes.dropFirst().dropLast()
    }

    /// Where the first directive ends: at the next comma outside a quoted string.
    private static func endOfDirective(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int {
        var isQuoted = false
        var isEscaped = false
        for index in bytes.indices {
            let byte = bytes[index]
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if byte == UInt8(ascii: ","), !isQuoted {
                return index
            }
        }
        return bytes.endIndex
    }
}

/// A piece of Swift source as the house rules look at it.
struct Token: Equatable {
    enum Kind {
        /// A keyword or an identifier, with its backticks.
        case word
        case number
        /// One character of an operator or of punctuation.
        case symbol
        /// A string literal: its contents, each interpolation replaced by `SwiftTokens.interpolation`.
        case string
        case regex
        case comment
        /// A comment of three slashes.
        case documentation
    }

    let kind: Kind
    let text: String
    /// The line it begins on, from 1.
    let line: Int
    let lastLine: Int
    /// Whether white space, a line's begin or a comment stands before it.
    let isSpaced: Bool
    let isFirstOnLine: Bool

    func `is`(_ symbol: String) -> Bool { kind == .symbol && text == symbol }
    func isWord(_ word: String) -> Bool { kind == .word && text == word }
}

/// Cuts Swift source into tokens: strings of every spelling (raw, of several lines, with interpolations, whose
/// code follows the string's token), comments nested in comments, and regular expressions. It knows
/// no grammar; that much suffices for rules about words and numbers, and costs no dependency.
struct SwiftTokens {
    static let interpolation = "\u{FFFC}"

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var isSpaced = true
    private var isFirstOnLine = true
    private var tokens: [Token] = []

    static func of(_ text: String) -> [Token] {
        var lexer = SwiftTokens(bytes: Array(text.utf8))
        lexer.code(inParentheses: false)
        return lexer.tokens
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func byte(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private func follows(_ text: StaticString) -> Bool {
        guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[position + index] != text.utf8Start[index] {
            return false
        }
        return true
    }

    private mutating func add(_ kind: Token.Kind, _ text: String, from first: Int, spaced: Bool, leads: Bool)
    {
        tokens.append(
            Token(
                kind: kind, text: text, line: first, lastLine: line, isSpaced: spaced, isFirstOnLine: leads))
        isSpaced = false
        isFirstOnLine = false
    }

    /// Adds the bytes up to `end` as one token.
    private mutating func take(_ kind: Token.Kind, to end: Int) {
        let first = line
        let text = bytes[position..<end]
        for byte in text where byte == 0x0A { line += 1 }
        position = end
        add(kind, String(decoding: text, as: UTF8.self), from: first, spaced: isSpaced, leads: isFirstOnLine)
        // What follows a comment is as free as what follows a space.
        if kind == .comment || kind == .documentation { isSpaced = true }
    }

    /// Reads code up to the end, or to the parenthesis that closes an interpolation.
    private mutating func code(inParentheses: Bool) {
        var depth = 0
        while position < bytes.count {
            let next = byte()
            switch next {
            case 0x0A:
                line += 1
                position += 1
                isSpaced = true
                isFirstOnLine = true
            case 0x20, 0x09, 0x0D:
                position += 1
                isSpaced = true
            case _ where follows("//"): lineComment()
            case _ where follows("/*"): blockComment()
            case _ where isWordByte(next) && !isDigit(next), UInt8(ascii: "`"): word()
            case _ where isDigit(next): number()
            case UInt8(ascii: "\""): string(hashes: 0)
            case UInt8(ascii: "#"): hash()
            case UInt8(ascii: "/") where isRegexStart: regex(hashes: 0)
            default:
                if inParentheses {
                    if next == UInt8(ascii: "(") { depth += 1 }
                    if next == UInt8(ascii: ")") { depth -= 1 }
                    if depth < 0 {
                        position += 1
                        return
                    }
                }
                take(.symbol, to: position + 1)
            }
        }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private func isWordByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte >= 0x80
    }

    private mutating func word() {
        var end = position + 1
        if byte() == UInt8(ascii: "`") {
            while end < bytes.count, bytes[end] != UInt8(ascii: "`") { end += 1 }
            end = min(end + 1, bytes.count)
        } else {
            while end < bytes.count, isWordByte(bytes[end]) { end += 1 }
        }
        take(.word, to: end)
    }

    private mutating func number() {
        var end = position
        while end < bytes.count {
            let isPoint =
                bytes[end] == UInt8(ascii: ".") && end + 1 < bytes.count && isDigit(bytes[end + 1])
                && tokens.last?.is(".") != true
            guard isPoint || isWordByte(bytes[end]) else { break }
            end += 1
        }
        take(.number, to: end)
    }

    private mutating func lineComment() {
        var end = position
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        take(follows("///") ? .documentation : .comment, to: end)
    }

    private mutating func blockComment() {
        var (end, depth) = (position + 2, 1)
        while end < bytes.count, depth > 0 {
            let pair = (bytes[end], end + 1 < bytes.count ? bytes[end + 1] : 0)
            switch pair {
            case (UInt8(ascii: "/"), UInt8(ascii: "*")): (end, depth) = (end + 2, depth + 1)
            case (UInt8(ascii: "*"), UInt8(ascii: "/")): (end, depth) = (end + 2, depth - 1)
            default: end += 1
            }
        }
        take(follows("/**") ? .documentation : .comment, to: min(end, bytes.count))
    }

    /// A `#`: of a raw string, of a regular expression, or of a word such as `#if`.
    private mutating func hash() {
        var count = 1
        while byte(count) == UInt8(ascii: "#") { count += 1 }
        if byte(count) == UInt8(ascii: "\"") {
            string(hashes: count)
        } else if byte(count) == UInt8(ascii: "/") {
            regex(hashes: count)
        } else {
            take(.symbol, to: position + 1)
        }
    }

    /// A slash begins a regular expression where a division could not stand, if another one closes it on its line.
    private var isRegexStart: Bool {
        guard byte(1) != 0x20, byte(1) != 0x0A else { return false }
        if let last = tokens.last {
            guard last.kind == .symbol, ![")", "]", "}", "?", "!"].contains(last.text) else { return false }
        }
        var end = position + 1
        while end < bytes.count, bytes[end] != 0x0A {
            if bytes[end] == UInt8(ascii: "/") { return true }
            end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
        }
        return false
    }

    private mutating func regex(hashes: Int) {
        var end = position + hashes + 1
        while end < bytes.count {
            if bytes[end] == UInt8(ascii: "\\") {
                end += 2
            } else if bytes[end] == UInt8(ascii: "/"), closes(at: end + 1, hashes: hashes) {
                break
            } else {
                end += 1
            }
        }
        take(.regex, to: min(end + 1 + hashes, bytes.count))
    }

    private func closes(at end: Int, hashes: Int) -> Bool {
        for index in 0..<hashes where end + index >= bytes.count || bytes[end + index] != UInt8(ascii: "#") {
            return false
        }
        return true
    }

    /// Whether three quotes end the line: a raw string of one line may begin with as many.
    private var beginsLongString: Bool {
        guard follows("\"\"\"") else { return false }
        var end = position + 3
        while end < bytes.count, bytes[end] == 0x20 || bytes[end] == 0x09 { end += 1 }
        return end >= bytes.count || bytes[end] == 0x0A
    }

    private mutating func string(hashes: Int) {
        let (first, spaced, leads) = (line, isSpaced, isFirstOnLine)
        let place = tokens.count
        position += hashes
        let isLong = beginsLongString
        position += isLong ? 3 : 1
        var contents: [UInt8] = []
        reading: while position < bytes.count {
            switch byte() {
            case UInt8(ascii: "\"") where !isLong && closes(at: position + 1, hashes: hashes):
                position += 1 + hashes
                break reading
            case UInt8(ascii: "\"")
            where isLong && follows("\"\"\"") && closes(at: position + 3, hashes: hashes):
                position += 3 + hashes
                break reading
            case UInt8(ascii: "\\") where closes(at: position + 1, hashes: hashes):
                position += 1 + hashes
                escape(into: &contents)
            case 0x0A where !isLong: break reading
            default:
                if byte() == 0x0A { line += 1 }
                contents.append(byte())
                position += 1
            }
        }
        let interpolated = tokens[place...]
        tokens.removeSubrange(place...)
        add(.string, String(decoding: contents, as: UTF8.self), from: first, spaced: spaced, leads: leads)
        tokens += interpolated
    }

    /// Reads what follows a backslash in a string.
    private mutating func escape(into contents: inout [UInt8]) {
        let next = byte()
        position += 1
        switch next {
        case UInt8(ascii: "("):
            contents += Array(Self.interpolation.utf8)
            code(inParentheses: true)
        case UInt8(ascii: "n"), UInt8(ascii: "r"): contents.append(0x0A)
        case UInt8(ascii: "t"): contents.append(0x09)
        case 0x0A: line += 1
        default: contents.append(next)
        }
    }
}

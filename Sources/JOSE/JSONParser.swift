/// Checks a JSON text byte by byte and notes where its values lie (RFC 8259).
///
/// Invariant: `at` never passes `bytes.count`; each read is guarded by it.
struct JSONParser {
    private(set) var nodes: [JSONText.Node] = []
    private var at = 0

    init(count: Int) {
        nodes.reserveCapacity(count / 12 + 8)
    }

    mutating func parseText(_ bytes: UnsafeRawBufferPointer) throws(JSONFlaw) {
        skipSpace(bytes)
        try parseValue(bytes, depth: 0)
        skipSpace(bytes)
        guard at == bytes.count else { throw .syntax }
    }

    private mutating func parseValue(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(JSONFlaw) {
        guard at < bytes.count else { throw .syntax }
        switch bytes[at] {
        case UInt8(ascii: "{"): try parseObject(bytes, depth: depth + 1)
        case UInt8(ascii: "["): try parseArray(bytes, depth: depth + 1)
        case UInt8(ascii: "\""): try parseString(bytes)
        case UInt8(ascii: "t"): try parseWord(bytes, "true", .yes)
        case UInt8(ascii: "f"): try parseWord(bytes, "false", .no)
        case UInt8(ascii: "n"): try parseWord(bytes, "null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseNumber(bytes)
        case 0x80...: throw .encoding
        default: throw .syntax
        }
    }

    private mutating func parseObject(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(JSONFlaw) {
        guard depth <= Limits.jsonDepth else { throw .tooDeep }
        let index = open(.object)
        skipSpace(bytes)
        if try take(UInt8(ascii: "}"), bytes) {
            close(index)
            return
        }
        var members = 0
        while true {
            members += 1
            guard members <= Limits.jsonMembersPerObject else { throw .tooManyMembers }
            guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else { throw .syntax }
            let key = nodes.count
            try parseString(bytes)
            try refuseDuplicate(key, of: index, bytes)
            skipSpace(bytes)
            guard try take(UInt8(ascii: ":"), bytes) else { throw .syntax }
            skipSpace(bytes)
            try parseValue(bytes, depth: depth)
            skipSpace(bytes)
            if try take(UInt8(ascii: "}"), bytes) { break }
            guard try take(UInt8(ascii: ","), bytes) else { throw .syntax }
            skipSpace(bytes)
        }
        close(index)
    }

    private mutating func parseArray(_ bytes: UnsafeRawBufferPointer, depth: Int) throws(JSONFlaw) {
        guard depth <= Limits.jsonDepth else { throw .tooDeep }
        let index = open(.array)
        skipSpace(bytes)
        if try take(UInt8(ascii: "]"), bytes) {
            close(index)
            return
        }
        while true {
            try parseValue(bytes, depth: depth)
            skipSpace(bytes)
            if try take(UInt8(ascii: "]"), bytes) { break }
            guard try take(UInt8(ascii: ","), bytes) else { throw .syntax }
            skipSpace(bytes)
        }
        close(index)
    }

    private func refuseDuplicate(
        _ key: Int, of object: Int, _ bytes: UnsafeRawBufferPointer
    ) throws(JSONFlaw) {
        var other = object + 1
        while other < key {
            if nodes[other].hash == nodes[key].hash,
                JSONParser.text(of: nodes[other], bytes) == JSONParser.text(of: nodes[key], bytes)
            {
                throw .duplicateMember
            }
            other = Int(nodes[other + 1].next)
        }
    }

    private static func text(of node: JSONText.Node, _ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let raw = Array(bytes[Int(node.start)..<Int(node.end)])
        return node.isEscaped ? unescaped(raw[...]) : raw
    }

    // MARK: Strings

    private mutating func parseString(_ bytes: UnsafeRawBufferPointer) throws(JSONFlaw) {
        at += 1
        let start = at
        var isEscaped = false
        while true {
            guard at < bytes.count else { throw .syntax }
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                isEscaped = true
                try skipEscape(bytes)
            } else if byte < 0x20 {
                throw .syntax
            } else if byte < 0x80 {
                at += 1
            } else {
                at += try JSONParser.sequenceLength(bytes, at)
            }
        }
        var node = JSONText.Node(kind: .string, isEscaped: isEscaped, start: Int32(truncatingIfNeeded: start))
        node.end = Int32(truncatingIfNeeded: at)
        node.next = Int32(truncatingIfNeeded: nodes.count + 1)
        let raw = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
        node.hash = isEscaped ? JSONParser.hash(JSONParser.unescaped(Array(raw)[...])) : JSONParser.hash(raw)
        nodes.append(node)
        at += 1
    }

    private mutating func skipEscape(_ bytes: UnsafeRawBufferPointer) throws(JSONFlaw) {
        guard at + 1 < bytes.count else { throw .syntax }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            let unit = try codeUnit(bytes, at + 2)
            at += 6
            guard unit & 0xF800 == 0xD800 else { return }
            // Surrogates only in pairs: a lone one names no character (RFC 8259 §8.2).
            guard unit < 0xDC00, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"),
                bytes[at + 1] == UInt8(ascii: "u"),
                try codeUnit(bytes, at + 2) & 0xFC00 == 0xDC00
            else { throw .encoding }
            at += 6
        default: throw .syntax
        }
    }

    private func codeUnit(_ bytes: UnsafeRawBufferPointer, _ start: Int) throws(JSONFlaw) -> UInt32 {
        guard start + 4 <= bytes.count else { throw .syntax }
        var unit: UInt32 = 0
        for index in start..<(start + 4) {
            guard let digit = JSONParser.hexDigit(bytes[index]) else { throw .syntax }
            unit = unit << 4 | digit
        }
        return unit
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        if byte &- 0x30 < 10 { return UInt32(byte &- 0x30) }
        let lowered = byte | 0x20
        return lowered &- 0x61 < 6 ? UInt32(lowered &- 0x57) : nil
    }

    /// How long the multi-byte sequence at `at` is; throws where it is none (RFC 3629 §4: shortest form, no surrogates).
    private static func sequenceLength(_ bytes: UnsafeRawBufferPointer, _ at: Int) throws(JSONFlaw) -> Int {
        func byte(_ offset: Int) -> UInt8 { at + offset < bytes.count ? bytes[at + offset] : 0 }
        func isTail(_ offset: Int) -> Bool { byte(offset) & 0xC0 == 0x80 }
        let (lead, second) = (bytes[at], byte(1))
        switch lead {
        case 0xC2...0xDF where isTail(1): return 2
        case 0xE0 where second >= 0xA0 && isTail(1) && isTail(2): return 3
        case 0xED where second < 0xA0 && isTail(1) && isTail(2): return 3
        case 0xE1...0xEC where isTail(1) && isTail(2), 0xEE...0xEF where isTail(1) && isTail(2): return 3
        case 0xF0 where second >= 0x90 && isTail(1) && isTail(2) && isTail(3): return 4
        case 0xF4 where second < 0x90 && isTail(1) && isTail(2) && isTail(3): return 4
        case 0xF1...0xF3 where isTail(1) && isTail(2) && isTail(3): return 4
        default: throw .encoding
        }
    }

    /// The bytes of a string that was checked already, its escapes resolved.
    static func unescaped(_ raw: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = raw
        var high: UInt32 = 0
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                result.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "b"): result.append(8)
            case UInt8(ascii: "f"): result.append(12)
            case UInt8(ascii: "n"): result.append(10)
            case UInt8(ascii: "r"): result.append(13)
            case UInt8(ascii: "t"): result.append(9)
            case UInt8(ascii: "u"):
                let unit = rest.prefix(4).reduce(UInt32(0)) { $0 << 4 | (hexDigit($1) ?? 0) }
                rest = rest.dropFirst(4)
                if unit & 0xFC00 == 0xD800 {
                    high = unit
                } else {
                    let value = unit & 0xFC00 == 0xDC00 ? 0x10000 + (high & 0x3FF) << 10 + unit & 0x3FF : unit
                    if let scalar = Unicode.Scalar(value) { result += Array(String(Character(scalar)).utf8) }
                }
            default: result.append(kind)
            }
        }
        return result
    }

    /// FNV-1a.
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var hash: UInt32 = 0x811C_9DC5
        for byte in bytes { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        return hash
    }

    // MARK: Numbers and words

    private mutating func parseNumber(_ bytes: UnsafeRawBufferPointer) throws(JSONFlaw) {
        let start = at
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        let first = at
        let whole = skipDigits(bytes)
        guard whole > 0, whole == 1 || bytes[first] != UInt8(ascii: "0") else { throw .syntax }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            at += 1
            guard skipDigits(bytes) > 0 else { throw .syntax }
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            guard skipDigits(bytes) > 0 else { throw .syntax }
        }
        guard at - start <= Limits.jsonNumberBytes else { throw .numberTooLong }
        append(.number, from: start)
    }

    private mutating func skipDigits(_ bytes: UnsafeRawBufferPointer) -> Int {
        let start = at
        while at < bytes.count, bytes[at] &- 0x30 < 10 { at += 1 }
        return at - start
    }

    private mutating func parseWord(
        _ bytes: UnsafeRawBufferPointer, _ word: StaticString, _ kind: JSONText.Kind
    ) throws(JSONFlaw) {
        let start = at
        for offset in 0..<word.utf8CodeUnitCount {
            guard at < bytes.count, bytes[at] == word.utf8Start[offset] else { throw .syntax }
            at += 1
        }
        append(kind, from: start)
    }

    // MARK: Steps

    private mutating func skipSpace(_ bytes: UnsafeRawBufferPointer) {
        while at < bytes.count,
            bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09
        {
            at += 1
        }
    }

    private mutating func take(_ byte: UInt8, _ bytes: UnsafeRawBufferPointer) throws(JSONFlaw) -> Bool {
        guard at < bytes.count else { throw .syntax }
        guard bytes[at] == byte else { return false }
        at += 1
        return true
    }

    private mutating func open(_ kind: JSONText.Kind) -> Int {
        nodes.append(JSONText.Node(kind: kind, start: Int32(truncatingIfNeeded: at)))
        at += 1
        return nodes.count - 1
    }

    private mutating func close(_ index: Int) {
        nodes[index].end = Int32(truncatingIfNeeded: at)
        nodes[index].next = Int32(truncatingIfNeeded: nodes.count)
    }

    private mutating func append(_ kind: JSONText.Kind, from start: Int) {
        var node = JSONText.Node(kind: kind, start: Int32(truncatingIfNeeded: start))
        node.end = Int32(truncatingIfNeeded: at)
        node.next = Int32(truncatingIfNeeded: nodes.count + 1)
        nodes.append(node)
    }
}

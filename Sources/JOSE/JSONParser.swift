/// Parses one JSON text by RFC 8259 and nothing looser, onto a flat tape.
///
/// Our own, because the parsers that Foundation offers differ from each other about duplicate members and accept
/// byte order marks, UTF-16 and trailing commas, so that two readers of one token could see two tokens; and because
/// it stands on the request's path, where it makes two allocations and they make hundreds.
///
/// A zero byte stands behind the text. JSON allows it nowhere, so a missing end is found without asking at each step.
struct JSONParser: ~Copyable {
    var bytes: [UInt8]
    var tape: [JSONEntry] = []
    var position = 0

    /// Parses the text before the last byte of `terminated`, which must be zero.
    static func parse(terminated: consuming [UInt8]) throws(JSONFlaw) -> JSONDocument {
        guard terminated.count <= Limits.jsonBytes else { throw .tooLarge }
        guard terminated.last == 0 else { throw .unexpectedEnd }
        var parser = JSONParser(bytes: terminated)
        return try parser.document()
    }

    private init(bytes: consuming [UInt8]) {
        self.bytes = bytes
        tape.reserveCapacity(self.bytes.count / 12 + 8)
    }

    private mutating func document() throws(JSONFlaw) -> JSONDocument {
        skipSpace()
        try parseValue(depth: 0)
        skipSpace()
        guard position == bytes.count - 1 else { throw .trailingBytes }
        return JSONDocument(bytes: bytes, tape: tape)
    }

    // MARK: Values

    private mutating func parseValue(depth: Int) throws(JSONFlaw) {
        switch bytes[position] {
        case UInt8(ascii: "\""): append(.string, try parseString())
        case UInt8(ascii: "{"): try parseObject(depth: depth)
        case UInt8(ascii: "["): try parseArray(depth: depth)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): append(.number, try parseNumber())
        case UInt8(ascii: "t"): try parseWord("true", .yes)
        case UInt8(ascii: "f"): try parseWord("false", .no)
        case UInt8(ascii: "n"): try parseWord("null", .null)
        default: throw unexpected()
        }
    }

    private mutating func parseObject(depth: Int) throws(JSONFlaw) {
        let index = try open(.object, depth: depth)
        var count: UInt32 = 0
        if bytes[position] == UInt8(ascii: "}") {
            position += 1
        } else {
            repeat {
                guard count < Limits.jsonMembersPerObject else { throw .tooManyMembers }
                count += 1
                skipSpace()
                guard bytes[position] == UInt8(ascii: "\"") else { throw unexpected() }
                append(.string, try parseString())
                skipSpace()
                guard bytes[position] == UInt8(ascii: ":") else { throw unexpected() }
                position += 1
                skipSpace()
                try parseValue(depth: depth + 1)
            } while try goesOn(until: UInt8(ascii: "}"))
        }
        close(index, count)
        try refuseDuplicates(ofObjectAt: index)
    }

    private mutating func parseArray(depth: Int) throws(JSONFlaw) {
        let index = try open(.array, depth: depth)
        var count: UInt32 = 0
        if bytes[position] == UInt8(ascii: "]") {
            position += 1
        } else {
            repeat {
                count += 1
                skipSpace()
                try parseValue(depth: depth + 1)
            } while try goesOn(until: UInt8(ascii: "]"))
        }
        close(index, count)
    }

    private mutating func open(_ kind: JSONEntry.Kind, depth: Int) throws(JSONFlaw) -> Int {
        guard depth < Limits.jsonDepth else { throw .tooDeep }
        tape.append(JSONEntry(kind: kind, start: 0, count: 0, end: 0))
        position += 1
        skipSpace()
        return tape.count - 1
    }

    private mutating func close(_ index: Int, _ count: UInt32) {
        tape[index].count = count
        tape[index].end = UInt32(truncatingIfNeeded: tape.count)
    }

    /// Steps over a comma, or over the end of the container.
    private mutating func goesOn(until end: UInt8) throws(JSONFlaw) -> Bool {
        skipSpace()
        let byte = bytes[position]
        guard byte == UInt8(ascii: ",") || byte == end else { throw unexpected() }
        position += 1
        return byte != end
    }

    private mutating func parseWord(_ word: StaticString, _ kind: JSONEntry.Kind) throws(JSONFlaw) {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            guard bytes[position] == word.utf8Start[offset] else { throw unexpected() }
            position += 1
        }
        append(kind, start..<start)
    }

    private mutating func parseNumber() throws(JSONFlaw) -> Range<Int> {
        let start = position
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        let isZero = bytes[position] == UInt8(ascii: "0")
        let whole = skipDigits()
        guard whole > 0, !isZero || whole == 1 else { throw .invalidNumber }
        if bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard skipDigits() > 0 else { throw .invalidNumber }
        }
        if bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") { position += 1 }
            guard skipDigits() > 0 else { throw .invalidNumber }
        }
        guard position - start <= Limits.jsonNumberBytes else { throw .numberTooLong }
        return start..<position
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        return position - start
    }

    // MARK: Parts

    private mutating func append(_ kind: JSONEntry.Kind, _ range: Range<Int>) {
        tape.append(
            JSONEntry(
                kind: kind, start: UInt32(truncatingIfNeeded: range.lowerBound),
                count: UInt32(truncatingIfNeeded: range.count),
                end: UInt32(truncatingIfNeeded: tape.count + 1)))
    }

    private mutating func skipSpace() {
        while true {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// What is wrong at the current position, where something else was wanted.
    func unexpected() -> JSONFlaw {
        position >= bytes.count - 1 ? .unexpectedEnd : .unexpectedByte
    }
}

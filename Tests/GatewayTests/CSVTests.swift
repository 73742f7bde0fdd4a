import TestSupport
import Testing

@testable import Gateway

@Suite struct CSVTests {
    private func read(_ text: String) -> [CSVRecord] { read(Array(text.utf8)) }

    private func read(_ bytes: [UInt8]) -> [CSVRecord] {
        var reader = CSVReader()
        return reader.read(bytes) + reader.finish()
    }

    private func texts(_ text: String) -> [[String]] { read(text).map { $0.fields.map(\.text) } }

    @Test("Records end with CR LF or LF, the last one with or without it, and empty lines are none")
    func lines() {
        for text in ["a,b\r\nc,d\r\n", "a,b\nc,d", "\na,b\n\n\r\nc,d\n\n", "\u{FEFF}a,b\nc,d\n"] {
            #expect(texts(text) == [["a", "b"], ["c", "d"]], "\(text.debugDescription)")
        }
        #expect(read("").isEmpty && read("\n\r\n").isEmpty)
        #expect(texts(",\n") == [["", ""]])
        #expect(texts(" a , b \n") == [[" a ", " b "]])
    }

    @Test(
        "Within quotes stand commas, line breaks and doubled quotes, and an empty field in quotes is a text")
    func quotes() {
        #expect(texts("\"a,b\",\"c\"\"d\"\n") == [["a,b", "c\"d"]])
        #expect(texts("\"a\r\nb\nc\",d\n") == [["a\r\nb\nc", "d"]])
        let record = read("\"\",,x\n")[0]
        #expect(record.fields.map(\.isQuoted) == [true, false, false])
        #expect(read("\"\"\n")[0].fields == [CSVField(text: "", isQuoted: true)])
    }

    @Test("A record knows the line that it begins on, whatever line breaks stand in quotes before it")
    func lineNumbers() {
        let records = read("h,i\n\n\"a\nb\",\"c\n\"\nd,e\r\n\r\nf,g")
        #expect(records.map(\.line) == [1, 3, 6, 8])
    }

    @Test(
        "Each flaw is told with its line, and the lines around it are read",
        arguments: [
            ("a\"b,c", .strayQuote), ("a, \"b\"", .strayQuote), ("\"a\"b,c", .textBehindQuote),
            ("a\rb,c", .bareCarriageReturn), ("a\0,b", .nul),
        ] as [(String, CSVFlaw)])
    func flaws(_ line: String, _ flaw: CSVFlaw) {
        let records = read("h,i\n\(line)\nx,y\n")
        #expect(records.map(\.flaw) == [nil, flaw, nil])
        #expect(records.map(\.line) == [1, 2, 3])
        #expect(records[2].fields.map(\.text) == ["x", "y"])
    }

    @Test(
        "A quotation mark that is never closed is told with the line that it stands on, and so are bytes that are no text"
    )
    func unreadable() {
        #expect(
            read("a,b\nc,\"d\ne,f\n") == [
                CSVRecord(line: 1, fields: read("a,b")[0].fields, flaw: nil),
                CSVRecord(line: 2, fields: [], flaw: .openQuote),
            ])
        #expect(read("a,b\r").last?.flaw == .bareCarriageReturn)
        #expect(read(Array("a,".utf8) + [0xFF] + Array("\nb,c\n".utf8)).map(\.flaw) == [.badUTF8, nil])
        #expect(read([0xEF, 0xBB]).map(\.flaw) == [.badUTF8])
    }

    @Test("A record has at most so many bytes and fields, and one that is longer hides no other")
    func bounds() {
        let most = String(repeating: ",", count: Limits.csvFields - 1)
        #expect(read(most + "\nx\n").map(\.flaw) == [nil, nil])
        #expect(read(most + ",\nx\n").map(\.flaw) == [.tooManyFields, nil])
        let long = String(repeating: "x", count: Limits.csvRecordBytes)
        #expect(read(long + "\ny\n").map(\.flaw) == [.tooLong, nil])
        #expect(read("\"" + long + "\ny\n").map(\.flaw) == [.tooLong, nil])
        #expect(read(long.dropLast() + "\ny\n").map(\.flaw) == [nil, nil])
    }

    @Test("What is written is read back, wherever the bytes are cut")
    func roundTrip() {
        var generator = Noise(seed: 11)
        for _ in 0..<400 {
            let width = 2 + generator.below(4)
            let rows = (0..<generator.below(6)).map { _ in
                (0..<width).map { _ in generator.below(5) == 0 ? nil : generator.text() }
            }
            let header = (0..<width).map { "h\($0)" }
            let bytes = ([header] + rows).flatMap { CSVWriter.record($0) }
            var reader = CSVReader()
            var records: [CSVRecord] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(1 + generator.below(7))
                records += reader.read(piece)
                rest = rest.dropFirst(piece.count)
            }
            records += reader.finish()
            #expect(records.allSatisfy { $0.flaw == nil })
            let found = records.dropFirst().map { record in
                record.fields.map { $0.text.isEmpty && !$0.isQuoted ? nil : $0.text }
            }
            #expect(found == rows)
        }
    }

    @Test("Any bytes are read, to the same records wherever they are cut, and lines are never counted twice")
    func anyBytes() {
        var generator = Noise(seed: 12)
        let alphabet = Array("ab,\"\"\r\n\n;\u{FEFF}é".utf8) + [0, 0xFF]
        for _ in 0..<2_000 {
            let bytes = (0..<generator.below(40)).map { _ in alphabet[generator.below(alphabet.count)] }
            let whole = read(bytes)
            var reader = CSVReader()
            let single = bytes.flatMap { reader.read([$0]) } + reader.finish()
            #expect(whole == single, "\(bytes)")
            #expect(zip(whole, whole.dropFirst()).allSatisfy { $0.line < $1.line }, "\(bytes)")
            #expect(whole.allSatisfy { $0.line <= bytes.count { $0 == 10 } + 1 })
        }
    }
}

/// Numbers and texts that are the same in every run.
struct Noise {
    private var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func below(_ bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &random)
    }

    /// A short text of what CSV, Postgres and terminals take for something special.
    mutating func text() -> String {
        let parts = [
            "a", "\"", ",", "\n", "\r", "\r\n", " ", "'", "\\", "{", "}", "é", "日", "\u{1B}[31m", "null",
            "=1", "\u{FEFF}",
        ]
        return (0..<below(6)).map { _ in parts[below(parts.count)] }.joined()
    }
}

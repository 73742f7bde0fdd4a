import Testing

@testable import Gateway

@Suite struct ImportReaderTests {
    private func lines(_ text: String) -> (lines: [ImportLine], columns: [String]) {
        var reader = ImportReader()
        let lines = reader.read(Array(text.utf8)) + reader.finish()
        return (lines, reader.columns.map(\.name))
    }

    private func sentence(_ text: String) -> String? {
        lines(text).lines.lazy.compactMap { line -> String? in
            if case .bad(let bad) = line { "\(bad.line): \(bad.sentences.joined())" } else { nil }
        }.first
    }

    @Test("The header names the columns in any order, and the region may be left out")
    func header() {
        let found = lines("pool_id, comment ,host\neu-west-1_A,c,a.example\n")
        #expect(found.columns == ["pool_id", "comment", "host", "region"])
        #expect(
            found.lines == [.row(ImportRow(line: 2, texts: ["eu-west-1_A", "c", "a.example", "eu-west-1"]))])
    }

    @Test("An empty field is the column's default, and an empty text stands in quotes")
    func emptyFields() {
        let found = lines("host,region,pool_id,status,comment,client_ids\na,r,p,,,\nb,r,p,x,\"\",\"\"\n")
        #expect(
            found.lines == [
                .row(ImportRow(line: 2, texts: ["a", "r", "p", "active", nil, nil])),
                .row(ImportRow(line: 3, texts: ["b", "r", "p", "x", "", nil])),
            ])
    }

    @Test("A list is written with braces, or with commas in quotes")
    func lists() {
        let found = lines("host,pool_id,client_ids\na,r_p,\"{a,b}\"\nb,r_p,\"a, b\"\nc,r_p,a\n")
        let texts = found.lines.compactMap { line -> String? in
            if case .row(let row) = line { row.texts[2] } else { nil }
        }
        #expect(texts == ["{a,b}", #"{"a","b"}"#, #"{"a"}"#])
    }

    @Test(
        "A header that cannot be used ends the reading, with what is wrong",
        arguments: [
            ("", "the file is empty"), ("\n\n", "the file is empty"),
            ("host\na\n", "names no column pool_id"),
            ("pool_id\na\n", "names no column host"), ("host,pool_id,host\n", "names host twice"),
            ("host,pool_id,upstraem\n", "did you mean 'upstream'?"), ("host;pool_id\n", "other than commas"),
            ("host,pool_id,created_at\n", "written by the database alone"),
            ("host,\"pool_id\n", "never closed"),
        ])
    func badHeaders(_ text: String, _ words: String) {
        let found = lines(text).lines
        #expect(found.count == 1)
        #expect(sentence(text)?.hasPrefix("1: ") == true && sentence(text)?.contains(words) == true)
    }

    @Test("A bad line is told with its number, and the lines around it are read")
    func badLines() {
        let found = lines("host,pool_id\na,p\nb\nc,p\na,p\n").lines
        #expect(found.count == 4)
        #expect(found[1] == .bad(BadLine(line: 3, sentences: ["it has 1 fields, the header has 2"])))
        #expect(found[3] == .bad(BadLine(line: 5, sentences: ["host 'a' stands on line 2 already"])))
    }

    @Test("A batch is full at so many rows, or bytes, and empty once it was taken")
    func batches() {
        var batch = ImportBatch()
        for line in 1..<Limits.importRowsAtOnce { batch.add(ImportRow(line: line, texts: ["a", nil])) }
        #expect(!batch.isFull)
        batch.add(ImportRow(line: 0, texts: []))
        #expect(
            batch.isFull && batch.take().count == Limits.importRowsAtOnce && batch.rows.isEmpty
                && !batch.isFull)
        batch.add(ImportRow(line: 1, texts: [String(repeating: "a", count: Limits.importBytesAtOnce)]))
        #expect(batch.isFull)
    }
}

/// Turns the bytes of a CSV file into tenants. The first record names the columns.
///
/// A host may stand on one line only, so the hosts read so far are kept in memory; nothing else is.
struct ImportReader {
    /// The columns that every row has a value for; empty before the header was read.
    private(set) var columns: [TableColumn] = []
    /// Whether nothing behind the last line that was returned can be understood.
    private(set) var isStopped = false
    private var csv = CSVReader()
    private var fields: [TableColumn] = []
    private var linesByHost: [String: Int] = [:]

    /// Takes the next bytes; returns the lines that they complete.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [ImportLine] {
        lines(csv.read(bytes))
    }

    /// Takes the end of the file; returns the line that it completes.
    mutating func finish() -> [ImportLine] {
        let last = lines(csv.finish())
        guard fields.isEmpty, !isStopped else { return last }
        isStopped = true
        return last + [
            .bad(
                BadLine(
                    line: 1,
                    sentences: ["the file is empty: its first line names columns, such as host,pool_id"]))
        ]
    }

    private mutating func lines(_ records: [CSVRecord]) -> [ImportLine] {
        var lines: [ImportLine] = []
        for record in records where !isStopped {
            if fields.isEmpty {
                if let sentence = takeHeader(record) {
                    isStopped = true
                    lines.append(.bad(BadLine(line: record.line, sentences: [sentence])))
                }
            } else {
                lines.append(line(record))
            }
        }
        return lines
    }

    /// Learns the columns; returns what is wrong with them.
    private mutating func takeHeader(_ record: CSVRecord) -> String? {
        if let flaw = record.flaw { return flaw.description }
        var found: [TableColumn] = []
        for field in record.fields {
            let name = String(field.text.trimmed)
            guard let column = RowTable.tenants.column(name), column.writer != .database else {
                return ImportReader.unknown(name)
            }
            guard !found.contains(column) else { return "the header names \(name) twice" }
            found.append(column)
        }
        for name in ["host", "pool_id"] where !found.contains(where: { $0.name == name }) {
            return
                "the header names no column \(name): its line has the names of columns, such as host,pool_id,comment"
        }
        fields = found
        columns = found
        // A pool's id begins with its region, so that a file may leave the region out.
        if !found.contains(where: { $0.name == "region" }),
            let region = RowTable.tenants.column("region")
        {
            columns.append(region)
        }
        return nil
    }

    private static func unknown(_ name: String) -> String {
        if name.contains(";") || name.contains("\t") {
            return "the header is separated by something other than commas: save the file with commas"
        }
        if RowTable.tenants.column(name) != nil {
            return "the header names \(name), which is written by the database alone: leave it out"
        }
        let names = RowTable.tenants.writable.map(\.name)
        let nearest = Resemblance.nearest(to: name, among: names).map { "; did you mean '\($0)'?" }
        return
            "the header names \(Printable.value(name)), which is no column of poolgate.tenants\(nearest ?? "")"
    }

    private mutating func line(_ record: CSVRecord) -> ImportLine {
        func bad(_ sentence: String) -> ImportLine {
            .bad(BadLine(line: record.line, sentences: [sentence]))
        }
        if let flaw = record.flaw { return bad(flaw.description) }
        guard record.fields.count == fields.count else {
            return bad("it has \(record.fields.count) fields, the header has \(fields.count)")
        }
        var texts = zip(record.fields, fields).map { ColumnText.ofField($0, $1) }
        func text(_ name: String) -> String? {
            columns.firstIndex { $0.name == name }.flatMap { $0 < texts.count ? texts[$0] : nil }
        }
        let host = text("host") ?? ""
        if let line = linesByHost[host] {
            return bad("host \(Printable.value(host)) stands on line \(line) already")
        }
        guard linesByHost.count < Limits.importRows else {
            isStopped = true
            return bad("the file has more than \(Limits.importRows) tenants: import it in parts")
        }
        linesByHost[host] = record.line
        if columns.count > fields.count {
            texts.append(text("pool_id").map { String($0.prefix { $0 != "_" }) })
        }
        return .row(ImportRow(line: record.line, texts: texts))
    }
}

/// What a command wrote, or in a trial would have written, as it is printed.
struct WriteReport {
    private let changes: [RowChange]
    private let isTrial: Bool
    private let liveOn: Int?
    private let remarks: [String]

    /// A report of what was written. `remarks` are sentences that a person reads below it.
    init(_ written: AdminDatabase.Written, isTrial: Bool, remarks: [String] = []) {
        self.changes = written.changes
        self.isTrial = isTrial
        self.liveOn = written.liveOn
        self.remarks = remarks
    }

    /// Prints it.
    func show(_ options: OutputOptions) {
        if options.isJSON {
            Output.line(ShownText.ofJSON(String(decoding: json, as: UTF8.self)))
            return
        }
        for change in changes {
            Output.line(WriteReport.heading(change, isTrial: isTrial))
            let columns = change.difference.columns
            switch change.operation {
            case .insert: show(["VALUE"], columns.map { [$0.name, $0.shown.after] })
            case .delete: show(["VALUE"], columns.map { [$0.name, $0.shown.before] })
            case .update:
                show(["BEFORE", "AFTER"], columns.map { [$0.name, $0.shown.before, $0.shown.after] })
            case .none: break
            }
        }
        for remark in remarks { Output.line(ShownText.line(remark)) }
        if let liveOn { Output.line("live on \(liveOn) \(liveOn == 1 ? "gateway" : "gateways")") }
        if isTrial { Output.line("nothing was written: this was a trial (--dry-run)") }
    }

    private func show(_ heading: [String], _ rows: [[String]]) {
        Output.table(
            TextTable(["  COLUMN"] + heading, rows: rows.map { ["  \($0[0])"] + $0.dropFirst() }))
    }

    /// What was done to a row, in words.
    static func heading(_ change: RowChange, isTrial: Bool) -> String {
        let name = "\(change.table.singular) \(ShownText.line(change.key))"
        return switch change.operation {
        case .insert: "\(isTrial ? "would add" : "added") \(name)"
        case .update: "\(isTrial ? "would change" : "changed") \(name)"
        case .delete: "\(isTrial ? "would remove" : "removed") \(name)"
        case .none: "\(name) is so already"
        }
    }

    /// One JSON object in one line.
    var json: [UInt8] {
        var json = Array("{\"dry_run\":\(isTrial),\"changes\":[".utf8)
        for (number, change) in changes.enumerated() {
            if number > 0 { json.append(UInt8(ascii: ",")) }
            json += WriteReport.json(change)
        }
        json += "],\"live_on\":\(liveOn.map { String($0) } ?? "null")}".utf8
        return json
    }

    /// One change as a JSON object.
    static func json(_ change: RowChange) -> [UInt8] {
        var json = Array("{\"table\":\"\(change.table.name)\",\"key\":".utf8)
        JSONWords.append(change.key.utf8, to: &json)
        json += ",\"operation\":\"\(change.operation.rawValue)\",\"columns\":{".utf8
        for (place, column) in change.difference.columns.enumerated() {
            if place > 0 { json.append(UInt8(ascii: ",")) }
            JSONWords.append(column.name.utf8, to: &json)
            json += ":{\"before\":".utf8
            json += column.json.before
            json += ",\"after\":".utf8
            json += column.json.after
            json.append(UInt8(ascii: "}"))
        }
        json += "}}".utf8
        return json
    }
}

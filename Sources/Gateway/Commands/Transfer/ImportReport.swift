/// What came of an import, as it is printed.
enum ImportReport {
    case written(ImportTally, isTrial: Bool, liveOn: Int?)
    case bad(BadLineSearch.Found)

    /// Prints it: bad lines on standard error, in sentences; everything as JSON where that is asked for.
    func show(_ options: OutputOptions) {
        switch self {
        case .written(let tally, let isTrial, let liveOn):
            if options.isJSON { break }
            for change in tally.changes {
                Output.line(WriteReport.heading(change, isTrial: isTrial))
                for column in change.difference.columns where change.operation == .update {
                    Output.line(
                        "  \(column.name): \(ShownText.line(column.shown.before)) -> \(ShownText.line(column.shown.after))"
                    )
                }
            }
            let rest = tally.inserted + tally.updated - tally.changes.count
            if isTrial, rest > 0 { Output.line("and \(rest) more") }
            let verb = isTrial ? "would import" : "imported"
            Output.line(
                "\(verb) \(tally.total) tenants: \(tally.inserted) new, \(tally.updated) changed, \(tally.unchanged) as they were"
            )
            if let liveOn { Output.line("live on \(liveOn) \(liveOn == 1 ? "gateway" : "gateways")") }
            if isTrial { Output.line("nothing was written: this was a trial (--dry-run)") }
        case .bad(let found):
            for line in found.lines {
                Output.complaint("line \(line.line): \(line.sentences.joined(separator: "; "))")
            }
            let count = found.isComplete ? "\(found.lines.count)" : "more than \(found.lines.count)"
            Output.complaint(
                "nothing was imported: \(count) \(found.lines.count == 1 && found.isComplete ? "line is" : "lines are") bad"
            )
        }
        if options.isJSON { Output.line(ShownText.ofJSON(String(decoding: json, as: UTF8.self))) }
    }

    /// One JSON object in one line.
    var json: [UInt8] {
        switch self {
        case .written(let tally, let isTrial, let liveOn):
            var json = Array(
                "{\"dry_run\":\(isTrial),\"inserted\":\(tally.inserted),\"updated\":\(tally.updated)".utf8)
            json +=
                ",\"unchanged\":\(tally.unchanged),\"live_on\":\(liveOn.map { String($0) } ?? "null")".utf8
            json += ",\"changes\":[".utf8
            for (number, change) in tally.changes.enumerated() {
                if number > 0 { json.append(UInt8(ascii: ",")) }
                json += WriteReport.json(change)
            }
            return json + "]}".utf8
        case .bad(let found):
            var json = Array(
                "{\"inserted\":0,\"updated\":0,\"complete\":\(found.isComplete),\"bad_lines\":[".utf8)
            for (number, line) in found.lines.enumerated() {
                if number > 0 { json.append(UInt8(ascii: ",")) }
                json += "{\"line\":\(line.line),\"sentence\":".utf8
                JSONWords.append(line.sentences.joined(separator: "; ").utf8, to: &json)
                json.append(UInt8(ascii: "}"))
            }
            return json + "]}".utf8
        }
    }
}

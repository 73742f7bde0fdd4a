/// One refusal as a line for people.
struct TailLine {
    /// In printable characters alone, whatever a client sent.
    let text: String

    /// `06:12:03 acme.example.com 401 expired GET /orders from 192.0.2.7: by 5 min (a1b2…)`, with what is known of it.
    init(_ refusal: RefusalEvent) {
        let time = refusal.time.dropFirst(11).prefix(8)
        let tenant = refusal.tenant ?? refusal.host.map { "(\($0))" } ?? "-"
        guard refusal.suppressed == 0 else {
            text = ShownText.line("\(time) \(tenant) \(refusal.code): \(refusal.suppressed) more")
            return
        }
        var words = ["\(time)", tenant]
        if let status = refusal.status { words.append("\(status)") }
        words.append(refusal.code)
        words += [refusal.method, refusal.path].compactMap { $0 }
        if let client = refusal.client { words.append("from \(client)") }
        if let subject = refusal.subject { words.append("as \(subject)") }
        if let rule = refusal.rule { words.append("by rule \(rule)") }
        if let detail = refusal.detail { words.append("(\(detail))") }
        if let requestID = refusal.requestID { words.append(requestID) }
        text = ShownText.line(words.joined(separator: " "))
    }
}

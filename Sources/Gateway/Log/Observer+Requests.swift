import DataPlane
import Gatekeeper
import Logging

/// The lines of requests: `request` for one that was admitted, `refused` for one that was not.
extension Observer {
    /// The line of a request; nil for a refusal that the throttle counts instead. `finished` gets the counts of seconds
    /// that are over.
    static func line(
        _ record: RequestRecord, _ throttle: inout RefusalThrottle,
        _ finished: inout [RefusalThrottle.Suppressed]
    ) -> LogLine? {
        guard let refusal = record.refusal else {
            return LogLine(.info, "request", of: RequestFields.ofAdmitted(record), at: record.time)
        }
        let row = refusal.row
        let kind = RefusalThrottle.Kind(tenant: record.tenant, code: row.code)
        if record.others > 0 {
            throttle.add(record.others, of: kind)
            return nil
        }
        guard throttle.admits(kind, at: record.time, finished: &finished) else { return nil }
        if case .shadowRule(let rule) = record.detail {
            return LogLine(.info, "would_refuse", of: RequestFields.ofShadow(record, rule), at: record.time)
        }
        return LogLine(
            Logger.Level(row.level), "refused", of: RequestFields.ofRefused(record, row), at: record.time)
    }

    /// The line of refusals that were counted and not written.
    static func line(_ suppressed: RefusalThrottle.Suppressed) -> LogLine {
        LogLine(
            .info, "refusals_suppressed",
            [
                "tenant": suppressed.kind.tenant.map { .of($0) }, "code": .text(suppressed.kind.code),
                "suppressed": .count(suppressed.count),
            ])
    }

    /// Spans could not be exported; `repeated` is how often that was left out of the log since.
    static func tracesUnexported(_ reason: String, willRetry: Bool, repeated: Int) -> LogLine {
        LogLine(
            .warning, "traces_unexported",
            [
                "error": .text(reason),
                "advice": willRetry
                    ? "they are exported again after a pause; requests do not wait"
                    : "the collector does not want them; look at traces-endpoint and traces-headers",
                "repeated": repeated == 0 ? nil : .count(repeated),
            ])
    }

    /// Spans are exported again.
    static func tracesExported() -> LogLine {
        LogLine(.info, "traces_exported", [:])
    }

    /// Requests whose spans were not exported, since too many waited or the collector did not want them.
    static func tracesDropped(_ count: Int) -> LogLine {
        LogLine(.warning, "traces_dropped", ["dropped": .count(count)])
    }

    /// So many lines did not fit while the log was not read.
    static func linesDropped(_ count: Int) -> LogLine {
        LogLine(.warning, "log_lines_dropped", ["dropped": .count(count)])
    }
}

/// The fields of a request's line, in the order in which they are written.
struct RequestFields {
    private var fields: [LogLine.Field] = []

    private init() { fields.reserveCapacity(24) }

    /// Of a request that an upstream responded to, or that ended before.
    static func ofAdmitted(_ record: RequestRecord) -> [LogLine.Field] {
        var fields = RequestFields()
        fields.add("tenant", record.tenant.map { .of($0) })
        fields.add("verdict", "admitted")
        if record.end != .whole { fields.add("end", .text(record.end.rawValue)) }
        fields.addRequest(record)
        fields.addCourse(record)
        return fields.fields
    }

    /// Of one that was refused.
    static func ofRefused(_ record: RequestRecord, _ row: RefusalRow) -> [LogLine.Field] {
        var fields = RequestFields()
        fields.add("tenant", record.tenant.map { .of($0) })
        fields.add("verdict", "refused")
        fields.add("code", .text(row.code))
        fields.addRequest(record)
        fields.add("detail", record.detailText.map { .text($0) })
        if case .found(let finding) = record.detail { fields.fields += finding.fields }
        fields.addCourse(record)
        return fields.fields
    }

    /// Of one that a rule in shadow would have refused.
    static func ofShadow(_ record: RequestRecord, _ rule: Int64) -> [LogLine.Field] {
        var fields = RequestFields()
        fields.add("tenant", record.tenant.map { .of($0) })
        fields.add("rule", .number(rule))
        fields.add("code", record.refusal.map { .text($0.row.code) })
        fields.add("request_id", .of(record.requestID))
        fields.addWords(record)
        return fields.fields
    }

    private mutating func add(_ name: String, _ value: LogValue?) {
        if let value { fields.append(LogLine.Field(name: name, value: value)) }
    }

    /// Who asked for what.
    private mutating func addRequest(_ record: RequestRecord) {
        add("surface", record.form.map { .text($0.surface) })
        add("status", .count(record.status))
        if record.requestID != .none { add("request_id", .of(record.requestID)) }
        add("client", record.clientText.map { .text($0) })
        if !record.subject.isEmpty {
            add(record.isSubjectVerified ? "subject" : "claimed_subject", .bytes(record.subject))
        }
        add("rule", record.rule.map { .number($0) })
        addWords(record)
        add("protocol", record.spoken.map { .text($0.rawValue) })
    }

    private mutating func addWords(_ record: RequestRecord) {
        add("host", .bytes(Array(record.text.host)))
        add("method", .bytes(Array(record.text.method)))
        add("path", .bytes(Array(record.text.path)))
    }

    private static func microseconds(_ nanoseconds: UInt64?) -> LogValue? {
        nanoseconds.map { .number(Int64(clamping: $0 / 1000)) }
    }

    /// Where it went, how much went through, and how long it took.
    private mutating func addCourse(_ record: RequestRecord) {
        add("upstream", record.upstream.map { .of($0) })
        add("trace_id", record.trace.map { .of($0.id) })
        guard record.spoken != nil else { return }
        add("bytes_in", .number(Int64(clamping: record.bytesIn)))
        add("bytes_out", .number(Int64(clamping: record.bytesOut)))
        add("us", .number(record.microseconds))
        add("judge_us", RequestFields.microseconds(record.times.judgement))
        add("key_us", RequestFields.microseconds(record.times.keyWait))
        add("connect_us", RequestFields.microseconds(record.times.connectionWait))
        add("upstream_us", RequestFields.microseconds(record.times.upstreamWait))
    }
}

extension RequestRecord {
    /// What there is to say of a refusal beyond its code, in words; nil where there is nothing.
    var detailText: String? {
        guard let detail else { return nil }
        guard case .found(let finding) = detail else { return detail.text }
        return finding.sentence
    }
}

extension Logger.Level {
    /// How loud the log is about a refusal.
    fileprivate init(_ level: RefusalRow.Level) {
        self =
            switch level {
            case .info: .info
            case .warning: .warning
            }
    }
}

import Gatekeeper

/// The last hour, minute by minute: how many requests came and were refused, by their reason, and how long they took.
struct HourSections: Sendable {
    /// The minutes, the oldest first; the last one may not be over.
    let minutes: [MetricsMinute]
    let now: Instant

    /// Writes the requests and refusals.
    func refusals(_ html: inout HTML) {
        html.section("refusals", "Last hour", note: "Requests and refusals, a bar a minute.") { html in
            html.element("div", .class("charts")) { html in
                chart(&html, "All requests", nil, \.total)
                for (code, _) in codes.prefix(Limits.codesShown) {
                    chart(&html, code, "code") { $0.refusals[code] ?? 0 }
                }
                let others = codes.dropFirst(Limits.codesShown).map(\.code)
                if !others.isEmpty {
                    chart(&html, "\(others.count) other reasons", nil) { minute in
                        others.reduce(0) { $0 + (minute.refusals[$1] ?? 0) }
                    }
                }
            }
            if codes.isEmpty { html.element("p", .class("muted after"), text: "Nothing was refused.") }
        }
    }

    /// Writes the times.
    func latency(_ html: inout HTML) {
        html.section("latency", "Latency", note: "Of admitted requests, to the last byte of the response.") {
            html in
            html.element("div", .class("charts")) { html in
                times(&html, "Response", \.latency)
                times(&html, "Upstream, to its head", \.upstream)
                times(&html, "Gateway's own share", \.ownShare)
            }
        }
    }

    /// The codes that occurred with how often, the most frequent first.
    private var codes: [(code: String, count: UInt64)] {
        var counts: [String: UInt64] = [:]
        for minute in minutes {
            for (code, count) in minute.refusals { counts[code, default: 0] += count }
        }
        return counts.map { (code: $0.key, count: $0.value) }
            .sorted { ($1.count, $0.code) < ($0.count, $1.code) }
    }

    private func chart(
        _ html: inout HTML, _ name: String, _ looks: StaticString?, _ value: (MetricsMinute) -> UInt64
    ) {
        let chart = SmallChart(values: slots { Double(value($0)) })
        let total = minutes.reduce(0) { $0 + value($1) }
        let peak = UInt64(chart.peak)
        html.element("div") { html in
            html.element("p", .class("name")) {
                $0.element("span", .class(looks ?? ""), text: name)
                $0.element("b", text: total.grouped)
            }
            chart.bars(
                &html, summary: "\(name): \(total.grouped) in the last hour, \(peak.grouped) a minute at most"
            )
            html.element("p", .class("muted small"), text: "at most \(peak.grouped) a minute")
        }
    }

    private func times(
        _ html: inout HTML, _ name: String, _ quantiles: (MetricsMinute) -> MetricsMinute.Quantiles
    ) {
        let upper = SmallChart(values: slots { minute in quantiles(minute).p99.map { Double($0) } })
        let lower = SmallChart(values: slots { minute in quantiles(minute).p50.map { Double($0) } })
        let latest = minutes.last(where: { quantiles($0).p50 != nil }).map { quantiles($0) }
        let (median, slow) = (HourSections.time(latest?.p50), HourSections.time(latest?.p99))
        html.element("div") { html in
            html.element("p", .class("name")) {
                $0.element("span", text: name)
                $0.element("b", text: median)
            }
            upper.line(
                &html, over: lower,
                summary: "\(name): \(median) at the median, \(slow) at the 99th percentile")
            html.element("p", .class("muted small")) {
                $0.element("span", .class("key lower")) { _ in }
                $0.text("median \(median)")
                $0.element("span", .class("key")) { _ in }
                $0.text("99 % within \(slow)")
            }
        }
    }

    /// A value for each minute of the hour, the oldest first.
    private func slots(_ value: (MetricsMinute) -> Double?) -> [Double?] {
        var slots = [Double?](repeating: nil, count: Limits.historyMinutes)
        for minute in minutes {
            let age = Int(clamping: now.seconds(since: minute.endedAt) / 60)
            guard age >= 0, age < slots.count else { continue }
            slots[slots.count - 1 - age] = value(minute)
        }
        return slots
    }

    /// Nanoseconds in a unit that a person would use.
    private static func time(_ nanoseconds: UInt64?) -> String {
        guard let nanoseconds else { return "–" }
        var (digits, unit) = (Double(nanoseconds) / 1_000, "µs")
        for larger in ["ms", "s"] where digits / 1_000 >= 1 {
            (digits, unit) = (digits / 1_000, larger)
        }
        let tenths = (digits * 10).rounded() / 10
        return digits < 10 ? "\(tenths) \(unit)" : "\(Int(digits.rounded())) \(unit)"
    }
}

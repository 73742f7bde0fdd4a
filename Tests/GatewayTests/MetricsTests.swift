import ControlPlane
import DataPlane
import Gatekeeper
import Testing

@testable import Gateway

@Suite struct MetricsTextTests {
    private func written(_ format: MetricsFormat, _ write: (inout MetricsText) -> Void) -> [Substring] {
        var text = MetricsText(format)
        write(&text)
        text.end()
        return text.text.split(separator: "\n")
    }

    @Test("A counter's samples end with _total in both forms, its family only in Prometheus'")
    func counters() {
        let write = { (text: inout MetricsText) in
            text.begin("a_bytes", .counter, "Bytes.")
            text.add(3)
        }
        #expect(
            written(.prometheus, write)
                == ["# TYPE a_bytes_total counter", "# HELP a_bytes_total Bytes.", "a_bytes_total 3"])
        #expect(
            written(.openMetrics, write) == [
                "# TYPE a_bytes counter", "# UNIT a_bytes bytes", "# HELP a_bytes Bytes.", "a_bytes_total 3",
                "# EOF",
            ])
    }

    @Test("What a label says is escaped, whatever it holds")
    func escaping() {
        let lines = written(.prometheus) {
            $0.begin("a", .gauge, #"A \ "b""# + "\nc")
            $0.add(true, ["x": #"\"# + "\n\"}", "y": "ü"])
        }
        #expect(lines[1] == #"# HELP a A \\ "b"\nc"#)
        #expect(lines[2] == #"a{x="\\\n\"}",y="ü"} 1"#)
    }

    @Test("A histogram's buckets hold those below them, and the last one all")
    func histograms() {
        var histogram = LatencyHistogram()
        for time: UInt64 in [1, 5_000, 5_000, 100_000_000_000] { histogram.add(time) }
        let lines = written(.prometheus) {
            $0.begin("a_seconds", .histogram, "A.")
            $0.add(histogram, ["x": "y"])
        }
        #expect(lines[2] == #"a_seconds_bucket{x="y",le="0.000004"} 1"#)
        #expect(lines[3] == #"a_seconds_bucket{x="y",le="0.000008"} 3"#)
        #expect(lines[26] == #"a_seconds_bucket{x="y",le="67.108864"} 3"#)
        #expect(lines[27] == #"a_seconds_bucket{x="y",le="+Inf"} 4"#)
        #expect(lines[28] == #"a_seconds_sum{x="y"} 100.000010001"#)
        #expect(lines[29] == #"a_seconds_count{x="y"} 4"#)
    }

    @Test(
        "Nanoseconds are written as seconds, without a digit too few or too many",
        arguments: [
            (0, "0.0"), (1, "0.000000001"), (1_000_000_000, "1.0"), (1_500_000_000, "1.5"),
            (UInt64.max, "18446744073.709551615"),
        ])
    func seconds(_ nanoseconds: UInt64, _ text: String) {
        #expect(MetricsText.seconds(nanoseconds) == text)
    }
}

@Suite struct MetricsFormatTests {
    @Test(
        "OpenMetrics is for whoever names it and likes plain text no better",
        arguments: [
            (nil, MetricsFormat.prometheus), ("", .prometheus), ("*/*", .prometheus),
            ("text/plain", .prometheus),
            ("application/openmetrics-text", .openMetrics),
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
                .openMetrics
            ),
            ("text/plain, Application/OpenMetrics-Text ; q=0.9", .prometheus),
            ("application/openmetrics-text;q=0", .prometheus),
            ("application/openmetrics-text;q=nonsense", .prometheus),
            ("application/openmetrics-textual, ;;, ,", .prometheus),
        ] as [(String?, MetricsFormat)])
    func accept(_ field: String?, _ format: MetricsFormat) {
        #expect(MetricsFormat(accept: field) == format)
    }
}

@Suite struct MetricsHistoryTests {
    private let reading = CountersBoard().latest

    @Test("An hour of minutes is kept, and the first reading ends none")
    func hour() {
        var history = MetricsHistory()
        history.take(reading, at: Instant(seconds: 0))
        #expect(history.minutes.isEmpty)
        for minute in 1...Gateway.Limits.historyMinutes + 5 {
            history.take(reading, at: Instant(seconds: Int64(minute) * 60))
        }
        #expect(history.minutes.count == Gateway.Limits.historyMinutes)
        #expect(history.minutes.first?.endedAt == Instant(seconds: 6 * 60))
        #expect(history.minutes.last?.total == 0)
        #expect(history.minutes.last?.latency.p50 == nil)
    }
}

@Suite struct ControlCountersTests {
    @Test("Fetches of keys are counted by how they ended, and the reads of the directory with their times")
    func observations() throws {
        let counters = ControlCounters()
        let region = try #require(Region("eu-west-1"))
        let poolID = try #require(PoolID("eu-west-1_abc"))
        let pool = try #require(PoolName(region: region, poolID: poolID))
        counters.note(.keysFetched(pool, kids: [], skipped: []))
        for status in [404, 500] {
            counters.note(.keysFetchFailed(pool, .status(status), endpoint: nil, nextAttempt: nil))
        }
        counters.note(
            .directoryRead(rows: 1, changed: 1, revocations: 4, time: .milliseconds(3), all: true))
        counters.note(.changesPublished(after: .milliseconds(12)))
        let reading = counters.reading
        #expect(reading.keysFetched == 1 && reading.keysFetchFailed == ["status": 2])
        #expect(reading.fullReads == 1 && reading.fullReadTimes.sum == 3_000_000 && reading.changeReads == 0)
        #expect(reading.revocations == 4)
        #expect(reading.changeLags.sum == 12_000_000)
    }
}

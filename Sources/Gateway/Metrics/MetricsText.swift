import DataPlane

/// The text of metrics, family after family, in one of the two forms.
///
/// Written by hand, like the counting: a metrics library keeps each count behind a lock or an atomic and looks it up by
/// its labels' texts, which a loop that serves a request in 14 µs cannot afford; what is left is this text.
struct MetricsText {
    private(set) var text = ""
    let format: MetricsFormat
    private var family = Family(name: "", kind: .gauge)

    /// What a family's numbers are.
    enum Kind: String {
        /// Only grows; its samples' names end with `_total`.
        case counter
        case gauge
        case histogram
        /// Always 1; its labels are what it says. Its sample's name ends with `_info`.
        case info
    }

    private struct Family {
        let name: String
        let kind: Kind
    }

    init(_ format: MetricsFormat) {
        self.format = format
        text.reserveCapacity(Limits.metricsTextBytes)
    }

    /// Begins a family; `name` is without `_total` and `_info`, and ends with its unit where it has one.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        family = Family(name: name, kind: kind)
        let shown = format == .openMetrics ? name : sampleName
        let type = format == .prometheus && kind == .info ? Kind.gauge : kind
        text += "# TYPE \(shown) \(type.rawValue)\n"
        if format == .openMetrics, let unit = ["seconds", "bytes"].first(where: { name.hasSuffix("_" + $0) })
        {
            text += "# UNIT \(shown) \(unit)\n"
        }
        text += "# HELP \(shown) \(MetricsText.escaped(help))\n"
    }

    /// A sample of the family that was begun last.
    mutating func add(_ value: some BinaryInteger, _ labels: KeyValuePairs<String, String> = [:]) {
        write(sampleName, labels, "\(value)")
    }

    /// The same for what is true or not: 1 or 0.
    mutating func add(_ value: Bool, _ labels: KeyValuePairs<String, String> = [:]) {
        write(sampleName, labels, value ? "1" : "0")
    }

    /// The same for a time, given in nanoseconds, written in seconds.
    mutating func add(nanoseconds: UInt64, _ labels: KeyValuePairs<String, String> = [:]) {
        write(sampleName, labels, MetricsText.seconds(nanoseconds))
    }

    /// The samples of a histogram: each bucket with those below it.
    mutating func add(_ histogram: LatencyHistogram, _ labels: KeyValuePairs<String, String> = [:]) {
        var below: UInt64 = 0
        for bucket in 0..<LatencyHistogram.boundCount {
            below &+= histogram.count(in: bucket)
            write(
                family.name + "_bucket", labels, "\(below)",
                bound: MetricsText.seconds(LatencyHistogram.bound(bucket)))
        }
        let count = histogram.count
        write(family.name + "_bucket", labels, "\(count)", bound: "+Inf")
        write(family.name + "_sum", labels, MetricsText.seconds(histogram.sum))
        write(family.name + "_count", labels, "\(count)")
    }

    /// Ends the text.
    mutating func end() {
        if format == .openMetrics { text += "# EOF\n" }
    }

    // MARK: Parts

    private var sampleName: String {
        switch family.kind {
        case .counter: family.name + "_total"
        case .info: family.name + "_info"
        case .gauge, .histogram: family.name
        }
    }

    private mutating func write(
        _ name: String, _ labels: KeyValuePairs<String, String>, _ value: String, bound: String? = nil
    ) {
        text += name
        var separator = "{"
        for (label, content) in labels {
            text += "\(separator)\(label)=\"\(MetricsText.escaped(content, quotes: true))\""
            separator = ","
        }
        if let bound {
            text += "\(separator)le=\"\(bound)\""
            separator = ","
        }
        if separator == "," { text += "}" }
        text += " \(value)\n"
    }

    /// Seconds as a decimal number that says every nanosecond, with at least one digit behind the point.
    static func seconds(_ nanoseconds: UInt64) -> String {
        let fraction = String(nanoseconds % 1_000_000_000)
        var digits = String(repeating: "0", count: 9 - fraction.utf8.count) + fraction
        while digits.utf8.count > 1, digits.utf8.last == UInt8(ascii: "0") { digits.removeLast() }
        return "\(nanoseconds / 1_000_000_000).\(digits)"
    }

    /// A text as both forms want it: backslashes and line feeds escaped, quotes too where `quotes`. OpenMetrics escapes
    /// them in its help as well; no help of ours has one.
    static func escaped(_ content: String, quotes: Bool = false) -> String {
        var bytes: [UInt8] = []
        for byte in content.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\"") where quotes: bytes += [UInt8(ascii: "\\"), byte]
            default: bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

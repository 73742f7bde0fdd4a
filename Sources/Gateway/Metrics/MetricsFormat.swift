/// The forms in which metrics are written.
enum MetricsFormat: Sendable, Equatable {
    /// Prometheus' text form, version 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.0, which says units and ends with a mark.
    case openMetrics

    /// The form that a request's `Accept` asks for (RFC 9110 §12.5.1): OpenMetrics where it is named and not less welcome
    /// than `text/plain`; whoever names neither gets what every tool can read.
    init(accept: String?) {
        var wanted: (open: Double, plain: Double) = (0, 0)
        for member in (accept ?? "").lowercased().split(separator: ",") {
            let parts = member.split(separator: ";").map { $0.trimmed }
            guard let type = parts.first else { continue }
            let isOpen = type.utf8.elementsEqual("application/openmetrics-text".utf8)
            let isPlain = type.utf8.elementsEqual("text/plain".utf8)
            guard isOpen || isPlain else { continue }
            let quality =
                parts.dropFirst().first { $0.utf8.starts(with: "q=".utf8) }
                .map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if isOpen { wanted.open = max(wanted.open, quality) }
            if isPlain { wanted.plain = max(wanted.plain, quality) }
        }
        self = wanted.open > 0 && wanted.open >= wanted.plain ? .openMetrics : .prometheus
    }

    /// What the response says of its body.
    var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }
}

extension Substring {
    /// Without the spaces and tabs around it.
    fileprivate var trimmed: Substring {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let rest = drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return rest }
        return rest[...last]
    }
}

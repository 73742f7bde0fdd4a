/// A small drawing of one number over the last hour, a bar or a point a minute: inline SVG without script or style.
struct SmallChart: Sendable {
    /// The oldest first; nil for a minute of which nothing is known.
    let values: [Double?]

    private static let width = 240.0
    private static let height = 40.0

    /// The greatest value; 0 where there is none.
    var peak: Double { values.lazy.compactMap { $0 }.max() ?? 0 }

    /// Draws bars. `summary` is what somebody hears who does not see them.
    func bars(_ html: inout HTML, summary: String) {
        drawing(&html, summary) { html in
            let step = SmallChart.width / Double(max(values.count, 1))
            for (index, value) in values.enumerated() {
                guard let value, value > 0, peak > 0 else { continue }
                let height = max(1.5, value / peak * (SmallChart.height - 2))
                html.element(
                    "rect", .number("x", Double(index) * step + step * 0.1),
                    .number("y", SmallChart.height - height), .number("width", step * 0.8),
                    .number("height", height)
                ) { _ in }
            }
        }
    }

    /// Draws a line, with another one below it of the same scale.
    func line(_ html: inout HTML, over lower: SmallChart, summary: String) {
        drawing(&html, summary) { html in
            html.element("polyline", .class("upper"), .points(points(scale: peak))) { _ in }
            html.element("polyline", .class("lower"), .points(lower.points(scale: peak))) { _ in }
        }
    }

    private func points(scale: Double) -> [(x: Double, y: Double)] {
        let step = SmallChart.width / Double(max(values.count - 1, 1))
        let points: [(x: Double, y: Double)] = values.enumerated().compactMap { index, value in
            guard let value, scale > 0 else { return nil }
            return (Double(index) * step, SmallChart.height - 1 - value / scale * (SmallChart.height - 3))
        }
        // A line of one point is not drawn; a short one is.
        guard points.count == 1, let only = points.first else { return points }
        return [(only.x - step, only.y), only]
    }

    private func drawing(_ html: inout HTML, _ summary: String, content: (inout HTML) -> Void) {
        html.element(
            "svg", .class("chart"), .fixed(.viewBox, "0 0 240 40"), .fixed(.preserveAspectRatio, "none"),
            .fixed(.role, "img"), .label(summary)
        ) { html in
            html.element(
                "line", .number("x1", 0), .number("y1", SmallChart.height - 0.5),
                .number("x2", SmallChart.width), .number("y2", SmallChart.height - 0.5)
            ) { _ in }
            content(&html)
        }
    }
}

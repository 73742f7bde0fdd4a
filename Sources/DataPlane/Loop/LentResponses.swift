/// What the HTTP/2 connections of one loop hold of responses beyond their own share, because their clients take some streams
/// and not others. Bounded by `Limits.lentResponseBytes`.
struct LentResponses {
    private(set) var bytes = 0

    /// Whether a connection that holds more than its share may have more.
    var hasRoom: Bool { bytes < Limits.lentResponseBytes }

    /// A connection that held `before` bytes holds `after`.
    mutating func changed(from before: Int, to after: Int) {
        bytes +=
            max(0, after - Limits.connectionResponseBytes) - max(0, before - Limits.connectionResponseBytes)
    }
}

/// How far a long piece of work is, on one line of the terminal that standard error is shown on; nothing elsewhere.
///
/// The line is wiped at the end, and before a command prints anything else. It is drawn anew for the window as it is at that
/// moment, and never fills its last column, where a terminal would begin another line.
struct ProgressBar: ~Copyable {
    private let what: String
    private let total: Int
    private var done = 0
    private var drawnColumns = 0
    private var drawnAt: ContinuousClock.Instant?

    /// The progress of work of `total` equal pieces, none of which is done; `what` names it, such as `key endpoints`.
    init(_ what: String, total: Int) {
        self.what = what
        self.total = total
    }

    deinit { if drawnColumns > 0 { ProgressBar.wipe(drawnColumns) } }

    /// Counts pieces that are done.
    mutating func advance(by pieces: Int = 1) {
        done += pieces
        guard let columns = Output.progressColumns else { return }
        let now = ContinuousClock.now
        if let drawnAt, now - drawnAt < Limits.progressPause { return }
        drawnAt = now
        let line = ProgressBar.line(what, done, of: total, columns: columns)
        // Blanks over what the line before was longer by.
        let rest = max(0, min(drawnColumns, columns - 1) - line.count)
        drawnColumns = line.count
        Output.progress(line + String(repeating: " ", count: rest))
    }

    /// Wipes the line.
    consuming func finish() {}

    private static func wipe(_ columns: Int) {
        guard let now = Output.progressColumns else { return }
        Output.progress(String(repeating: " ", count: max(0, min(columns, now - 1))))
    }

    /// The line for a window of so many columns: `key endpoints  [#####-----]  5000 of 10000`. The bar gives way first, then
    /// the words.
    static func line(_ what: String, _ done: Int, of total: Int, columns: Int) -> String {
        let share = total > 0 ? Double(min(done, total)) / Double(total) : 1
        let room = max(0, columns - 1)
        let count = "\(done) of \(total)"
        let frame = what.count + count.count + 6
        let bar = min(Limits.longestProgressBar, room - frame)
        guard bar >= Limits.shortestProgressBar else { return String("\(what) \(count)".prefix(room)) }
        let filled = Int(Double(bar) * share)
        return "\(what)  [" + String(repeating: "#", count: filled)
            + String(repeating: "-", count: bar - filled) + "]  \(count)"
    }
}

import ControlPlane
import Platform

/// What a supervisor is told as the gateway's state changes: a value, which remembers what was told before.
struct SupervisorReport {
    private var isReadyTold = false
    private var statusTold: String?
    private var extendedAt: ContinuousClock.Instant?

    /// The datagram for the state as it is at `now`; nil where there is nothing new to tell.
    ///
    /// `READY=1` is told once, when the gateway is ready first. Until then the time that the supervisor allows for the start
    /// is extended again and again: a gateway that waits for its database is as it should be, and ending it would help
    /// nobody.
    mutating func next(
        _ readiness: Readiness, _ directory: DirectoryStatus, at now: ContinuousClock.Instant
    ) -> String? {
        var lines: [String] = []
        if readiness.isReady, !isReadyTold {
            isReadyTold = true
            lines.append("READY=1")
        }
        if !isReadyTold, extendedAt.map({ now - $0 >= Limits.startExtensionPause }) ?? true {
            extendedAt = now
            lines.append("EXTEND_TIMEOUT_USEC=\(Limits.startExtension.microseconds)")
        }
        let status = SupervisorReport.status(readiness, directory)
        if status != statusTold {
            statusTold = status
            lines.append("STATUS=\(status)")
        }
        return lines.isEmpty ? nil : lines.joined(separator: "\n")
    }

    /// The datagram that the gateway begins to stop, which takes no longer than `time`.
    static func stopping(within time: Duration) -> String {
        """
        STOPPING=1
        STATUS=Stopping: requests under way may finish.
        EXTEND_TIMEOUT_USEC=\((time + Limits.stopMargin).microseconds)
        """
    }

    /// The datagram that the gateway still works.
    static let alive = "WATCHDOG=1"

    /// One line for people, as `systemctl status` shows it.
    private static func status(_ readiness: Readiness, _ directory: DirectoryStatus) -> String {
        if case .unready(let reason) = readiness { return line("Not ready: \(reason).") }
        var status = "Serving \(count(directory.tenants, "tenant")) of \(count(directory.pools, "pool"))"
        if case .disk = directory.source { status += " from the copy on disk" }
        if !directory.quarantined.isEmpty {
            status += "; \(count(directory.quarantined.count, "row")) cannot be served"
        }
        if case .lost(let error) = directory.link { status += "; the database is out of reach: \(error)" }
        return line(status + ".")
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// The text on one line of bounded length, since a line break would begin another assignment.
    private static func line(_ text: String) -> String {
        let printable = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        return String(String.UnicodeScalarView(printable.prefix(Limits.reportStatusCharacters)))
    }
}

extension Duration {
    /// Whole microseconds, as sd_notify(3) writes times; no time is longer than `Int64` can say.
    fileprivate var microseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : whole.addingReportingOverflow(attoseconds / 1_000_000_000_000).partialValue
    }
}

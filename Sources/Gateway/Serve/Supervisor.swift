import Glibc
import Platform

/// The supervisor that started this program and wants to hear how it is: systemd, for a unit of `Type=notify`, or
/// whatever else speaks sd_notify(3).
///
/// The protocol is one datagram of lines `NAME=value` to a socket that the environment names. libsystemd would be a
/// dependency of every installation for that alone.
struct Supervisor: Equatable, Sendable {
    /// The path of its socket; one that begins with `@` is a name in the abstract namespace.
    let socketPath: String
    /// A program that says nothing for this long is taken for stuck, and ended; nil where nobody watches.
    let watchdog: Duration?

    /// The supervisor that the environment variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` tell of; nil
    /// where there is none. Those about the watchdog count where they are for the process `processID`
    /// (sd_watchdog_enabled(3)).
    init?(environment: [String: String], processID: Int32) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else {
            return nil
        }
        socketPath = path
        let isForAnother = environment["WATCHDOG_PID"].map { $0 != String(processID) } ?? false
        guard !isForAnother, let text = environment["WATCHDOG_USEC"],
            let microseconds = Digits.number(Array(text.utf8), atMost: Limits.longestWatchdogMicroseconds),
            microseconds > 0
        else {
            watchdog = nil
            return
        }
        watchdog = .microseconds(microseconds)
    }

    /// Sends a report. One that the supervisor has no room for is sent again a few times; one that cannot be delivered is
    /// lost, since there is nobody else to tell.
    func send(_ report: String) async {
        for _ in 0..<Limits.reportAttempts {
            do throws(LocalDatagram.Failure) {
                return try LocalDatagram.send(report, to: socketPath)
            } catch {
                guard error.isPassing, (try? await Task.sleep(for: Limits.reportAttemptPause)) != nil else {
                    return
                }
            }
        }
    }
}

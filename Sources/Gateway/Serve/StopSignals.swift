import Glibc
import UnixSignals

/// What SIGTERM and SIGINT do: the first asks the gateway to stop, the second ends it at once.
enum StopSignals {
    /// Sets `stop` to the name of the first signal. At the second, the process ends with the exit status 128 plus the
    /// signal's number, as shells report an end by a signal.
    static func watch(_ stop: OneShot<String>) async -> Task<Void, Never> {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        return Task {
            var isStopping = false
            for await signal in signals {
                if isStopping { _exit(128 + signal.rawValue) }
                isStopping = true
                stop.set(signal.description)
            }
        }
    }
}

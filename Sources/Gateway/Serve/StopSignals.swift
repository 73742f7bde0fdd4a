import Glibc
import UnixSignals

/// SIGTERM and SIGINT: the first asks the gateway to stop, a second one ends it at once.
enum StopSignals {
    /// Opens `gate` with the first signal's name; at the second the process ends with 128 and the signal's number.
    static func watch(_ gate: Gate<String>) async -> Task<Void, Never> {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        return Task {
            var isStopping = false
            for await signal in signals {
                if isStopping { _exit(128 + signal.rawValue) }
                isStopping = true
                gate.open(signal.description)
            }
        }
    }
}

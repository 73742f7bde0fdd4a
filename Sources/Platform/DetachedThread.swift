import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Threads of the system for work that blocks, which neither an event loop nor a task may do.
///
/// Nobody joins such a thread: it ends with its work. No signal is delivered to it, because signals are for the threads
/// that handle them, and because writing to a socket whose peer has gone shall fail instead of raising `SIGPIPE`. The
/// signals that the thread's own faults raise are not blocked, so that a crash is reported as on any other thread.
package enum DetachedThread {
    /// Starts a thread named `name`, of which the system keeps 15 bytes, and has it do `work`; false where the system
    /// gives no thread, and then `work` is never done.
    package static func start(_ name: String, _ work: sending @escaping () -> Void) -> Bool {
        let job = Unmanaged.passRetained(Job(name: name, work: work))
        // The new thread inherits what is blocked here, so that no signal reaches it before it could block any itself.
        let before = blockSignals()
        defer { restoreSignals(before) }
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runJob, job.toOpaque()) == 0 else {
            job.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// Does `work` on a thread of its own and returns what it made; nil where the system gives no thread.
    package static func run<Value: Sendable>(
        _ name: String, _ work: @escaping @Sendable () -> Value
    ) async -> Value? {
        await withCheckedContinuation { continuation in
            let isStarted = start(name) { continuation.resume(returning: work()) }
            if !isStarted { continuation.resume(returning: nil) }
        }
    }

    /// What a thread is started with. A class, because C carries one address: the thread's, which it gives back when it
    /// begins.
    fileprivate final class Job {
        let name: String
        let work: () -> Void

        init(name: String, work: @escaping () -> Void) {
            self.name = name
            self.work = work
        }
    }

    /// The signals that the system raises in the very thread whose instruction was at fault (signal(7)).
    private static let faults = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

    /// Has this thread take no signal but the faults; returns the set of those that were blocked before.
    private static func blockSignals() -> sigset_t {
        var blocked = sigset_t()
        sigfillset(&blocked)
        for fault in faults { sigdelset(&blocked, fault) }
        var before = sigset_t()
        pthread_sigmask(SIG_SETMASK, &blocked, &before)
        return before
    }

    private static func restoreSignals(_ blocked: sigset_t) {
        var blocked = blocked
        pthread_sigmask(SIG_SETMASK, &blocked, nil)
    }
}

/// Where the new thread begins. `address` is a `Job` with a reference that `start` left to it.
private func runJob(_ address: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let address {
        let job = Unmanaged<DetachedThread.Job>.fromOpaque(address).takeRetainedValue()
        poolgate_name_thread(job.name)
        job.work()
    }
    return nil
}

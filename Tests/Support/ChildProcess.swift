package import Foundation

#if canImport(Glibc)
    import Glibc
#endif

extension Process {
    /// Starts the program with no signal blocked. Worker threads of the test process block all of them, and children would
    /// inherit that: a shell would then never notice that what it waits for has ended.
    package func begin() throws {
        var (none, before) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        try run()
    }

    /// Waits for the end of a program that was started; its exit status, or the number of the signal that ended it. The
    /// kernel is asked, since Foundation's own wait spins on a core until it hears of it.
    @discardableResult
    package func waitForEnd() -> Int32 {
        var information = siginfo_t()
        while waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOWAIT) != 0 {
            guard errno == EINTR else {
                // Foundation has taken its status already.
                while isRunning { usleep(1_000) }
                return terminationStatus
            }
        }
        return information._sifields._sigchld.si_status
    }
}

import Glibc

/// What the process arranges with the system as it starts.
enum ProcessSetup {
    /// Raises the soft limit of open file descriptors to the hard one, and returns it (getrlimit(2)).
    static func raiseDescriptors() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return Limits.descriptorsAssumed
        }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// Ignores SIGPIPE, so that writing to a peer that has gone fails instead of ending the process; and SIGHUP, since
    /// there is nothing to reload: tenants and keys are always fresh, and settings hold until the end.
    static func ignoreSignals() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
    }
}

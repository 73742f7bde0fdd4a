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

    /// Opens `/dev/null` in place of standard input, output and error where the process was started without one. Otherwise
    /// the next connection would get that number, and what is meant for a person would be written to a client or to the
    /// database.
    static func fillStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is the one that is missing (open(2)).
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Ignores SIGPIPE, so that writing to a peer that has gone fails instead of ending the process; and SIGHUP, since
    /// there is nothing to reload: tenants and keys are always fresh, and settings hold until the end.
    static func ignoreSignals() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
    }
}

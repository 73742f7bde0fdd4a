import Glibc

/// What the process asks of the system as it starts.
enum ProcessLimits {
    /// Raises the soft limit of open descriptors to the hard one, and answers with it.
    static func raiseDescriptors() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1_024 }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Int(clamping: limit.rlim_cur)
    }

    /// A peer that went away is an error of a write, never the end of the process; and nothing is read anew on SIGHUP,
    /// since tenants and keys are always fresh and settings hold until the end.
    static func ignoreSignals() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
    }

    /// This machine's name.
    static var hostName: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A name for this run of the program that no other has: machine, process, and a random part.
    static var instanceName: String {
        "\(hostName.prefix(64))-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 16))"
    }
}

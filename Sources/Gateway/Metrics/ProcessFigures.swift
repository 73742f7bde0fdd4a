import Glibc

/// What the process uses of the machine, as the system says (proc(5), getrusage(2)).
struct ProcessFigures: Sendable {
    /// Seconds of all cores, in user and in kernel mode, as nanoseconds.
    let cpuNanoseconds: UInt64
    /// Memory that the process has in RAM, and all that it has addresses for, in bytes; 0 where the system does not say.
    let residentBytes: UInt64
    let virtualBytes: UInt64
    /// File descriptors that are open, and how many may be.
    let openDescriptors: Int
    let descriptorLimit: UInt64
    /// Threads of the process; 0 where the system does not say.
    let threads: Int

    /// What it uses now.
    static func read() -> ProcessFigures {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let pages = ProcessFigures.words("/proc/self/statm").compactMap { UInt64($0) }
        let page = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0))
        return ProcessFigures(
            cpuNanoseconds: nanoseconds(usage.ru_utime) &+ nanoseconds(usage.ru_stime),
            residentBytes: (pages.dropFirst().first ?? 0) &* page,
            virtualBytes: (pages.first ?? 0) &* page,
            openDescriptors: Paths.entries(of: "/proc/self/fd").count,
            descriptorLimit: UInt64(limit.rlim_cur),
            threads: Paths.entries(of: "/proc/self/task").count)
    }

    private static func nanoseconds(_ time: timeval) -> UInt64 {
        UInt64(max(time.tv_sec, 0)) &* 1_000_000_000 &+ UInt64(max(time.tv_usec, 0)) &* 1_000
    }

    private static func words(_ path: String) -> [Substring] {
        Paths.text(of: path, atMost: Limits.procFileBytes)?.split { $0 == " " || $0 == "\n" } ?? []
    }
}

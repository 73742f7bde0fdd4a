import Glibc

/// How a command ends the process.
enum ProcessEnd {
    /// Ends it after everything was written, but without the functions that libraries registered with atexit(3): they would
    /// free what OpenSSL, libcurl and libpq use, while threads may still be at work in these.
    static func with(_ status: Int32) -> Never {
        fflush(nil)
        _exit(status)
    }
}

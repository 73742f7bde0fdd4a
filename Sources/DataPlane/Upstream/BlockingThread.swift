#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs work that blocks on a thread of its own, which ends with it.
enum BlockingThread {
    /// Starts a thread that runs `work`; false where none could be started.
    static func run(_ work: @escaping @Sendable () -> Void) -> Bool {
        let job = Unmanaged.passRetained(Job(work))
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runJob, job.toOpaque()) == 0 else {
            job.release()
            return false
        }
        pthread_detach(thread)
        return true
    }

    /// A class, because C carries one address.
    fileprivate final class Job {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}

private func runJob(_ address: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let address {
        Unmanaged<BlockingThread.Job>.fromOpaque(address).takeRetainedValue().body()
    }
    return nil
}

import Glibc

/// Runs work that blocks, such as file access, on a thread of its own, so that no task and no loop waits for a disk.
enum BlockingThread {
    /// Starts a thread, runs `work` on it, and returns what it made; nil where no thread could be started.
    static func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value? {
        await withCheckedContinuation { continuation in
            let job = Unmanaged.passRetained(Job { continuation.resume(returning: work()) })
            var thread = pthread_t()
            let result = pthread_create(&thread, nil, runJob, job.toOpaque())
            guard result == 0 else {
                job.release()
                continuation.resume(returning: nil)
                return
            }
            pthread_detach(thread)
        }
    }

    /// A class, because C carries one address.
    fileprivate final class Job {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }
}

private func runJob(_ address: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let address {
        Unmanaged<BlockingThread.Job>.fromOpaque(address).takeRetainedValue().body()
    }
    return nil
}

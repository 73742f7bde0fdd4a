import Glibc

/// A lock on a file between processes (flock(2)), held until it is released or the process ends.
///
/// A class, because it stands for the lock, which several owners may refer to.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Why the file cannot be locked, though no other process holds the lock: the system's number for the reason.
    struct Flaw: Error {
        let number: Int32
    }

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Takes the lock on the file at `path`, which is made where there is none; nil where another process holds the lock.
    static func take(_ path: String) -> Result<FileLock?, Flaw> {
        // O_CLOEXEC, because a Postgres that inherited the descriptor would hold the lock after the gateway's end.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return .failure(Flaw(number: errno)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            return number == EWOULDBLOCK ? .success(nil) : .failure(Flaw(number: number))
        }
        return .success(FileLock(descriptor: descriptor))
    }

    /// Releases the lock. Call once.
    func release() {
        close(descriptor)
    }
}

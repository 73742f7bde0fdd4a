import Glibc

/// An advisory lock on a file (flock), held until it is released or the process ends, however it ends.
final class FileLock: Sendable {
    private let descriptor: Int32

    /// Why there is neither a lock nor another holder.
    struct Flaw: Error {
        let number: Int32
    }

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Takes the lock on the file at `path`, which is made where there is none; nil while another process holds it.
    static func take(_ path: String) -> Result<FileLock?, Flaw> {
        // Not for children: a Postgres that inherited it would hold it after the gateway's end.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return .failure(Flaw(number: errno)) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            return number == EWOULDBLOCK ? .success(nil) : .failure(Flaw(number: number))
        }
        return .success(FileLock(descriptor: descriptor))
    }

    /// Gives the lock up. Call once.
    func release() {
        close(descriptor)
    }
}

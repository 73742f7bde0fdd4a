import Gatekeeper
import Glibc
import Platform

/// The file that holds the last good rows, from which a gateway starts while it has no database.
///
/// It is written whole under another name, mode 0600, and then renamed. It is read only where no other user could have
/// written it.
package struct SavedRowsFile: Sendable {
    /// Why no rows could be read from disk, or none written.
    package enum Flaw: Error, Hashable, Sendable, CustomStringConvertible {
        /// There is no file.
        case absent
        /// The file or its folder belongs to somebody else or lets others write.
        case untrusted
        /// The file is damaged, or of another version of the format.
        case damaged
        /// The system refuses, for the reason with this number (errno).
        case system(Int32)

        /// A sentence without its full stop.
        package var description: String {
            switch self {
            case .absent: "there is none"
            case .untrusted: "it, or its folder, belongs to another user or can be written by others"
            case .damaged: "it is damaged or of another version"
            case .system(let number): "the system refuses it: \(String(cString: strerror(number)))"
            }
        }
    }

    private let path: String

    /// The file at `path`, which need not exist; its folder does.
    package init(path: String) {
        self.path = path
    }

    /// Reads the file, on a thread of its own.
    func load() async -> Result<SavedRows, Flaw> {
        await DetachedThread.run("poolgate-disk") { Result { () throws(Flaw) in try read() } }
            ?? .failure(.system(EAGAIN))
    }

    /// Replaces the file, on a thread of its own, and returns how many rows it holds. `parts` are called on that thread,
    /// for it takes a while to collect a hundred thousand rows.
    func save(
        at savedAt: Instant,
        _ parts: @escaping @Sendable () -> ([PackedRow], [Revocations.Entry], Set<PoolName>)
    ) async -> Result<Int, Flaw> {
        let result = await DetachedThread.run("poolgate-disk") { () -> Result<Int, Flaw> in
            let (rows, revocations, pools) = parts()
            let saved = SavedRows(
                rows: rows, revocations: revocations, revocationPools: pools, savedAt: savedAt)
            return Result { () throws(Flaw) in
                try write(saved)
                return saved.rows.count
            }
        }
        return result ?? .failure(.system(EAGAIN))
    }

    // MARK: Files

    private var folder: String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func read() throws(Flaw) -> SavedRows {
        var status = stat()
        guard stat(folder, &status) == 0 else { throw SavedRowsFile.flaw() }
        guard SavedRowsFile.isOurs(status) else { throw .untrusted }
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw SavedRowsFile.flaw() }
        defer { close(file) }
        guard fstat(file, &status) == 0 else { throw SavedRowsFile.flaw() }
        guard status.st_mode & S_IFMT == S_IFREG, SavedRowsFile.isOurs(status) else { throw .untrusted }
        guard status.st_size <= Limits.savedRowsFileBytes else { throw .damaged }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .damaged }
            filled += count
        }
        guard let saved = SavedRows(decoding: bytes) else { throw .damaged }
        return saved
    }

    private func write(_ saved: SavedRows) throws(Flaw) {
        let bytes = saved.encoded
        let temporary = path + ".new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SavedRowsFile.flaw() }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let flaw = SavedRowsFile.flaw()
                close(file)
                unlink(temporary)
                throw flaw
            }
            written += count
        }
        let isSynced = fsync(file) == 0
        guard close(file) == 0, isSynced, rename(temporary, path) == 0 else {
            let flaw = SavedRowsFile.flaw()
            unlink(temporary)
            throw flaw
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    private static func flaw() -> Flaw { errno == ENOENT ? .absent : .system(errno) }

    /// Whether the file or folder belongs to this process's user or to root, and nobody else may write it.
    private static func isOurs(_ status: stat) -> Bool {
        (status.st_uid == geteuid() || status.st_uid == 0) && status.st_mode & (S_IWGRP | S_IWOTH) == 0
    }
}

import Glibc

/// Files of the state directory: mode 0600, written whole under another name and then renamed, and read only where no other
/// user could have written them. All of it blocks.
enum TrustedFile {
    /// The bytes of the file, at most `limit`.
    static func read(_ path: String, atMost limit: Int) throws(StateFileFlaw) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        defer { close(file) }
        let size = try self.size(of: file)
        guard size <= limit else { throw .damaged }
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .damaged }
            filled += count
        }
        return bytes
    }

    /// Replaces the file. Where that fails, the one before stays as it is.
    static func replace(_ path: String, with bytes: [UInt8]) throws(StateFileFlaw) {
        let temporary = path + ".new"
        unlink(temporary)
        let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StateFileFlaw.current }
        do throws(StateFileFlaw) {
            try write(bytes, to: file)
            guard fsync(file) == 0 else { throw StateFileFlaw.current }
        } catch {
            close(file)
            unlink(temporary)
            throw error
        }
        guard close(file) == 0, rename(temporary, path) == 0 else {
            let flaw = StateFileFlaw.current
            unlink(temporary)
            throw flaw
        }
        syncFolder(of: path)
    }

    /// Appends to the file, which begins with `head` and is `size` bytes long; where it is not, somebody else has written
    /// it. Where appending fails, the file is as long as before.
    static func append(_ bytes: [UInt8], to path: String, head: [UInt8], size: Int) throws(StateFileFlaw) {
        let file = try open(path, O_RDWR | O_APPEND)
        defer { close(file) }
        guard try self.size(of: file) == size else { throw .notContinuable }
        var found = [UInt8](repeating: 0, count: head.count)
        guard pread(file, &found, found.count, 0) == found.count, found == head else { throw .notContinuable }
        do throws(StateFileFlaw) {
            try write(bytes, to: file)
            guard fdatasync(file) == 0 else { throw StateFileFlaw.current }
        } catch {
            ftruncate(file, size)
            throw error
        }
    }

    /// Opens a file, unless it or its folder could have been written by others.
    private static func open(_ path: String, _ flags: Int32) throws(StateFileFlaw) -> Int32 {
        var status = stat()
        guard stat(folder(of: path), &status) == 0 else { throw StateFileFlaw.current }
        guard isOurs(status) else { throw .untrusted }
        let file = Glibc.open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw StateFileFlaw.current }
        guard fstat(file, &status) == 0 else {
            let flaw = StateFileFlaw.current
            close(file)
            throw flaw
        }
        guard status.st_mode & S_IFMT == S_IFREG, isOurs(status) else {
            close(file)
            throw .untrusted
        }
        return file
    }

    private static func size(of file: Int32) throws(StateFileFlaw) -> Int {
        var status = stat()
        guard fstat(file, &status) == 0 else { throw StateFileFlaw.current }
        return Int(status.st_size)
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws(StateFileFlaw) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw StateFileFlaw.current }
            written += count
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Has the folder's new entry last beyond a failure of the machine.
    private static func syncFolder(of path: String) {
        let folder = Glibc.open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    /// Whether the file or folder belongs to this process's user or to root, and nobody else may write it.
    private static func isOurs(_ status: stat) -> Bool {
        (status.st_uid == geteuid() || status.st_uid == 0) && status.st_mode & (S_IWGRP | S_IWOTH) == 0
    }
}

package import Gatekeeper
import Glibc
package import JOSE

/// The folder of keys that sign assertions: what its files `NAME.pem` hold. Reading blocks.
package struct SigningKeyFolder: Sendable {
    /// Where it is.
    package let path: String

    /// One of its files.
    package struct File: Sendable {
        /// With the ending.
        package let name: String
        /// The key in it, or why there is none.
        package let key: Result<ES256Key, SigningKeyFlaw>
        /// When the file came to be what and where it is, as the file system knows (`ctime`): no copying keeps it.
        package let changedAt: Instant
        let mark: Mark

        /// What tells one content of a file from another.
        struct Mark: Equatable {
            let numbers: [Int64]
        }
    }

    /// A folder at `path`.
    package init(_ path: String) {
        self.path = path
    }

    /// Its files in the order of their names, at most `Limits.signingKeys`. Those that are as they were in `known`, and gave a
    /// key, are not read again. Throws where the folder cannot be listed or is not to be trusted.
    package func files(known: [File] = []) throws(SigningKeyFlaw) -> [File] {
        let names = try names()
        let dropped = names.dropLast(Limits.signingKeys).map {
            File(name: $0, key: .failure(.tooMany), changedAt: .distantFuture, mark: .init(numbers: []))
        }
        return dropped + names.suffix(Limits.signingKeys).map { name in file(name, known) }
    }

    private func names() throws(SigningKeyFlaw) -> [String] {
        guard let directory = opendir(path) else { throw .system(errno) }
        defer { closedir(directory) }
        var status = stat()
        guard fstat(dirfd(directory), &status) == 0 else { throw .system(errno) }
        // With the sticky bit others may add files, which are theirs and not read, and take none away.
        if status.st_mode & (S_IWGRP | S_IWOTH) != 0, status.st_mode & S_ISVTX == 0 {
            throw .open(mode: status.st_mode & 0o7777)
        }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".pem"), !name.hasPrefix(".") { names.append(name) }
            guard names.count <= Limits.signingKeyFilesListed else { break }
        }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private func file(_ name: String, _ known: [File]) -> File {
        let descriptor = open("\(path)/\(name)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            let flaw = SigningKeyFlaw.system(errno)
            if descriptor >= 0 { close(descriptor) }
            return File(
                name: name, key: .failure(flaw), changedAt: .distantFuture, mark: .init(numbers: []))
        }
        defer { close(descriptor) }
        let changed = Instant(
            nanoseconds: Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec))
        let mark = File.Mark(numbers: [
            changed.nanoseconds, Int64(status.st_size), Int64(bitPattern: UInt64(status.st_ino)),
            Int64(bitPattern: UInt64(status.st_dev)),
        ])
        if let before = known.first(where: { $0.name == name && $0.mark == mark }), case .success = before.key
        {
            return before
        }
        do throws(SigningKeyFlaw) {
            let key = try SigningKeyFolder.key(descriptor, status)
            return File(name: name, key: .success(key), changedAt: changed, mark: mark)
        } catch {
            return File(name: name, key: .failure(error), changedAt: changed, mark: mark)
        }
    }

    private static func key(_ descriptor: Int32, _ status: stat) throws(SigningKeyFlaw) -> ES256Key {
        guard status.st_mode & S_IFMT == S_IFREG else { throw .noFile }
        guard status.st_uid == geteuid() || status.st_uid == 0 else { throw .owner }
        guard status.st_mode & (S_IWGRP | S_IRWXO) == 0 else { throw .open(mode: status.st_mode & 0o7777) }
        guard status.st_size <= Limits.signingKeyBytes else { throw .tooLarge }
        var bytes = [UInt8](repeating: 0, count: Limits.signingKeyBytes)
        var filled = 0
        while filled < bytes.count {
            let count = bytes[filled...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno) }
            guard count > 0 else { break }
            filled += count
        }
        do throws(ES256Key.Failure) {
            return try ES256Key(pem: Array(bytes.prefix(filled)))
        } catch {
            throw .key(error)
        }
    }
}

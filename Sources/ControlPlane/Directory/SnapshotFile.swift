import Gatekeeper
import Glibc
import Platform

/// The last good rows on disk, for a start without a database.
///
/// Written whole, 0600, under another name first; read only where nobody else could have written it.
package struct SnapshotFile: Sendable {
    /// Why no rows could be read from disk, or none written.
    package enum Flaw: Error, Hashable, Sendable, CustomStringConvertible {
        /// There is no file.
        case absent
        /// The file or its folder belongs to somebody else or lets others write.
        case untrusted
        /// The file is no snapshot of this version, or is damaged.
        case damaged
        /// The system refuses; its number for the reason.
        case system(Int32)

        package var description: String {
            switch self {
            case .absent: "there is none"
            case .untrusted: "it, or its folder, belongs to another user or can be written by others"
            case .damaged: "it is damaged or of another version"
            case .system(let number): "the system refuses it: \(String(cString: strerror(number)))"
            }
        }
    }

    /// Rows and revocations as they were saved.
    struct Content: Sendable {
        let rows: [PackedRow]
        let revocations: [Revocations.Entry]
        let revocationPools: Set<PoolName>
        let savedAt: Instant
    }

    private let path: String

    /// The file at `path`, whose folder exists.
    package init(path: String) {
        self.path = path
    }

    /// Reads the rows, on a thread of its own.
    func load() async -> Result<Content, Flaw> {
        await DetachedThread.run("poolgate-disk") { Result { () throws(Flaw) in try read() } }
            ?? .failure(.system(EAGAIN))
    }

    /// Replaces the file, on a thread of its own, and says how many rows it holds.
    func save(
        at savedAt: Instant,
        _ parts: @escaping @Sendable () -> ([PackedRow], [Revocations.Entry], Set<PoolName>)
    ) async -> Result<Int, Flaw> {
        let result = await DetachedThread.run("poolgate-disk") { () -> Result<Int, Flaw> in
            let (rows, revocations, pools) = parts()
            let content = Content(
                rows: rows, revocations: revocations, revocationPools: pools, savedAt: savedAt)
            return Result { () throws(Flaw) in
                try write(content)
                return content.rows.count
            }
        }
        return result ?? .failure(.system(EAGAIN))
    }

    // MARK: Format

    /// `POOLGATE`, version, nanoseconds of saving; then the rows, the names of pools that have revocations, and the
    /// revocations, each list behind its count and each row and name behind its length; then a checksum. All numbers
    /// have eight bytes, lowest first.
    static func encoded(_ content: Content) -> [UInt8] {
        var bytes = Array("POOLGATE".utf8)
        bytes.reserveCapacity(
            content.rows.reduce(40 * content.revocations.count + 4_096) { $0 + $1.bytes.count + 8 })
        append(version, to: &bytes)
        append(UInt64(bitPattern: content.savedAt.nanoseconds), to: &bytes)
        append(content.rows.map(\.bytes), to: &bytes)
        append(content.revocationPools.map { Array("\($0.region) \($0.poolID)".utf8) }, to: &bytes)
        append(UInt64(content.revocations.count), to: &bytes)
        for entry in content.revocations {
            append(entry.digest.high, to: &bytes)
            append(entry.digest.low, to: &bytes)
            append(UInt64(bitPattern: entry.id), to: &bytes)
            append(UInt64(entry.issuedBefore), to: &bytes)
            append(UInt64(entry.expires), to: &bytes)
        }
        append(checksum(bytes[...]), to: &bytes)
        return bytes
    }

    /// What `encoded` made; nil for anything else.
    static func decoded(_ bytes: [UInt8]) -> Content? {
        guard bytes.count >= 40, bytes.starts(with: "POOLGATE".utf8) else { return nil }
        let body = bytes.dropLast(8)
        var end = body.endIndex
        guard number(bytes[...], &end) == checksum(body) else { return nil }
        var index = 8
        guard number(body, &index) == version, let saved = number(body, &index),
            let rows = list(body, &index), let pools = list(body, &index),
            let revocations = revocations(body, &index), index == body.count
        else { return nil }
        return Content(
            rows: rows.map { PackedRow(packed: $0) }, revocations: revocations,
            revocationPools: Set(pools.compactMap(pool)),
            savedAt: Instant(nanoseconds: Int64(bitPattern: saved)))
    }

    private static let version: UInt64 = 3

    private static func append(_ list: [[UInt8]], to bytes: inout [UInt8]) {
        append(UInt64(list.count), to: &bytes)
        for element in list {
            append(UInt64(element.count), to: &bytes)
            bytes.append(contentsOf: element)
        }
    }

    private static func list(_ body: ArraySlice<UInt8>, _ index: inout Int) -> [ArraySlice<UInt8>]? {
        guard let count = number(body, &index), count <= UInt64(body.count / 8) else { return nil }
        var elements: [ArraySlice<UInt8>] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let length = number(body, &index), length <= UInt64(max(0, body.count - index)) else {
                return nil
            }
            elements.append(body[index..<(index + Int(length))])
            index += Int(length)
        }
        return elements
    }

    private static func revocations(_ body: ArraySlice<UInt8>, _ index: inout Int) -> [Revocations.Entry]? {
        guard let count = number(body, &index), count <= UInt64(body.count / 40) else { return nil }
        var entries: [Revocations.Entry] = []
        entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let high = number(body, &index), let low = number(body, &index),
                let id = number(body, &index), let issuedBefore = number(body, &index),
                let expires = number(body, &index)
            else { return nil }
            entries.append(
                Revocations.Entry(
                    digest: Revocations.Digest(high: high, low: low), id: Int64(bitPattern: id),
                    issuedBefore: Int64(bitPattern: issuedBefore), expires: Int64(bitPattern: expires)))
        }
        return entries
    }

    private static func pool(_ name: ArraySlice<UInt8>) -> PoolName? {
        let words = name.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 2, let region = Region(words[0]), let id = PoolID(words[1]) else { return nil }
        return PoolName(region: region, poolID: id)
    }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ index: inout Int) -> UInt64? {
        guard bytes.endIndex - index >= 8 else { return nil }
        var value: UInt64 = 0
        for offset in 0..<8 { value |= UInt64(bytes[index + offset]) << UInt64(8 * offset) }
        index += 8
        return value
    }

    /// FNV-1a, against damage, not against people: those are kept out by the file's mode.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.withUnsafeBufferPointer { buffer in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in buffer { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            return hash
        }
    }

    // MARK: Files

    private var folder: String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func read() throws(Flaw) -> Content {
        var status = stat()
        guard stat(folder, &status) == 0 else { throw SnapshotFile.flaw() }
        guard SnapshotFile.isOurs(status) else { throw .untrusted }
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw SnapshotFile.flaw() }
        defer { close(file) }
        guard fstat(file, &status) == 0 else { throw SnapshotFile.flaw() }
        guard status.st_mode & S_IFMT == S_IFREG, SnapshotFile.isOurs(status) else { throw .untrusted }
        guard status.st_size <= Limits.snapshotFileBytes else { throw .damaged }
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
        guard let content = SnapshotFile.decoded(bytes) else { throw .damaged }
        return content
    }

    private func write(_ content: Content) throws(Flaw) {
        let bytes = SnapshotFile.encoded(content)
        let temporary = path + ".new"
        unlink(temporary)
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SnapshotFile.flaw() }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.write(file, buffer.baseAddress?.advanced(by: written), buffer.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let flaw = SnapshotFile.flaw()
                close(file)
                unlink(temporary)
                throw flaw
            }
            written += count
        }
        let isSynced = fsync(file) == 0
        guard close(file) == 0, isSynced, rename(temporary, path) == 0 else {
            let flaw = SnapshotFile.flaw()
            unlink(temporary)
            throw flaw
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return }
        fsync(directory)
        close(directory)
    }

    private static func flaw() -> Flaw { errno == ENOENT ? .absent : .system(errno) }

    /// Ours (or root's), and nobody else may write.
    private static func isOurs(_ status: stat) -> Bool {
        (status.st_uid == geteuid() || status.st_uid == 0) && status.st_mode & (S_IWGRP | S_IWOTH) == 0
    }
}

import Foundation
import Glibc

/// The file that is imported. It can be read twice: what cannot be rewound, such as a pipe, is copied to a file without a name
/// first.
///
/// A class, because it owns an open file, which is closed with the last reference.
final class ImportSource {
    private let descriptor: Int32
    /// The file's size in bytes.
    let bytes: Int

    /// Why a file cannot be imported, as a sentence without its full stop.
    struct Flaw: Error, CustomStringConvertible {
        let description: String
    }

    /// Opens the file at a path; `-` is standard input.
    init(_ path: String) throws(Flaw) {
        let name = path == "-" ? "standard input" : Printable.value(path)
        var own = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard own >= 0 else { throw Flaw(description: "\(name) cannot be read: \(ImportSource.reason)") }
        var about = stat()
        if fstat(own, &about) != 0 || about.st_mode & S_IFMT != S_IFREG || lseek(own, 0, SEEK_SET) != 0 {
            let copied = ImportSource.copy(of: own)
            close(own)
            own = try copied.get()
            guard fstat(own, &about) == 0, lseek(own, 0, SEEK_SET) == 0 else {
                close(own)
                throw Flaw(description: "\(name) cannot be read: \(ImportSource.reason)")
            }
        }
        descriptor = own
        bytes = Int(about.st_size)
    }

    deinit { close(descriptor) }

    /// The next bytes; none at the end.
    func read() throws(Flaw) -> [UInt8] {
        var chunk = [UInt8](repeating: 0, count: Limits.fileBytesReadAtOnce)
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        guard count >= 0 else { throw Flaw(description: "the file cannot be read: \(ImportSource.reason)") }
        chunk.removeSubrange(count...)
        return chunk
    }

    /// Goes back to the first byte.
    func rewind() throws(Flaw) {
        guard lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw Flaw(description: "the file cannot be read again: \(ImportSource.reason)")
        }
    }

    /// A copy of what an open file brings, in a file of the temporary folder whose name is removed at once.
    private static func copy(of source: Int32) -> Result<Int32, Flaw> {
        var path = Array("\(FileManager.default.temporaryDirectory.path)/poolgate-import-XXXXXX".utf8CString)
        let target = mkstemp(&path)
        guard target >= 0 else {
            return .failure(Flaw(description: "no temporary file can be made: \(reason)"))
        }
        unlink(path)
        var chunk = [UInt8](repeating: 0, count: Limits.fileBytesReadAtOnce)
        var total = 0
        while true {
            let count = Glibc.read(source, &chunk, chunk.count)
            if count == 0 { return .success(target) }
            total += count
            guard count > 0, total <= Limits.importBytes, isWritten(chunk[..<count], to: target) else {
                let reason = total > Limits.importBytes ? "it is too large" : reason
                close(target)
                return .failure(Flaw(description: "standard input cannot be read, or kept: \(reason)"))
            }
        }
    }

    private static func isWritten(_ bytes: ArraySlice<UInt8>, to target: Int32) -> Bool {
        var rest = Array(bytes)
        while !rest.isEmpty {
            let count = write(target, rest, rest.count)
            guard count > 0 else { return false }
            rest.removeFirst(count)
        }
        return true
    }

    private static var reason: String { String(cString: strerror(errno)) }
}

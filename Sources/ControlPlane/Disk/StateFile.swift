import Glibc
import Platform
import Synchronization

/// Content that is kept in the state directory: a whole file, `NAME.snapshot`, and a journal of what has changed since,
/// `NAME.changes`. So a change costs what it is long, and not what the whole content is.
///
/// A new whole file begins a new generation, and with it a new journal; a journal of another generation is passed over. So
/// at every moment the two files together hold one content, whenever the process ends.
///
/// A class, because it knows where the files on disk end; whoever uses it makes one call after the other.
package final class StateFile: Sendable {
    private struct End {
        let generation: UInt64
        let wholeBytes: Int
        /// Nil where the generation has no journal yet.
        var journalBytes: Int?
        var changes = 0
    }

    /// What was read.
    struct Contents: Sendable {
        let whole: ArraySlice<UInt8>
        let changes: [ArraySlice<UInt8>]
        /// Whether the journal goes on with something that is no whole change.
        let isCut: Bool
    }

    private let path: String
    private let format: StateFileFormat
    /// Where the files end, as far as this process has read or written them; nil where they cannot be continued.
    private let end = Mutex<End?>(nil)

    /// The file `name` in the folder, which exists; the file need not.
    init(folder: String, name: String, kind: UInt64) {
        self.path = "\(folder)/\(name)"
        self.format = StateFileFormat(kind: kind)
    }

    /// The file of the last good tenants, rules and revocations.
    package static func tenants(in folder: String) -> StateFile {
        StateFile(folder: folder, name: "tenants", kind: SavedRows.version)
    }

    private var wholePath: String { path + ".snapshot" }
    private var journalPath: String { path + ".changes" }

    /// Whether changes can be added to what is on disk.
    var isContinuable: Bool { end.withLock { $0 != nil } }

    /// Whether the journal has become so long that the whole content should be written.
    var isJournalLong: Bool {
        end.withLock { end in
            guard let end, let journal = end.journalBytes else { return false }
            return journal > max(Limits.shortJournalBytes, end.wholeBytes / 2)
        }
    }

    /// Reads both files, on a thread of its own. Where the journal is damaged, what stands before the damage is the content.
    func load() async -> Result<Contents, StateFileFlaw> {
        await onThread { () throws(StateFileFlaw) in try self.read() }
    }

    /// Writes the whole content, which `make` makes, on a thread of its own; how many bytes it has.
    func replace(with make: @escaping @Sendable () -> [UInt8]) async -> Result<Int, StateFileFlaw> {
        await onThread { () throws(StateFileFlaw) in
            let generation = UInt64.random(in: 1 ... .max)
            let bytes = self.format.whole(make(), generation: generation)
            // A file that was written half may be there or not, so that nothing can be added to it.
            self.end.withLock { $0 = nil }
            try TrustedFile.replace(self.wholePath, with: bytes)
            self.end.withLock { $0 = End(generation: generation, wholeBytes: bytes.count) }
            return bytes.count
        }
    }

    /// Adds changes to the journal in their order, on a thread of its own: all of them or none.
    func append(_ changes: [[UInt8]]) async -> Result<Void, StateFileFlaw> {
        await onThread { () throws(StateFileFlaw) in try self.add(changes) }
    }

    // MARK: On a thread

    private func read() throws(StateFileFlaw) -> Contents {
        self.end.withLock { $0 = nil }
        let bytes = try TrustedFile.read(wholePath, atMost: Limits.stateFileBytes)
        guard let (content, generation) = format.content(of: bytes) else { throw .damaged }
        var end = End(generation: generation, wholeBytes: bytes.count)
        var found = StateFileFormat.Changes()
        var isReadable = true
        do throws(StateFileFlaw) {
            let journal = try TrustedFile.read(journalPath, atMost: Limits.stateFileBytes)
            if let changes = format.changes(of: journal, generation: generation) {
                found = changes
                end.journalBytes = journal.count
                end.changes = changes.changes.count
            }
        } catch {
            // Without a journal nothing has changed since; one that cannot be trusted says nothing.
            isReadable = error == .absent
        }
        if isReadable, !found.isCut { self.end.withLock { $0 = end } }
        return Contents(whole: content, changes: found.changes, isCut: found.isCut || !isReadable)
    }

    private func add(_ changes: [[UInt8]]) throws(StateFileFlaw) {
        guard var end = self.end.withLock({ $0 }) else { throw .notContinuable }
        self.end.withLock { $0 = nil }
        let head = format.journalHead(generation: end.generation)
        var bytes: [UInt8] = []
        for (index, change) in changes.enumerated() {
            bytes += format.change(change, generation: end.generation, number: end.changes + index)
        }
        if let size = end.journalBytes {
            try TrustedFile.append(bytes, to: journalPath, head: head, size: size)
            end.journalBytes = size + bytes.count
        } else {
            try TrustedFile.replace(journalPath, with: head + bytes)
            end.journalBytes = head.count + bytes.count
        }
        end.changes += changes.count
        self.end.withLock { [end] in $0 = end }
    }

    private func onThread<Value: Sendable>(
        _ work: @escaping @Sendable () throws(StateFileFlaw) -> Value
    ) async -> Result<Value, StateFileFlaw> {
        await DetachedThread.run("poolgate-disk") { () -> Result<Value, StateFileFlaw> in
            do throws(StateFileFlaw) { return .success(try work()) } catch { return .failure(error) }
        } ?? .failure(.system(EAGAIN))
    }
}

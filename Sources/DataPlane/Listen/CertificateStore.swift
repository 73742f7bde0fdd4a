import HTTPMessage
import NIOCore
import NIOSSL
import Platform
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What the certificates' folder holds now: read again as its files change, for connections to come.
///
/// A class, because all loops choose from it while it is replaced; touched once a connection.
final class CertificateStore: Sendable {
    private let folder: String
    /// What is offered by ALPN (RFC 7301), what is wanted most first.
    private let applicationProtocols: [String]
    private let notice: @Sendable (CertificateNotice) -> Void
    private let state = Mutex(State())

    private struct State {
        /// In the order of their names.
        var pairs: [CertificatePair] = []
        var choice = CertificateChoice([])
        /// When it was said last of a pair that it is shown though it is not valid; no more of them than pairs.
        var told: [String: NIODeadline] = [:]
        /// What was tried last for each name, so that a broken pair is reported once.
        var tried: [String: Attempt] = [:]
        var isFolderLost = false
    }

    init(
        folder: String, applicationProtocols: [String],
        notice: @escaping @Sendable (CertificateNotice) -> Void
    ) {
        self.folder = folder
        self.applicationProtocols = applicationProtocols
        self.notice = notice
    }

    /// The pair for the name that a client asks for, or without one for the address that it connected to, 4 or 16 bytes
    /// in network order; `now` in seconds since 1970.
    func pair(for name: String?, address: [UInt8]?, at now: Int64 = CertificateStore.now) -> CertificatePair?
    {
        var asked = name.map { $0.utf8.map(ASCII.lowered) }
        if asked?.last == 0x2E { asked?.removeLast() }
        let (pair, isNews) = state.withLock { state -> (CertificatePair?, Bool) in
            guard let index = state.choice.best(for: asked, address: address, at: now) else {
                return (nil, false)
            }
            let pair = state.pairs[index]
            guard !pair.isValid(at: now) else { return (pair, false) }
            let time = NIODeadline.now()
            if let last = state.told[pair.name], time - last < Limits.certificateReminder {
                return (pair, false)
            }
            state.told[pair.name] = time
            return (pair, true)
        }
        if let pair, isNews {
            notice(.shownThoughInvalid(name: pair.name, from: pair.validFrom, until: pair.validUntil))
        }
        return pair
    }

    /// Every pair that can be served, in the order of their names.
    var pairs: [CertificatePair] { state.withLock { $0.pairs } }

    private static var now: Int64 { WallClock.nanoseconds / 1_000_000_000 }

    /// Looks at the folder again; blocks, so it never runs on a loop. A pair that cannot be read leaves the one before
    /// in its place, and a folder that cannot be listed, such as for want of descriptors, all of them. Says how many
    /// pairs there are.
    @discardableResult
    func reload() -> Int {
        let (old, tried, wasLost) = state.withLock { ($0.pairs, $0.tried, $0.isFolderLost) }
        guard let marks = CertificateStore.marks(in: folder) else {
            if !wasLost { notice(.folderLost(folder: folder, reason: String(cString: strerror(errno)))) }
            state.withLock { $0.isFolderLost = true }
            return old.count
        }
        var pairs: [CertificatePair] = []
        var attempts: [String: Attempt] = [:]
        for (name, mark) in marks.sorted(by: { $0.key < $1.key }) {
            let previous = old.first { $0.name == name }
            let (pair, attempt) = load(name, mark, after: tried[name], previous)
            attempts[name] = attempt
            if let pair { pairs.append(pair) }
        }
        let (kept, done) = (pairs, attempts)
        let choice = CertificateChoice(pairs.map(\.candidate))
        state.withLock {
            $0.pairs = kept
            $0.choice = choice
            $0.tried = done
            $0.isFolderLost = false
            $0.told = $0.told.filter { done[$0.key]?.mark == tried[$0.key]?.mark && done[$0.key] != nil }
        }
        return kept.count
    }

    /// The pair to serve, and what is remembered of trying it.
    private func load(
        _ name: String, _ mark: FileMark, after last: Attempt?, _ previous: CertificatePair?
    ) -> (CertificatePair?, Attempt) {
        if let last, last.mark == mark, last.flaw == nil || last.again > .now() { return (previous, last) }
        do {
            if let flaw = CertificateStore.flaw(of: name, in: folder) { throw flaw }
            let pair = try CertificatePair(
                name: name, folder: folder, applicationProtocols: applicationProtocols)
            notice(.loaded(name: name, hosts: pair.names.texts))
            return (pair, Attempt(mark: mark, flaw: nil, again: .now()))
        } catch {
            let flaw = "\(error)"
            if last?.mark != mark || last?.flaw != flaw { notice(.refused(name: name, reason: flaw)) }
            return (previous, Attempt(mark: mark, flaw: flaw, again: .now() + Limits.certificateRetry))
        }
    }

    /// What came of a pair's files; one that failed is tried again, for the reason may lie with the system.
    private struct Attempt {
        let mark: FileMark
        let flaw: String?
        let again: NIODeadline
    }

    /// What tells one content of a pair's two files from another.
    private struct FileMark: Equatable {
        let certificate: [Int64]
        /// Nil where there is none.
        let key: [Int64]?
    }

    /// Why a pair cannot be read at all, in words that say what to do.
    private struct Flaw: Error, CustomStringConvertible {
        let description: String
    }

    private static func flaw(of name: String, in folder: String) -> Flaw? {
        for file in ["\(name).crt", "\(name).key"] where access("\(folder)/\(file)", R_OK) != 0 {
            return errno == ENOENT
                ? Flaw(description: "there is no \(file) beside it")
                : Flaw(description: "\(file) cannot be read: \(String(cString: strerror(errno)))")
        }
        return nil
    }

    /// Every `NAME` whose `NAME.crt` stands in the folder; nil where that cannot be listed, and `errno` says why.
    private static func marks(in folder: String) -> [String: FileMark]? {
        guard let directory = opendir(folder) else { return nil }
        defer { closedir(directory) }
        var marks: [String: FileMark] = [:]
        while let entry = readdir(directory) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard file.hasSuffix(".crt") else { continue }
            let name = String(file.dropLast(4))
            guard let certificate = mark("\(folder)/\(file)"), marks.count < Limits.certificatePairs else {
                continue
            }
            marks[name] = FileMark(certificate: certificate, key: mark("\(folder)/\(name).key"))
        }
        return marks
    }

    private static func mark(_ path: String) -> [Int64]? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return [
            Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec), Int64(status.st_size),
            Int64(bitPattern: UInt64(status.st_ino)),
        ]
    }
}

/// What happened to a pair of the certificates' folder.
package enum CertificateNotice: Sendable {
    /// It serves new connections; the names and addresses that it covers.
    case loaded(name: String, hosts: [String])
    /// It cannot be used; the pair before it, where there was one, stays.
    case refused(name: String, reason: String)
    /// The folder cannot be listed; the pairs that were read before stay.
    case folderLost(folder: String, reason: String)
    /// Clients are shown it though it is not valid now, for no other covers what they ask for; seconds since 1970.
    case shownThoughInvalid(name: String, from: Int64, until: Int64)
}

/// One certificate with its key, ready for handshakes.
final class CertificatePair: Sendable {
    let name: String
    let names: CertificateNames
    let context: NIOSSLContext
    /// Seconds since 1970.
    let validFrom: Int64
    let validUntil: Int64

    var candidate: CertificateChoice.Candidate {
        CertificateChoice.Candidate(name: name, names: names, validFrom: validFrom, validUntil: validUntil)
    }

    func isValid(at now: Int64) -> Bool { candidate.isValid(at: now) }

    /// Reads `NAME.crt` (a chain, the server's own first) and `NAME.key`, both PEM.
    init(name: String, folder: String, applicationProtocols: [String]) throws {
        let chain = try NIOSSLCertificate.fromPEMFile("\(folder)/\(name).crt")
        let key = try NIOSSLPrivateKey(file: "\(folder)/\(name).key", format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = applicationProtocols
        self.name = name
        self.names = CertificateNames(chain.first)
        self.validFrom = chain.first.map { Int64($0.notValidBefore) } ?? .min
        self.validUntil = chain.first.map { Int64($0.notValidAfter) } ?? .max
        self.context = try NIOSSLContext(configuration: configuration)
    }
}

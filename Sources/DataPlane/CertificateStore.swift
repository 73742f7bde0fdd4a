import NIOCore
import NIOSSL
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
    private let notice: @Sendable (CertificateNotice) -> Void
    private let state = Mutex(State())

    private struct State {
        /// In the order of their names.
        var pairs: [CertificatePair] = []
        /// What was tried last for each name, so that a broken pair is reported once.
        var tried: [String: FileMark] = [:]
    }

    init(folder: String, notice: @escaping @Sendable (CertificateNotice) -> Void) {
        self.folder = folder
        self.notice = notice
    }

    /// The pair for the name that a client asks for: one whose certificate covers it, else the one called `default`,
    /// else the first.
    func pair(for name: String?) -> CertificatePair? {
        state.withLock { state in
            let asked = name.map { $0.utf8.map(CertificateNames.lowered) }
            if let asked {
                if let exact = state.pairs.first(where: { $0.names.holds(asked) }) { return exact }
                if let covering = state.pairs.first(where: { $0.names.cover(asked) }) { return covering }
            }
            return state.pairs.first { $0.name == "default" } ?? state.pairs.first
        }
    }

    /// Looks at the folder again; blocks, so it never runs on a loop. A pair that cannot be read leaves the one before
    /// in its place. Says how many pairs there are.
    @discardableResult
    func reload() -> Int {
        let (old, tried) = state.withLock { ($0.pairs, $0.tried) }
        let marks = CertificateStore.marks(in: folder)
        var pairs: [CertificatePair] = []
        for (name, mark) in marks.sorted(by: { $0.key < $1.key }) {
            let previous = old.first { $0.name == name }
            if tried[name] == mark {
                if let previous { pairs.append(previous) }
                continue
            }
            do {
                let pair = try CertificatePair(name: name, folder: folder)
                pairs.append(pair)
                notice(.loaded(name: name, hosts: pair.names.texts))
            } catch {
                notice(.refused(name: name, reason: "\(error)"))
                if let previous { pairs.append(previous) }
            }
        }
        let kept = pairs
        state.withLock {
            $0.pairs = kept
            $0.tried = marks
        }
        return kept.count
    }

    /// What tells one content of a pair's two files from another.
    private struct FileMark: Equatable {
        let certificate: [Int64]
        let key: [Int64]
    }

    /// Every `NAME` whose `NAME.crt` and `NAME.key` both stand in the folder.
    private static func marks(in folder: String) -> [String: FileMark] {
        guard let directory = opendir(folder) else { return [:] }
        defer { closedir(directory) }
        var marks: [String: FileMark] = [:]
        while let entry = readdir(directory) {
            let file = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard file.hasSuffix(".crt") else { continue }
            let name = String(file.dropLast(4))
            guard let certificate = mark("\(folder)/\(file)"), let key = mark("\(folder)/\(name).key") else {
                continue
            }
            marks[name] = FileMark(certificate: certificate, key: key)
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
    /// It serves new connections; the DNS names that it covers.
    case loaded(name: String, hosts: [String])
    /// It cannot be used; the pair before it, where there was one, stays.
    case refused(name: String, reason: String)
}

/// One certificate with its key, ready for handshakes.
final class CertificatePair: Sendable {
    let name: String
    let names: CertificateNames
    let context: NIOSSLContext

    /// Reads `NAME.crt` (a chain, the server's own first) and `NAME.key`, both PEM.
    init(name: String, folder: String) throws {
        let chain = try NIOSSLCertificate.fromPEMFile("\(folder)/\(name).crt")
        let key = try NIOSSLPrivateKey(file: "\(folder)/\(name).key", format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        self.name = name
        self.names = CertificateNames(chain.first)
        self.context = try NIOSSLContext(configuration: configuration)
    }
}

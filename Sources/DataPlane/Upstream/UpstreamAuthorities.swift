import Gatekeeper
import NIOCore
import NIOSSL
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// By what `https` upstreams are verified: the system's roots, or the CA files of a folder, each by its name.
///
/// A class, because all loops share the contexts that it made. A file is looked at again after a while, so that a
/// new one needs no restart.
final class UpstreamAuthorities: Sendable {
    /// Why there is no context.
    enum Failure: Error {
        /// The row names a file, and there is no folder or no such file.
        case unknown
        /// The file holds no certificate.
        case unreadable
    }

    private let known: Store
    private let work: BlockingWork<Asked, NIOSSLContext>

    /// Which context is asked for.
    struct Asked: Hashable, Sendable {
        /// The file of authorities; nil for the system's roots.
        let name: String?
        /// Whether the upstream is to speak HTTP/2 (ALPN, RFC 7301).
        let isHTTP2: Bool
    }

    private struct Entry {
        let context: NIOSSLContext
        var lookAgain: NIODeadline
        /// When the file was changed last, in nanoseconds; 0 for the system's roots.
        let changed: Int64
    }

    /// What was made so far, at most two for each file and for the system's roots.
    ///
    /// A class, because the threads that make contexts keep them there, too.
    private final class Store: Sendable {
        let entries = Mutex<[Asked: Entry]>([:])
    }

    init(folder: String?) {
        let known = Store()
        self.known = known
        self.work = BlockingWork { asked in
            Result { try UpstreamAuthorities.load(asked, in: folder, known) }
        }
    }

    /// The context for such connections: the one that is there, also while its file is looked at again, or else the one that is made for the request of `tenant`.
    ///
    /// Whoever waits brings a clock along.
    func context(
        _ asked: Asked, tenant: HostPattern?, on loop: any EventLoop
    ) -> EventLoopFuture<NIOSSLContext> {
        if let entry = known.entries.withLock({ $0[asked] }) {
            return loop.makeSucceededFuture(entry.context)
        }
        return work.value(of: asked, for: tenant, on: loop)
    }

    /// Has the files looked at again whose time has come; called at each tick of a loop's clock.
    func keepCurrent(on loop: any EventLoop) {
        let now = NIODeadline.now()
        let due = known.entries.withLock { entries in
            let due = entries.filter { $0.key.name != nil && $0.value.lookAgain <= now }.map(\.key)
            for asked in due { entries[asked]?.lookAgain = now + Limits.authorityAge }
            return due
        }
        for asked in due { _ = work.value(of: asked, for: nil, on: loop) }
    }

    /// Reads the file and makes a context, off the loops. One that was good stays where its file cannot be read any
    /// longer, as while it is written, and goes where there is no file.
    private static func load(_ asked: Asked, in folder: String?, _ known: Store) throws -> NIOSSLContext {
        let previous = known.entries.withLock { $0[asked] }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [asked.isHTTP2 ? "h2" : "http/1.1"]
        var changed: Int64 = 0
        if let name = asked.name {
            let path = "\(folder ?? "")/\(name).pem"
            var status = stat()
            guard folder != nil, stat(path, &status) == 0 else {
                known.entries.withLock { $0[asked] = nil }
                throw Failure.unknown
            }
            changed = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
            if let previous, previous.changed == changed { return previous.context }
            // Anything but a file of a reasonable size could keep this thread for ever.
            guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= Limits.authorityBytes,
                let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty
            else { throw Failure.unreadable }
            configuration.trustRoots = .certificates(certificates)
        }
        let entry = Entry(
            context: try NIOSSLContext(configuration: configuration),
            lookAgain: .now() + Limits.authorityAge, changed: changed)
        known.entries.withLock { $0[asked] = entry }
        return entry.context
    }
}

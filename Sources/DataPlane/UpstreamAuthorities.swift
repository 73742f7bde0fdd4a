import NIOCore
import NIOPosix
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

    private let folder: String?
    private let known = Mutex<[String?: Entry]>([:])

    private struct Entry {
        let context: NIOSSLContext
        let lookAgain: NIODeadline
        /// When the file was changed last, in nanoseconds; 0 for the system's roots.
        let changed: Int64
    }

    init(folder: String?) {
        self.folder = folder
    }

    /// The context for connections verified by the authority called `name`, or by the system's roots.
    func context(for name: String?, on loop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        let entry = known.withLock { $0[name] }
        if let entry, entry.lookAgain > .now() { return loop.makeSucceededFuture(entry.context) }
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) { [self] in
            try load(name, unless: entry).context
        }
    }

    /// Reads the file, off the loops.
    private func load(_ name: String?, unless previous: Entry?) throws -> Entry {
        let lookAgain = NIODeadline.now() + Limits.authorityAge
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        var changed: Int64 = 0
        if let name {
            guard let folder else { throw Failure.unknown }
            let path = "\(folder)/\(name).pem"
            var status = stat()
            guard stat(path, &status) == 0 else { throw Failure.unknown }
            changed = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
            if let previous, previous.changed == changed {
                return keep(Entry(context: previous.context, lookAgain: lookAgain, changed: changed), name)
            }
            guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
                throw Failure.unreadable
            }
            configuration.trustRoots = .certificates(certificates)
        } else if let previous {
            return keep(Entry(context: previous.context, lookAgain: lookAgain, changed: 0), name)
        }
        return keep(
            Entry(
                context: try NIOSSLContext(configuration: configuration), lookAgain: lookAgain,
                changed: changed),
            name)
    }

    private func keep(_ entry: Entry, _ name: String?) -> Entry {
        known.withLock { $0[name] = entry }
        return entry
    }
}

import HTTPMessage
import Synchronization

/// What a folder of certificates holds, read once as the listener reads it. For `poolgate check`.
package struct CertificateInspection: Sendable {
    private let store: CertificateStore
    /// The pairs that cannot be used, with the reason of each as a sentence without its full stop.
    package let unusable: [(name: String, reason: String)]
    /// Why the folder cannot be listed; nil where it can.
    package let folderFlaw: String?

    /// A pair that can be used.
    package struct Pair: Sendable {
        /// The name of its two files, without their endings.
        package let name: String
        /// The names and addresses that it covers, sorted.
        package let hosts: [String]
        /// When it becomes valid, in seconds since 1970.
        package let validFrom: Int64
        /// When it ceases to be valid, in seconds since 1970.
        package let validUntil: Int64
    }

    /// Reads the folder; blocks.
    package init(folder: String) {
        let told = Told()
        let store = CertificateStore(folder: folder, applicationProtocols: ["http/1.1"]) { told.take($0) }
        store.reload()
        self.store = store
        (unusable, folderFlaw) = told.all
    }

    /// The pairs that can be used, by their names.
    package var pairs: [Pair] {
        store.pairs.map { pair in
            Pair(
                name: pair.name, hosts: pair.names.texts, validFrom: pair.validFrom,
                validUntil: pair.validUntil)
        }
    }

    /// Whether a pair covers a host, or for a row of `*.name` every host that is one label below the name.
    package func covers(_ host: String) -> Bool {
        let name = host.utf8.map(ASCII.lowered)
        return store.pairs.contains { pair in
            host.hasPrefix("*.")
                ? pair.names.suffixes.contains(Array(name.dropFirst())) : pair.names.cover(name)
        }
    }

    /// What the store says while it reads. A class, because the store calls a closure.
    private final class Told: Sendable {
        private let told = Mutex<(unusable: [(name: String, reason: String)], folder: String?)>(([], nil))

        var all: (unusable: [(name: String, reason: String)], folder: String?) { told.withLock { $0 } }

        func take(_ notice: CertificateNotice) {
            switch notice {
            case .refused(let name, let reason): told.withLock { $0.unusable.append((name, reason)) }
            case .folderLost(_, let reason): told.withLock { $0.folder = reason }
            case .loaded, .shownThoughInvalid: break
            }
        }
    }
}

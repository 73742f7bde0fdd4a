import HTTPMessage

/// What the `host` column of a row names: one host, or every host below a name.
package enum HostPattern: Hashable, Sendable, CustomStringConvertible {
    /// One host.
    case exact(Host)
    /// `*.name`: every host below `name`, at any depth, and not `name` itself.
    case below(Host)

    /// Parses `host` or `*.host`, the host being canonical; nil for anything else.
    package init?(_ text: String) {
        if text.utf8.starts(with: [UInt8(ascii: "*"), ASCII.dot]) {
            guard let host = Host(exact: String(text.dropFirst(2))) else { return nil }
            self = .below(host)
        } else {
            guard let host = Host(exact: text) else { return nil }
            self = .exact(host)
        }
    }

    /// As a row writes it.
    package var description: String {
        switch self {
        case .exact(let host): host.description
        case .below(let host): "*." + host.description
        }
    }
}

import Gatekeeper
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Names of upstreams made addresses, once for all who wait, off the loops: `getaddrinfo` blocks, for half a minute
/// where a name server says nothing.
///
/// A class, because all loops share its lookups.
final class UpstreamResolver: Sendable {
    enum Failure: Error {
        case unresolvable
        case forbidden
    }

    private let policy: UpstreamAddressPolicy
    /// Addresses as text, without a port.
    private let lookups = BlockingWork<String, [String]> { name in
        let found = UpstreamResolver.lookUp(name)
        return found.isEmpty ? .failure(Failure.unresolvable) : .success(found)
    }

    init(policy: UpstreamAddressPolicy) {
        self.policy = policy
    }

    /// The addresses of `origin` that upstreams may have, in the system's order: for a request of `tenant`, or without
    /// one to follow a name that moves. Whoever waits brings a clock along.
    func addresses(
        of origin: Origin, for tenant: HostPattern?, on loop: any EventLoop
    ) -> EventLoopFuture<[SocketAddress]> {
        if let literal = try? SocketAddress(ipAddress: origin.host, port: origin.port) {
            return loop.makeCompletedFuture { try admissible([literal]) }
        }
        return lookups.value(of: origin.host, for: tenant, on: loop).flatMapThrowing { [self] found in
            try admissible(found.compactMap { try? SocketAddress(ipAddress: $0, port: origin.port) })
        }
    }

    private func admissible(_ addresses: [SocketAddress]) throws -> [SocketAddress] {
        guard !addresses.isEmpty else { throw Failure.unresolvable }
        let allowed = addresses.filter(policy.allows)
        guard !allowed.isEmpty else { throw Failure.forbidden }
        return allowed
    }

    private static func lookUp(_ name: String) -> [String] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let info = entry?.pointee {
            if let text = numericHost(info) { addresses.append(text) }
            entry = info.ai_next
        }
        return addresses
    }

    private static func numericHost(_ info: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                == 0
        else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

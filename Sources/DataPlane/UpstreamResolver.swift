import Gatekeeper
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Names of upstreams made addresses, off the loops, since `getaddrinfo` blocks.
struct UpstreamResolver: Sendable {
    enum Failure: Error {
        case unresolvable
        case forbidden
    }

    let policy: UpstreamAddressPolicy

    /// The addresses of `origin` that upstreams may have, in the system's order.
    func addresses(of origin: Origin, on loop: any EventLoop) -> EventLoopFuture<[SocketAddress]> {
        if let literal = try? SocketAddress(ipAddress: origin.host, port: origin.port) {
            return loop.makeCompletedFuture { try admissible([literal]) }
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try admissible(UpstreamResolver.lookUp(origin.host, port: origin.port))
        }
    }

    private func admissible(_ addresses: [SocketAddress]) throws -> [SocketAddress] {
        guard !addresses.isEmpty else { throw Failure.unresolvable }
        let allowed = addresses.filter(policy.allows)
        guard !allowed.isEmpty else { throw Failure.forbidden }
        return allowed
    }

    private static func lookUp(_ name: String, port: Int) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee {
            if let text = numericHost(info), let address = try? SocketAddress(ipAddress: text, port: port) {
                addresses.append(address)
            }
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

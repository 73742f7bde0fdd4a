import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Sockets of this machine that listen for TCP connections, as the kernel's socket diagnostics tell them (sock_diag(7)).
package enum ListeningSockets {
    /// The inodes of all that listen on the port, for IPv4 and IPv6, at most `Limits.listenersOnPort` of each; none where
    /// the kernel does not tell.
    package static func inodes(on port: UInt16) -> [UInt32] {
        [AF_INET, AF_INET6].flatMap { family in
            var inodes = [UInt32](repeating: 0, count: Limits.listenersOnPort)
            let count = poolgate_listening_inodes(
                UInt8(truncatingIfNeeded: family), port, &inodes, Int32(Limits.listenersOnPort))
            return Array(inodes.prefix(Int(max(0, count))))
        }
    }
}

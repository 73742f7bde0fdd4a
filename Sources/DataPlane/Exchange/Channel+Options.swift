import CLinux
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension Channel {
    /// Has the kernel ask an idle peer whether it is still there: a WebSocket may be silent for hours.
    func watchForSilence() {
        guard let options = syncOptions else { return }
        try? options.setOption(.socketOption(.so_keepalive), value: 1)
        try? options.setOption(
            .tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: .init(Limits.keepAliveIdleSeconds))
    }

    /// Bytes written that the socket did not take yet.
    var unsentBytes: Int { (try? syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }

    /// Makes the close that follows a reset, by which the peer knows that what it got is not whole.
    func resetOnClose() {
        guard let socket = self as? any SocketOptionProvider else { return }
        _ = socket.unsafeSetSocketOption(
            level: .socket, name: .so_linger, value: poolgate_reset_on_close())
    }
}

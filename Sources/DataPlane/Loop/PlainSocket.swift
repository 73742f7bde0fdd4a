import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The socket of a connection without TLS, written to without the channel's queue of writes.
///
/// A write through SwiftNIO's pipeline costs about 2,800 instructions and 50 reference counts (`ops/bench/instructions`); the
/// system call needs 85. What the socket does not take at once is the channel's to write, so the channel alone waits for
/// writability, and it alone meets a write's error and closes the connection.
///
/// Three rules make this safe; all calls are made on the channel's event loop.
/// - Order: while the channel holds unwritten bytes of an earlier call, everything else is written through the channel too
///   (`Outbox.isBehind` says so).
/// - The descriptor: the number may belong to another connection once the channel has closed it. SwiftNIO marks a channel
///   inactive before it calls out to anybody after closing its descriptor, so an active channel's number is its own.
/// - TLS: the owner makes one of these only where no handler in the pipeline changes what is written.
struct PlainSocket {
    private let channel: any Channel
    private let descriptor: CInt

    /// Nil where the channel has no socket, as in tests.
    init?(_ channel: any Channel) {
        let descriptor = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(
            of: NIOBSDSocket.Handle.self
        ) { $0 }
        guard let descriptor, descriptor >= 0 else { return nil }
        self.channel = channel
        self.descriptor = descriptor
    }

    /// Sends from the front of `bytes` what the socket takes now, and leaves the rest in it: everything, where the socket
    /// takes nothing or there is an error.
    func deliver(_ bytes: inout ByteBuffer) {
        guard channel.isActive else { return }
        let count = bytes.withUnsafeReadableBytes {
            Int(send(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)))
        }
        if count > 0 { bytes.moveReaderIndex(forwardBy: count) }
    }
}

import CLinux

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Datagrams to sockets of this machine (unix(7)).
package enum LocalDatagram {
    /// Why a datagram was not sent.
    package struct Failure: Error, Equatable, Sendable, CustomStringConvertible {
        /// The system's number of the error (errno(3)).
        package let number: Int32

        /// The system's words for it.
        package var description: String { String(cString: strerror(number)) }

        /// Whether the same datagram may go through a little later: the receiver has not yet read what came before.
        package var isPassing: Bool { number == EAGAIN || number == ENOBUFS || number == EINTR }
    }

    /// Sends `text` to the socket at `path`, whose first character is `@` for a name in the abstract namespace. Never
    /// waits. Throws where nobody receives there, the path is empty or longer than a socket's may be, or the receiver's
    /// queue is full.
    package static func send(_ text: String, to path: String) throws(Failure) {
        let number = poolgate_send_datagram(path, path.utf8.count, text, text.utf8.count)
        guard number == 0 else { throw Failure(number: number) }
    }
}

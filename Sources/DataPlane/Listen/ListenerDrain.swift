import CLinux
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The end of a listener that loses no request: closing a listener at once resets the connections that wait in its
/// backlog to be accepted, with the requests that their clients have sent already.
///
/// So the kernel is first told to drop every segment that asks for a new connection (SYN); whoever sends one tries again
/// a little later and is refused then, upon which a load balancer goes to another replica. Then the backlog is accepted
/// empty, and only then the listener closes.
enum ListenerDrain {
    /// Closes the listeners once their backlogs are empty, and after `Limits.backlogLooks` looks in any case. Where the
    /// kernel takes no filter, newcomers keep coming until then.
    static func close(_ listeners: [any Channel]) async {
        for listener in listeners { try? await dropNewConnections(at: listener) }
        for _ in 0..<Limits.backlogLooks {
            try? await Task.sleep(for: Limits.backlogPause)
            var waiting = 0
            for listener in listeners { waiting += (try? await backlog(of: listener)) ?? 0 }
            if waiting == 0 { break }
        }
        for listener in listeners { try? await listener.close() }
    }

    private static func dropNewConnections(at listener: any Channel) async throws {
        guard let socket = listener as? any SocketOptionProvider else { return }
        try await socket.unsafeSetSocketOption(
            level: .socket, name: .init(rawValue: SO_ATTACH_FILTER),
            value: poolgate_filter_without_new_connections()
        ).get()
    }

    /// How many connections wait to be accepted: of a listening socket, TCP_INFO tells that as `tcpi_unacked`.
    private static func backlog(of listener: any Channel) async throws -> Int {
        guard let socket = listener as? any SocketOptionProvider else { return 0 }
        return Int(try await socket.getTCPInfo().get().tcpi_unacked)
    }
}

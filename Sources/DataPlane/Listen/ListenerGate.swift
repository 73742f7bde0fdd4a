import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The end of a listener that loses nobody: closing it resets whoever stands in its backlog, requests sent included.
///
/// So newcomers are kept out first, by a filter of the kernel that drops their SYN; they try again and are refused,
/// which every balancer may answer by going elsewhere. Then the backlog empties, and only then the listener closes.
enum ListenerGate {
    /// Closes the listeners once their backlogs are empty; where the kernel allows no filter, all the same.
    static func close(_ listeners: [any Channel]) async {
        for listener in listeners { try? await keepOut(listener) }
        for _ in 0..<Limits.backlogLooks {
            try? await Task.sleep(for: Limits.backlogPause)
            var waiting = 0
            for listener in listeners { waiting += (try? await backlog(listener)) ?? 0 }
            if waiting == 0 { break }
        }
        for listener in listeners { try? await listener.close() }
    }

    private static func keepOut(_ listener: any Channel) async throws {
        guard let socket = listener as? any SocketOptionProvider else { return }
        try await socket.unsafeSetSocketOption(
            level: .socket, name: .init(rawValue: SO_ATTACH_FILTER), value: SynFilter.program
        ).get()
    }

    /// How many wait to be accepted.
    private static func backlog(_ listener: any Channel) async throws -> Int {
        guard let socket = listener as? any SocketOptionProvider else { return 0 }
        return Int(try await socket.getTCPInfo().get().tcpi_unacked)
    }
}

/// The filter that drops every segment which asks for a connection, as `SO_ATTACH_FILTER` takes it (socket(7)).
private struct SynFilter: Sendable {
    let count: UInt16
    /// Where the instructions stand; they stay there as long as the process lives.
    let address: UInt

    /// BPF over the TCP header (RFC 9293 §3.1), whose flags stand in byte 13, SYN being 2. Each instruction is eight
    /// bytes: code (16 bits), where to go if true and if not (8 each), operand (32), as linux/filter.h lays them out.
    static let program: SynFilter = {
        let instructions: [UInt64] = [
            instruction(0x30, 13),  // load byte 13
            instruction(0x45, 2, ifNot: 1),  // any bit of 2 set?
            instruction(0x06, 0),  // drop
            instruction(0x06, .max),  // keep all of it
        ]
        let kept = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: instructions.count)
        _ = kept.initialize(from: instructions)
        return SynFilter(count: UInt16(instructions.count), address: UInt(bitPattern: kept.baseAddress))
    }()

    private static func instruction(_ code: UInt16, _ operand: UInt32, ifNot: UInt8 = 0) -> UInt64 {
        UInt64(code) | UInt64(ifNot) << 24 | UInt64(operand) << 32
    }
}

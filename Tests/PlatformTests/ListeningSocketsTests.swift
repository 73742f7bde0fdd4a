import Glibc
import Testing

@testable import Platform

@Suite struct ListeningSocketsTests {
    @Test("A port that nobody listens on any more has no sockets")
    func nobody() throws {
        let listener = try #require(listening())
        let port = port(of: listener)
        close(listener)
        #expect(ListeningSockets.inodes(on: port) == [])
    }

    @Test("Whoever listens is found each time, while others begin and cease to listen")
    func amongOthers() async throws {
        let listener = try #require(listening())
        defer { close(listener) }
        var facts = stat()
        #expect(fstat(listener, &facts) == 0)
        let others = Task.detached {
            while !Task.isCancelled {
                for other in (0..<200).compactMap({ _ in listening() }) { close(other) }
            }
        }
        let port = port(of: listener)
        let looks = (0..<500).map { _ in ListeningSockets.inodes(on: port) }
        others.cancel()
        await others.value
        #expect(looks.filter { $0 != [UInt32(truncatingIfNeeded: facts.st_ino)] } == [])
    }
}

/// A socket that listens on a port of the system's choice, which it gets since it has no address (ip(7)).
private func listening() -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, listen(descriptor, 1) != 0 else { return descriptor < 0 ? nil : descriptor }
    close(descriptor)
    return nil
}

/// The port stands in bytes 2 and 3 of the address, in the network's order.
private func port(of descriptor: Int32) -> UInt16 {
    var address = [UInt8](repeating: 0, count: 128)
    var length = socklen_t(address.count)
    address.withUnsafeMutableBytes { bytes in
        _ = getsockname(descriptor, bytes.bindMemory(to: sockaddr.self).baseAddress, &length)
    }
    return UInt16(address[2]) << 8 | UInt16(address[3])
}

import NIOCore
import Testing

@testable import DataPlane

/// Pieces for a peer that reads slowly.
@Suite struct OutboxTests {
    @Test("While a socket is behind, pieces of any size leave in order and in few writes")
    func joined() {
        var random = SystemRandomNumberGenerator()
        for longest in [1, 2, 100, 5_000, 40_000] {
            var outbox = Outbox()
            var (expected, sent): ([UInt8], [UInt8]) = ([], [])
            var writes = 0
            outbox.fellBehind()
            while expected.count < 200_000 {
                let piece = (0..<Int.random(in: 1...longest, using: &random)).map { _ in
                    UInt8.random(in: .min ... .max, using: &random)
                }
                expected += piece
                guard let write = outbox.add(ByteBuffer(bytes: piece)) else {
                    #expect(outbox.heldBytes < Limits.joinedWriteBytes)
                    continue
                }
                writes += 1
                sent += write.readableBytesView
            }
            #expect(writes <= expected.count / Limits.joinedWriteBytes + 1)
            if let rest = outbox.caughtUp() { sent += rest.readableBytesView }
            #expect(sent == expected)
            #expect(outbox.heldBytes == 0 && !outbox.isBehind)
        }
    }

    @Test("A socket that keeps up gets each piece as it is")
    func direct() {
        var outbox = Outbox()
        let piece = ByteBuffer(string: "abc")
        let (written, rest) = (outbox.add(piece), outbox.caughtUp())
        #expect(written == piece && rest == nil)
    }

    @Test(
        "The socket is looked at after each piece of a body, after every sixteenth head, and not while it is behind"
    )
    func looks() {
        var outbox = Outbox()
        let looksAtBody = outbox.shouldLook(isHead: false)
        let looks = (0..<Limits.uncheckedWrites).map { _ in outbox.shouldLook(isHead: true) }
        outbox.fellBehind()
        let looksBehind = outbox.shouldLook(isHead: false)
        #expect(looksAtBody && !looksBehind)
        #expect(looks == [Bool](repeating: false, count: Limits.uncheckedWrites - 1) + [true])
    }
}

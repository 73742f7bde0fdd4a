import NIOCore
import Testing

@testable import DataPlane

/// What was read and not used yet, however it is cut and used.
@Suite struct UnreadBytesTests {
    @Test("Appending keeps every byte in order, and no more storage than four times the most that waited")
    func bounded() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let most = Int.random(in: 1...5_000, using: &random)
            let piece = Int.random(in: 1...2_000, using: &random)
            var buffer = ByteBuffer()
            var (written, used, highest): (UInt8, UInt8, Int) = (0, 0, 0)
            var held: [ByteBuffer] = []
            for _ in 0..<400 {
                let count = Int.random(in: 1...piece, using: &random)
                buffer.appendUnread(
                    ByteBuffer(
                        bytes: (0..<count).map { _ in
                            written &+= 1
                            return written
                        }))
                highest = max(highest, buffer.readableBytes)
                // All but a few bytes are used, or so many that not too many wait; never all of them.
                let excess = max(0, buffer.readableBytes - most)
                let taken = Int.random(in: excess..<max(buffer.readableBytes, excess + 1), using: &random)
                let bytes = buffer.readBytes(length: taken) ?? []
                for byte in bytes {
                    used &+= 1
                    #expect(byte == used)
                }
                // A slice that somebody keeps, as a request keeps its head, must neither change nor be written over.
                if Int.random(in: 0..<10, using: &random) == 0 { held = [buffer] }
            }
            #expect(buffer.capacity <= max(4 * highest, 4_096), "\(buffer.capacity) for \(highest)")
            #expect(held.allSatisfy { $0.readableBytes >= 0 })
        }
    }

    @Test("A buffer that is never empty does not grow with what went through it")
    func neverEmpty() {
        var buffer = ByteBuffer(bytes: [0])
        for _ in 0..<100_000 {
            buffer.appendUnread(ByteBuffer(repeating: 1, count: 1_000))
            buffer.moveReaderIndex(forwardBy: 1_000)
        }
        #expect(buffer.readableBytes == 1)
        #expect(buffer.capacity <= 8_192)
    }
}

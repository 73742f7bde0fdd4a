import NIOCore
import Testing

@testable import DataPlane

/// What a connection's window does while uploads wait for their upstreams.
@Suite struct WaitingUploadsTests {
    @Test("What waits opens the connection's window at once, within the share and what is lent")
    func window() {
        var loan = LentBytes(share: 100, limit: 50)
        var uploads = WaitingUploads()
        #expect(uploads.add(100, &loan) == 100)
        #expect(loan.bytes == 0)
        #expect(uploads.add(50, &loan) == 50)
        #expect(loan.bytes == 50)
        #expect(uploads.add(10, &loan) == 0)
        #expect(uploads.bytes == 160 && uploads.owed == 10 && loan.bytes == 50)
    }

    @Test("What is taken, or given back by others, opens the window for what was owed")
    func settled() {
        var loan = LentBytes(share: 100, limit: 50)
        var uploads = WaitingUploads()
        var others = WaitingUploads()
        #expect(others.add(150, &loan) == 150)
        #expect(uploads.add(100, &loan) == 100)
        #expect(uploads.add(30, &loan) == 0)
        #expect(uploads.settle(&loan) == 0)
        #expect(uploads.remove(10, &loan) == 10)
        #expect(uploads.owed == 20)
        #expect(others.remove(150, &loan) == 0)
        #expect(uploads.settle(&loan) == 20)
        #expect(uploads.remove(120, &loan) == 0)
        #expect(uploads.bytes == 0 && uploads.owed == 0 && loan.bytes == 0)
    }

    @Test("Only beyond its share has a connection to make room, and only where nothing is left to lend")
    func overdrawn() {
        var loan = LentBytes(share: 100, limit: 50)
        var small = WaitingUploads()
        var large = WaitingUploads()
        _ = small.add(100, &loan)
        _ = large.add(120, &loan)
        #expect(!small.isOverdrawn(loan) && !large.isOverdrawn(loan))
        _ = large.add(30, &loan)
        #expect(!small.isOverdrawn(loan) && large.isOverdrawn(loan))
    }

    @Test("Whatever comes and goes, what is owed is part of what waits, and nothing stays lent")
    func anyOrder() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var loan = LentBytes(share: 100, limit: 300)
            var connections = [WaitingUploads](repeating: WaitingUploads(), count: 4)
            for _ in 0..<200 {
                let index = Int.random(in: 0..<4, using: &numbers)
                let count = Int.random(in: 1...80, using: &numbers)
                if Bool.random(using: &numbers) {
                    _ = connections[index].add(count, &loan)
                } else {
                    _ = connections[index].remove(min(count, connections[index].bytes), &loan)
                }
                let lent = connections.reduce(0) { $0 + max(0, $1.bytes - $1.owed - loan.share) }
                #expect(loan.bytes == lent)
                #expect(connections.allSatisfy { $0.owed >= 0 && $0.owed <= $0.bytes })
            }
            for index in 0..<4 { _ = connections[index].remove(connections[index].bytes, &loan) }
            #expect(loan.bytes == 0)
            #expect(connections.allSatisfy { $0.owed == 0 })
        }
    }
}

/// Payload that waits for a slow peer.
@Suite struct PayloadQueueTests {
    @Test("Small pieces that must wait are kept together, and come out in order")
    func smallPieces() {
        var queue = PayloadQueue()
        var expected: [UInt8] = []
        for index in 0..<20_000 {
            // Each is a byte of a read of its own.
            var read = ByteBuffer(repeating: 0, count: 2_048)
            read.setInteger(UInt8(truncatingIfNeeded: index), at: 7)
            expected.append(UInt8(truncatingIfNeeded: index))
            read.moveReaderIndex(to: 7)
            guard let piece = read.readSlice(length: 1) else { continue }
            queue.append(piece)
        }
        #expect(queue.bytes == 20_000)
        var pieces: [ByteBuffer] = []
        while let piece = queue.next(atMost: .max) { pieces.append(piece) }
        #expect(pieces.count <= 3)
        #expect(pieces.flatMap { Array($0.readableBytesView) } == expected)
        #expect(pieces.reduce(0) { $0 + $1.storageCapacity } <= 4 * 20_000)
    }
}

import NIOCore

/// Buffers that held heads, for the next ones: a loop reads from many sockets before it writes to any, so that it needs
/// many at once, and allocating one costs more than filling it.
///
/// Bounded in number (`Limits.spareBuffers`) and in size (`Limits.keptScratchBytes`).
struct SpareBuffers {
    private var buffers: [ByteBuffer] = []

    /// One whose storage nobody else holds, empty; one without storage where none is left.
    mutating func take() -> ByteBuffer {
        buffers.popLast() ?? ByteBuffer()
    }

    /// Keeps the storage of `buffer`, which is empty afterwards.
    mutating func keep(_ buffer: inout ByteBuffer) {
        guard buffer.capacity > 0 else { return }
        if buffers.count < Limits.spareBuffers, buffer.capacity <= Limits.keptScratchBytes {
            buffer.clear()
            buffers.append(buffer)
        }
        buffer = ByteBuffer()
    }
}

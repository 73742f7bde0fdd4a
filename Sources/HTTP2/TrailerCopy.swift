import CNGHTTP2

/// Trailers that are sent once the payload has left, with bytes of their own.
struct TrailerCopy {
    private var bytes: [UInt8] = []
    private var lengths: [(name: Int, value: Int, flags: UInt8)] = []

    init(_ fields: [nghttp2_nv]) {
        for field in fields {
            bytes.append(contentsOf: UnsafeBufferPointer(start: field.name, count: field.namelen))
            bytes.append(contentsOf: UnsafeBufferPointer(start: field.value, count: field.valuelen))
            lengths.append((field.namelen, field.valuelen, field.flags))
        }
    }

    func withFields(_ body: (UnsafeBufferPointer<nghttp2_nv>) -> Void) {
        var bytes = bytes
        bytes.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var offset = 0
            let fields = lengths.map { length in
                defer { offset += length.name + length.value }
                return nghttp2_nv(
                    name: base + offset, value: base + offset + length.name, namelen: length.name,
                    valuelen: length.value, flags: length.flags)
            }
            fields.withUnsafeBufferPointer(body)
        }
    }
}

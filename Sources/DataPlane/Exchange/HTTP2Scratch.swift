import HTTPMessage

/// Memory for what a head's values are written into; what does not fit is left empty, which a caller that counts right
/// never sees.
struct HTTP2Scratch {
    private var rest: UnsafeMutableRawBufferPointer

    init(_ memory: UnsafeMutableRawBufferPointer) {
        rest = memory
    }

    /// The value of a field, its folds written as single spaces.
    mutating func value(of field: HeadField, _ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let plain = UnsafeRawBufferPointer(rebasing: bytes[field.value.range])
        guard !field.isStrict, field.value.count <= rest.count else { return plain }
        let count = field.unfold(bytes, into: rest)
        return take(count)
    }

    /// A number in decimal digits.
    mutating func decimal(_ number: UInt64) -> UnsafeRawBufferPointer {
        written { $0.write(decimal: number) }
    }

    /// The name of a request.
    mutating func id(_ id: RequestID) -> UnsafeRawBufferPointer {
        written { id.write(into: &$0) }
    }

    private mutating func written(_ body: (inout HeadCursor) -> Void) -> UnsafeRawBufferPointer {
        take(HeadCursor.write(into: rest, body))
    }

    private mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        defer { rest = UnsafeMutableRawBufferPointer(rebasing: rest[count...]) }
        return UnsafeRawBufferPointer(rebasing: rest[..<count])
    }
}

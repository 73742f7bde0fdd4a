/// Header lines as an identity has them, each `Name: value` and CRLF, taken apart again.
package enum HeaderLines {
    /// Calls `body` with name and value of each line, as slices of `lines`. What is no such line is left out; the gateway
    /// writes none.
    package static func each(
        _ lines: UnsafeRawBufferPointer,
        _ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void
    ) {
        var start = 0
        while start < lines.count, let end = lines[start...].firstIndex(of: 0x0D) {
            let line = lines[start..<end]
            start = end + 2
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let value = line[(colon + 1)...].drop { $0 == 0x20 }
            body(UnsafeRawBufferPointer(rebasing: line[..<colon]), UnsafeRawBufferPointer(rebasing: value))
        }
    }
}

extension String {
    /// Bytes of unknown origin made fit for a log line: visible ASCII as it is, every other byte and `%`
    /// percent-encoded, cut after `maximumBytes`.
    init(escaping bytes: some Collection<UInt8>, maximumBytes: Int) {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = []
        for byte in bytes.prefix(maximumBytes) {
            if byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "%") {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        if bytes.count > maximumBytes { text += Array("...".utf8) }
        self = String(decoding: text, as: UTF8.self)
    }
}

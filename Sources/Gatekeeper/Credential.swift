/// What a request offers as proof of its caller: none, one or several are three different states.
package enum Credential {
    case none
    /// The bytes after `Bearer `; nothing about them is checked yet.
    case bearer(UnsafeRawBufferPointer)
    case several

    /// Reads the one `Authorization` field (RFC 6750 §2.1); other schemes are no credential to this gateway.
    package init(authorization value: UnsafeRawBufferPointer?, count: Int) {
        guard count <= 1 else {
            self = .several
            return
        }
        guard let value, value.count >= 6, Credential.isBearer(value) else {
            self = .none
            return
        }
        var start = 6
        while start < value.count, value[start] == ASCII.space { start += 1 }
        guard start > 6 || value.count == 6 else {
            self = .none
            return
        }
        self = .bearer(UnsafeRawBufferPointer(rebasing: value[start...]))
    }

    /// The scheme's name, letter case ignored (RFC 9110 §11.1).
    private static func isBearer(_ value: UnsafeRawBufferPointer) -> Bool {
        (value[0] | 0x20) == UInt8(ascii: "b") && (value[1] | 0x20) == UInt8(ascii: "e")
            && (value[2] | 0x20) == UInt8(ascii: "a") && (value[3] | 0x20) == UInt8(ascii: "r")
            && (value[4] | 0x20) == UInt8(ascii: "e") && (value[5] | 0x20) == UInt8(ascii: "r")
    }
}

import HTTPMessage
import Testing

/// How names are folded, on which the removal of identity headers rests.
@Suite struct CollapsedNameTests {
    @Test("Every byte folds to the small letter, the digit or the underscore that CGI makes of it")
    func bytes() {
        for byte in UInt8.min...UInt8.max {
            let scalar = Unicode.Scalar(byte)
            let isKept = byte < 128 && (scalar.properties.isAlphabetic || (0x30...0x39).contains(byte))
            let expected = isKept ? Array(String(scalar).lowercased().utf8)[0] : UInt8(ascii: "_")
            #expect(CollapsedName.fold(byte) == expected)
        }
    }

    @Test("Spellings that a service cannot tell apart fold to one name and one hash")
    func spellings() {
        let folded = Array("x_forwarded_user".utf8)
        for spelling in ["X-Forwarded-User", "x_forwarded-USER", "X.Forwarded!User"] {
            let name = Array(spelling.utf8)
            #expect(CollapsedName.hash(name) == CollapsedName.hash(folded))
            name.withUnsafeBytes {
                #expect(CollapsedName.folds($0, to: folded))
                #expect(CollapsedName.folded($0, atMost: 64) == folded)
                #expect(CollapsedName.folded($0, atMost: 3) == Array("x_f".utf8))
            }
        }
    }

    @Test("Names of other bytes or another length do not fold to it")
    func others() {
        let folded = Array("x_user".utf8)
        for other in ["x_use", "x_users", "y_user", ""] {
            Array(other.utf8).withUnsafeBytes { #expect(!CollapsedName.folds($0, to: folded)) }
        }
    }

    @Test("One look says what a byte folds to and whether a token may hold it")
    func table() {
        for byte in UInt8.min...UInt8.max {
            let folded = CollapsedName.foldedToken(byte)
            #expect(folded == (ByteScanner.isToken(byte) ? CollapsedName.fold(byte) : 0), "\(byte)")
        }
    }
}

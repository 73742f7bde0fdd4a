import HTTPMessage

/// A request's path: how it goes upstream, and how a service reads it, which is what rules are matched against.
///
/// Upstream goes a normal form: percent-encoded unreserved characters decoded, other encodings in upper case (RFC 3986
/// §6.2.2). Rules see the path wholly decoded, so that no spelling of it escapes its rule. What two parties could read
/// as two paths is refused (sql/README.md, "Rules by path").
package enum RequestPath: Equatable {
    /// Nothing in it is percent-encoded: upstream goes, and rules see, the path as it is written.
    case plain
    /// It goes upstream, or is read by rules, otherwise than it is written.
    case decoded(DecodedPath)
    /// It can be read in two ways, and this is why.
    case flaw(PathFlaw)

    /// Reads a path without its query. An empty one, and the asterisk of OPTIONS, are the root.
    package init(_ path: UnsafeRawBufferPointer) {
        if path.isEmpty || (path.count == 1 && path[0] == UInt8(ascii: "*")) {
            self = .decoded(DecodedPath(normal: [ASCII.slash], bytes: [ASCII.slash], again: nil))
        } else if RequestPath.isPlain(path) {
            self = .plain
        } else {
            self = RequestPath.slowly(path)
        }
    }

    /// Whether nothing in it needs a second look.
    private static func isPlain(_ path: UnsafeRawBufferPointer) -> Bool {
        var before: UInt8 = 0
        for byte in path {
            if byte == UInt8(ascii: "%") || byte == UInt8(ascii: "\\") || byte == UInt8(ascii: ";")
                || byte >= 0x80
            {
                return false
            }
            // Two slashes, or a segment that begins with a dot.
            if before == ASCII.slash, byte == ASCII.slash || byte == ASCII.dot { return false }
            before = byte
        }
        return path[0] == ASCII.slash
    }

    private static func slowly(_ path: UnsafeRawBufferPointer) -> RequestPath {
        guard path[0] == ASCII.slash else { return .flaw(.notAbsolute) }
        var decoded: [UInt8] = []
        var written: [UInt8] = []
        var index = 0
        while index < path.count {
            let byte = path[index]
            guard byte == UInt8(ascii: "%") else {
                if isForbidden(byte, encoded: false) { return .flaw(.forbiddenByte) }
                decoded.append(byte)
                written.append(byte)
                index += 1
                continue
            }
            guard index + 2 < path.count, let high = ASCII.hexValue(path[index + 1]),
                let low = ASCII.hexValue(path[index + 2])
            else { return .flaw(.badPercentEncoding) }
            let value = high << 4 | low
            if isForbidden(value, encoded: true) { return .flaw(.forbiddenByte) }
            decoded.append(value)
            if isUnreserved(value) {
                written.append(value)
            } else {
                written += [UInt8(ascii: "%"), ASCII.hexDigit(high), ASCII.hexDigit(low)]
            }
            index += 3
        }
        if hidesDelimiter(decoded) { return .flaw(.doubleEncoding) }
        if String(validating: decoded, as: UTF8.self) == nil { return .flaw(.badUTF8) }
        if let flaw = segmentFlaw(decoded) { return .flaw(flaw) }
        if decoded.elementsEqual(path) { return .plain }
        let again = PercentEncoding.decoded(decoded)
        return .decoded(
            DecodedPath(
                normal: written, bytes: decoded, again: again.count == decoded.count ? nil : again))
    }

    /// `\`, `;` and NUL however they are written, and a slash that is encoded.
    private static func isForbidden(_ byte: UInt8, encoded: Bool) -> Bool {
        byte == UInt8(ascii: "\\") || byte == UInt8(ascii: ";") || byte == 0
            || (encoded && byte == ASCII.slash)
    }

    /// RFC 3986 §2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == ASCII.hyphen || byte == ASCII.dot
            || byte == ASCII.underscore || byte == UInt8(ascii: "~")
    }

    /// Whether a second decoding would bring forth what is refused, a dot, or a third one.
    private static func hidesDelimiter(_ decoded: [UInt8]) -> Bool {
        for index in decoded.indices where decoded[index] == UInt8(ascii: "%") && index + 2 < decoded.count {
            guard let high = ASCII.hexValue(decoded[index + 1]), let low = ASCII.hexValue(decoded[index + 2])
            else { continue }
            let value = high << 4 | low
            if isForbidden(value, encoded: true) || value == ASCII.dot || value == UInt8(ascii: "%") {
                return true
            }
        }
        return false
    }

    /// An empty segment that is not the last, or one of dots.
    private static func segmentFlaw(_ decoded: [UInt8]) -> PathFlaw? {
        let segments = decoded.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false)
        for (index, segment) in segments.enumerated() {
            if segment.isEmpty, index < segments.count - 1 { return .emptySegment }
            if segment.elementsEqual(".".utf8) || segment.elementsEqual("..".utf8) { return .dotSegment }
        }
        return nil
    }
}

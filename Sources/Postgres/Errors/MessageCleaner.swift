/// Makes one bounded line without secrets of a message from libpq or the server.
struct MessageCleaner: Sendable {
    private let secrets: [[UInt8]]
    /// The keywords of the connection string, such as `host`.
    private let words: Set<String>

    /// `secrets` are never shown. `words` are the connection string's keywords.
    init(secrets: [String], words: Set<String> = []) {
        // The longest first, since a shorter secret may be part of a longer one.
        self.secrets = secrets.filter { !$0.isEmpty }.map { Array($0.utf8) }.sorted { $0.count > $1.count }
        self.words = words
    }

    /// The line for what libpq says of the connection string itself. libpq quotes values of the string there, which are
    /// left out, since they may hold a part of a password; the keyword that it names at the end is kept.
    func cleanComplaint(_ message: UnsafePointer<CChar>?) -> String {
        guard let message else { return "no reason given" }
        let text = clean(String(cString: message))
        guard let quote = text.firstIndex(of: "\"") else { return text }
        let keyword = text.split(separator: "\"").last.map(String.init) ?? ""
        let end = "\"\(keyword)\""
        let isNamed = words.contains(keyword) && text.hasSuffix(end)
        return text[..<quote] + (isNamed ? "… for \(end)" : "…")
    }

    /// The line for a message of C; a fixed sentence where there is none.
    func clean(_ message: UnsafePointer<CChar>?) -> String {
        guard let message else { return "no reason given" }
        return clean(String(cString: message))
    }

    /// The line for a message: secrets replaced by `***`, blanks and line ends by one blank.
    func clean(_ message: String) -> String {
        var bytes = Array(message.utf8)
        for secret in secrets { bytes = Self.replacing(secret, in: bytes) }
        var line: [UInt8] = []
        for byte in bytes {
            let isBlank = byte <= 0x20 || byte == 0x7F
            if isBlank, line.last == 0x20 || line.isEmpty { continue }
            line.append(isBlank ? 0x20 : byte)
        }
        while line.last == 0x20 { line.removeLast() }
        if line.count > Limits.messageBytes {
            var end = Limits.messageBytes
            while end > 0, line[end] & 0xC0 == 0x80 { end -= 1 }
            line.removeSubrange(end...)
            line.append(contentsOf: "…".utf8)
        }
        return String(decoding: line, as: UTF8.self)
    }

    private static func replacing(_ secret: [UInt8], in bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: secret) {
                result.append(contentsOf: "***".utf8)
                index += secret.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }
}

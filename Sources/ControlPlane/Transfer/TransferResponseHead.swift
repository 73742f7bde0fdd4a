import CLibCurl

/// The little of a response's head that matters to key fetches, read line by line as libcurl delivers it.
struct TransferResponseHead: Sendable, Equatable {
    /// For how many seconds the response says that it stays fresh, less its `Age` (RFC 9111 §4.2); nil where it does not
    /// say.
    var freshSeconds: Int? {
        guard let maxAge = cacheControl.maxAgeSeconds else { return nil }
        return max(0, maxAge - (ageSeconds ?? 0))
    }
    /// What time it is at the server, in seconds since 1970: its `Date`, and how long a cache has kept the response since
    /// (RFC 9110 §6.6.1, RFC 9111 §5.1); nil where it does not say.
    var serverSeconds: Int64? { date.map { $0 + Int64(ageSeconds ?? 0) } }
    /// Whether the body has a content coding other than `identity`.
    private(set) var hasContentCoding = false
    private var cacheControl = CacheControl()
    private var ageSeconds: Int?
    private var date: Int64?

    /// Takes one line of the head, with its line end. A status line begins a new head: interim responses (1xx) and those of
    /// a proxy come before the last one.
    mutating func take(line: UnsafeRawBufferPointer) {
        if line.count >= 5, line.prefix(5).elementsEqual("HTTP/".utf8) {
            self = TransferResponseHead()
            return
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = line[..<colon]
        let value = CacheControl.trimmed(line[(colon + 1)...])
        if CacheControl.isSame(name, "cache-control") {
            cacheControl.take(value: value)
        } else if CacheControl.isSame(name, "age") {
            // RFC 9111 §5.1: the first of several counts, and what is no number is ignored.
            if ageSeconds == nil { ageSeconds = CacheControl.deltaSeconds(value) }
        } else if CacheControl.isSame(name, "date") {
            // libcurl reads the three forms that RFC 9110 §5.6.7 has; -1 is its word for none.
            let seconds = curl_getdate(String(decoding: value, as: UTF8.self), nil)
            if date == nil, seconds > 0 { date = Int64(seconds) }
        } else if CacheControl.isSame(name, "content-encoding") {
            hasContentCoding = hasContentCoding || !(value.isEmpty || CacheControl.isSame(value, "identity"))
        }
    }
}

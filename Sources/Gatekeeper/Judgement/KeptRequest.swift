/// A copy of a request's facts, its texts one after the other in one buffer.
struct KeptRequest {
    private let bytes: [UInt8]
    private let host: Range<Int>
    private let authority: Range<Int>
    private let method: Range<Int>
    private let path: Range<Int>
    private let query: Range<Int>
    private let authorization: Range<Int>?
    private let authorizationCount: Int
    private let cookies: [Range<Int>]
    private let origin: Range<Int>?
    private let fetchSite: Range<Int>?
    private let isUpgrade: Bool

    /// Copies the facts.
    init(_ facts: RequestFacts) {
        var bytes: [UInt8] = []
        var count = 0
        facts.cookies.each { count += $0.count }
        for part in [facts.host, facts.authority, facts.method, facts.path, facts.query] {
            count += part.count
        }
        for part in [facts.authorization, facts.origin, facts.fetchSite] { count += part?.count ?? 0 }
        // Exactly what is needed, since open connections may be many.
        bytes.reserveCapacity(count)
        func keep(_ part: UnsafeRawBufferPointer) -> Range<Int> {
            bytes += part
            return (bytes.count - part.count)..<bytes.count
        }
        host = keep(facts.host)
        authority = keep(facts.authority)
        method = keep(facts.method)
        path = keep(facts.path)
        query = keep(facts.query)
        var cookies: [Range<Int>] = []
        facts.cookies.each { cookies.append(keep($0)) }
        self.cookies = cookies
        authorization = facts.authorization.map(keep)
        authorizationCount = facts.authorizationCount
        origin = facts.origin.map(keep)
        fetchSite = facts.fetchSite.map(keep)
        isUpgrade = facts.isUpgrade
        self.bytes = bytes
    }

    /// Calls `body` with the host's name, without port.
    func withHost<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[host])) }
    }

    /// Calls `body` with the facts, which are valid for the call.
    func withFacts<Value>(_ body: (RequestFacts) -> Value) -> Value {
        bytes.withUnsafeBytes { bytes in
            func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
                UnsafeRawBufferPointer(rebasing: bytes[range])
            }
            var facts = RequestFacts(
                host: slice(host), authorization: authorization.map(slice),
                authorizationCount: authorizationCount, method: slice(method), path: slice(path))
            facts.authority = slice(authority)
            facts.query = slice(query)
            for cookie in cookies { facts.cookies.append(slice(cookie)) }
            facts.origin = origin.map(slice)
            facts.fetchSite = fetchSite.map(slice)
            facts.isUpgrade = isUpgrade
            return body(facts)
        }
    }
}

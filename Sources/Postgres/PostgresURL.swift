import CLibPQ

/// Where a database is and how to reach it: a libpq URL or `key=value` string, several hosts allowed.
///
/// What the text does not say is added: `connect_timeout=5`, keepalives, `tcp_user_timeout=10000`,
/// `target_session_attrs=read-write`, `application_name=poolgate`, and `sslmode=verify-full` unless every host is a
/// loopback address or a socket. Its description never shows a password.
package struct PostgresURL: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// One host of the URL with everything libpq needs to connect to it.
    struct Target: Sendable {
        let name: String
        let parameters: [(keyword: String, value: String)]
        /// nil where the URL says `connect_timeout=0`.
        let timeout: Duration?
    }

    let targets: [Target]
    let cleaner: MessageCleaner
    package let description: String
    /// Whether every host is a loopback address or a socket.
    package let isLocal: Bool

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    /// Parses `postgres://…`, `postgresql://…` or `key=value …`; throws `misuse` with a sentence that quotes none of it.
    ///
    /// Blanks and line ends around it are dropped, since files of secrets end in one.
    package init(_ text: String) throws(PostgresError) {
        let text = ConnectionText(text)
        guard !text.words.isEmpty else { throw .misuse("the database URL is empty") }
        guard !text.words.utf8.contains(0) else { throw .misuse("the database URL contains a NUL byte") }
        guard !text.hasStrayAt else { throw .misuse("the database URL \(ConnectionText.strayAtAdvice)") }
        var options = try Self.parse(text)
        let hosts = try Self.hosts(of: options)
        try Self.check(hosts, text)
        isLocal = hosts.allSatisfy(\.isLocal)
        for (keyword, value) in Self.defaults(isLocal: isLocal) where options[keyword] == nil {
            options[keyword] = Option(value: value, isSecret: false)
        }
        // Every byte that comes back is read as UTF-8, whatever the database's own encoding is.
        options["client_encoding"] = Option(value: "UTF8", isSecret: false)
        let showsParts = !text.isAmbiguous
        cleaner = MessageCleaner(
            secrets: Self.hidden(options, hosts, showsParts: showsParts),
            words: Set(options.keys))
        let timeout = try Self.timeout(of: options)
        let shared = options.filter { !["host", "hostaddr", "port"].contains($0.key) }
            .map { (keyword: $0.key, value: $0.value.value) }.sorted { $0.keyword < $1.keyword }
        targets = hosts.map { host in
            Target(name: host.description, parameters: shared + host.parameters, timeout: timeout)
        }
        let user = options["user"].map { "\(ConnectionText.shown($0.value))@" } ?? ""
        let database = options["dbname"].map { "/\(ConnectionText.shown($0.value))" } ?? ""
        description =
            showsParts
            ? "postgres://\(user)\(hosts.map(\.description).joined(separator: ","))\(database)"
            : "postgres://…"
    }

    private struct Option {
        let value: String
        let isSecret: Bool
    }

    /// What no message may show: passwords, and every value that is not as plain as such values are, for there a
    /// password may have come to stand by a slip of the pen.
    private static func hidden(
        _ options: [String: Option], _ hosts: [DatabaseHost], showsParts: Bool
    ) -> [String] {
        var values = options.values.filter(\.isSecret).map(\.value)
        values += ["user", "dbname", "options"].compactMap { options[$0]?.value }.filter {
            !showsParts || !ConnectionText.isPlain($0)
        }
        if !showsParts { values += hosts.flatMap { [$0.name, $0.address, $0.port] } }
        return values
    }

    private static func check(_ hosts: [DatabaseHost], _ text: ConnectionText) throws(PostgresError) {
        guard hosts.allSatisfy(\.isNamed) else {
            throw .misuse("the database URL has a host that is no host name\(text.advice)")
        }
        guard hosts.allSatisfy(\.hasPort) else {
            throw .misuse("the database URL has a port that is no number from 1 to 65535\(text.advice)")
        }
    }

    private static func parse(_ text: ConnectionText) throws(PostgresError) -> [String: Option] {
        var message: UnsafeMutablePointer<CChar>?
        guard let list = PQconninfoParse(text.words, &message) else {
            defer { PQfreemem(message) }
            throw .misuse("the database URL cannot be read: \(unquoted(message))\(text.advice)")
        }
        defer { PQconninfoFree(list) }
        var options: [String: Option] = [:]
        var entry = list
        while let keyword = entry.pointee.keyword {
            if let value = entry.pointee.val, value.pointee != 0 {
                let mark = entry.pointee.dispchar.map { $0.pointee } ?? 0
                options[String(cString: keyword)] = Option(
                    value: String(cString: value), isSecret: mark == CChar(bitPattern: UInt8(ascii: "*")))
            }
            entry += 1
        }
        return options
    }

    /// libpq's complaint up to the first thing that it quotes, which may be a part of a password; its translations
    /// quote with marks that are no ASCII.
    private static func unquoted(_ message: UnsafeMutablePointer<CChar>?) -> String {
        guard let message else { return "out of memory" }
        let bytes = Array(String(cString: message).utf8)
        let head = bytes.prefix { $0 >= 0x20 && $0 < 0x7F && !"\"'`".utf8.contains($0) }
        let isWhole = head.count == bytes.count || bytes[head.count] == UInt8(ascii: "\n")
        return String(decoding: head, as: UTF8.self) + (isWhole ? "" : "…")
    }

    private static func defaults(isLocal: Bool) -> [(String, String)] {
        [
            ("application_name", "poolgate"),
            ("connect_timeout", String(Limits.hostConnectSeconds)),
            ("keepalives", "1"),
            ("keepalives_idle", String(Limits.keepaliveIdleSeconds)),
            ("keepalives_interval", String(Limits.keepaliveIntervalSeconds)),
            ("keepalives_count", String(Limits.keepaliveProbes)),
            ("tcp_user_timeout", String(Limits.tcpUserTimeoutMilliseconds)),
            ("target_session_attrs", "read-write"),
        ] + (isLocal ? [] : [("sslmode", "verify-full")])
    }

    private static func timeout(of options: [String: Option]) throws(PostgresError) -> Duration? {
        guard let text = options["connect_timeout"]?.value else { return nil }
        guard let seconds = Int32(text) else {
            throw .misuse("the database URL's connect_timeout is no number of seconds")
        }
        // As libpq has it: none for zero and below, and at least two seconds.
        return seconds <= 0 ? nil : .seconds(max(2, seconds))
    }

    private static func hosts(of options: [String: Option]) throws(PostgresError) -> [DatabaseHost] {
        let names = list(options["host"]?.value)
        let addresses = list(options["hostaddr"]?.value)
        let ports = list(options["port"]?.value)
        let count = max(names.count, addresses.count, 1)
        guard count <= Limits.hosts else {
            throw .misuse("the database URL names \(count) hosts; at most \(Limits.hosts) are allowed")
        }
        guard names.isEmpty || addresses.isEmpty || names.count == addresses.count else {
            throw .misuse("the database URL has \(names.count) hosts but \(addresses.count) host addresses")
        }
        guard ports.count <= 1 || ports.count == count else {
            throw .misuse("the database URL has \(count) hosts but \(ports.count) ports")
        }
        return (0..<count).map { index in
            DatabaseHost(
                name: index < names.count ? names[index] : "",
                address: index < addresses.count ? addresses[index] : "",
                port: ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : "")
        }
    }

    private static func list(_ text: String?) -> [String] {
        text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }
}

/// One element of a URL's lists of hosts, addresses and ports; empty where the list says nothing.
private struct DatabaseHost: CustomStringConvertible {
    let name: String
    let address: String
    let port: String

    /// A socket, or an address that never leaves the machine. What libpq connects to is the address, if one is given.
    var isLocal: Bool {
        let peer = address.isEmpty ? name : address
        // libpq's own default is a socket, unless the environment says otherwise.
        if peer.isEmpty { return Self.environmentNamesNoHost }
        if peer.hasPrefix("/") || peer.hasPrefix("@") { return address.isEmpty }
        if peer == "::1" { return true }
        if peer == "localhost" { return address.isEmpty }
        let parts = peer.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0].elementsEqual("127".utf8)
            && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
    }

    /// Whether name and address are of a form that hosts have: what else stands there is a part of something else.
    var isNamed: Bool {
        [name, address].allSatisfy { ConnectionText.isHost($0) }
    }

    var hasPort: Bool {
        port.isEmpty
            || port.utf8.count <= 5 && port.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
                && (1...65_535).contains(Int(port) ?? 0)
    }

    var parameters: [(keyword: String, value: String)] {
        [("host", name), ("hostaddr", address), ("port", port)].filter { !$0.1.isEmpty }
    }

    var description: String {
        let peer = name.isEmpty ? address : name
        let shown = peer.contains(":") ? "[\(peer)]" : peer
        return port.isEmpty ? shown : "\(shown):\(port)"
    }

    /// libpq reads PGHOST and PGHOSTADDR by itself where a URL names no host.
    private static var environmentNamesNoHost: Bool {
        guard let list = PQconndefaults() else { return false }
        defer { PQconninfoFree(list) }
        var entry = list
        while let keyword = entry.pointee.keyword {
            let name = String(cString: keyword)
            if name == "host" || name == "hostaddr", let value = entry.pointee.val, value.pointee != 0,
                value.pointee != CChar(bitPattern: UInt8(ascii: "/")) || name == "hostaddr"
            {
                return false
            }
            entry += 1
        }
        return true
    }
}

import CLibPQ

/// Where a database is and how to connect to it: a URL or a `key=value` string as libpq takes it (PostgreSQL documentation,
/// "Connection Strings"), with one host or several.
///
/// What the text does not set is added: `connect_timeout=5`, keepalives, `tcp_user_timeout=10000`,
/// `target_session_attrs=read-write`, `application_name=poolgate`, and `sslmode=verify-full` unless every host is a
/// loopback address or a socket. No description shows a password.
package struct PostgresURL: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable
{
    /// One host of the URL, with all that libpq needs to connect to it.
    struct Target: Sendable {
        /// The host as messages show it.
        let name: String
        let parameters: [(keyword: String, value: String)]
        /// How long connecting may take; nil without a bound, where the URL says `connect_timeout=0`.
        let timeout: Duration?
    }

    /// The hosts, in the order in which they are tried.
    let targets: [Target]
    /// Keeps this URL's secrets out of messages.
    let cleaner: MessageCleaner
    /// The URL without passwords and parameters, as messages show it.
    package let description: String
    /// Whether every host is a loopback address or a socket.
    package let isLocal: Bool

    /// The same as `description`, so that a dump shows no more.
    package var debugDescription: String { description }
    /// Only `description`, so that a dump shows no more.
    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    /// Parses `postgres://…`, `postgresql://…` or `key=value …`. Throws `misuse` with a sentence that quotes none of it.
    ///
    /// Blanks and line ends around the text are dropped, since files with secrets often end in a line end.
    package init(_ text: String) throws(PostgresError) {
        let text = ConnectionText(text)
        guard !text.text.isEmpty else { throw .misuse("the database URL is empty") }
        guard !text.text.utf8.contains(0) else { throw .misuse("the database URL contains a NUL byte") }
        guard !text.hasStrayAt else { throw .misuse("the database URL \(ConnectionText.strayAtAdvice)") }
        var options = try Self.parse(text)
        let hosts = try Self.hosts(of: options)
        try Self.check(hosts, text)
        isLocal = hosts.allSatisfy(\.isLocal)
        for (keyword, value) in Self.defaults(isLocal: isLocal) where options[keyword] == nil {
            options[keyword] = Option(value: value, isSecret: false)
        }
        // All texts that come back are read as UTF-8, whatever the database's own encoding is.
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

    /// One keyword's value.
    private struct Option {
        let value: String
        let isSecret: Bool
    }

    /// What no message may show: passwords, and values that do not look as such values do, since part of a password may
    /// stand in their place.
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
        guard let list = PQconninfoParse(text.text, &message) else {
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

    /// libpq's complaint up to the first thing that it quotes, which may be part of a password. Translated complaints quote
    /// with marks that are not ASCII.
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
        // As libpq takes it: no bound for 0 and below, and two seconds at least.
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

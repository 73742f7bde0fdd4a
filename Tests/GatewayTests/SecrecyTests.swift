import Foundation
import Postgres
import TestSupport
import Testing

@testable import Gateway

/// Secrets at random, and the ways in which people write them wrongly.
private struct Slips {
    var generator: SeededGenerator

    init(_ seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    private static let plain = Array("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789")
    private static let signs = Array("/@#?%:&=+[]{}()'\"\\,;! *|`<>$^~é\t")

    /// 24 to 40 characters, a few of them signs that mean something in a URL, in YAML or on a command line.
    mutating func secret() -> String {
        var text: [Character] = []
        for _ in 0..<Int.random(in: 24...40, using: &generator) {
            let isSign = Int.random(in: 0..<6, using: &generator) == 0
            if let sign = (isSign ? Self.signs : Self.plain).randomElement(using: &generator) {
                text.append(sign)
            }
        }
        return String(text)
    }

    /// Database URLs and strings with the secret in them, whole and broken.
    static func databases(_ secret: String) -> [String] {
        let encoded = secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return [
            "postgres://u:\(secret)@127.0.0.1:1/app",
            "postgresql://u:\(secret)@127.0.0.1:1/app?sslmode=prefer",
            "postgres://u:\(secret)@127.0.0.1:1,127.0.0.1:2/app", "postgres://:\(secret)@127.0.0.1:1/app",
            "postgres://u@127.0.0.1:1/app?password=\(secret)",
            "postgres://127.0.0.1:1/app?password=\(secret)&user=u",
            "postgres://u:\(encoded)@127.0.0.1:1/app", " postgres://u:\(secret)@127.0.0.1:1/app\n",
            "postgres://me@corp:\(secret)@127.0.0.1:1/app", "postgres://u%3A\(secret)@127.0.0.1:1/app",
            "postgres://u%3A\(encoded)@127.0.0.1:1/app", "postgres://u:\(secret)@[::1/app",
            "postgres://u:\(secret)@",
            "postgres://u:\(secret)@127.0.0.1:port/app", "postgres://u:\(secret)@127.0.0.1:1/app?sslmod=x",
            "postgres://u:\(secret)@127.0.0.1:1/app?sslmode=\(secret)", "postgres:/u:\(secret)@127.0.0.1/app",
            "postgres//u:\(secret)@127.0.0.1/app", "mysql://u:\(secret)@127.0.0.1/app",
            "u:\(secret)@127.0.0.1/app",
            "jdbc:postgresql://127.0.0.1:1/app?user=u&password=\(secret)", secret,
            "host=127.0.0.1 port=1 user=u password=\(secret) dbname=app",
            "host=127.0.0.1 port=1 password='\(secret)'",
            "host=127.0.0.1 port=1 password='\(secret)", "host=postgres://u:\(secret)@127.0.0.1:1/app",
            "dbname=postgres://u:\(secret)@127.0.0.1:1/app host=127.0.0.1 port=1",
            "host=127.0.0.1 port=\(secret)",
            "host=127.0.0.1 port=1 sslmode='\(encoded)'", "host=127.0.0.1 port=1 \(secret)",
            "postgres://u:12/\(secret)@127.0.0.1:1/app", "postgres://u:12/3?\(secret)@127.0.0.1:1/app",
        ]
    }

    /// Other settings that may hold it, by name.
    static func others(_ secret: String) -> [(name: String, text: String)] {
        [
            ("admin-token", secret), ("admin-token", "Bearer \(secret)"),
            ("egress-proxy", "http://u:\(secret)@p:3128"),
            ("egress-proxy", "u:\(secret)@p:3128"), ("egress-proxy", "socks5h://u:\(secret)@p"),
            ("egress-proxy", "http://\(secret)"), ("egress-proxy", "http://p:\(secret)"),
            ("upstream", "http://u:\(secret)@h:80"), ("upstream", "http://h/\(secret)"),
            ("upstream", "http://h?k=\(secret)"),
            ("upstream", "http://a http://u:\(secret)"), ("upstream", secret),
            ("jwks-url-template", "https://u:\(secret)@k/{pool}"),
            ("jwks-url-template", "https://k/?key=\(secret)"),
            ("jwks-url-template", "http://k?key=\(secret){pool}"),
            ("jwks-url-template", "http://k:\(secret)/{pool}"),
            ("issuer-template", "https://u:\(secret)@k/{pool}"), ("issuer-template", "k/\(secret)"),
            ("listen", "postgres://u:\(secret)@h/x"), ("workers", "postgres://u:\(secret)@h/x"),
            ("state-dir", "postgres://u:\(secret)@h/x"), ("ca-file", "postgres://u:\(secret)@h/x"),
        ]
    }

    /// Files in which the line of a secret is broken.
    static func files(_ secret: String) -> [String] {
        let lines = [
            "admin-token: \(secret)", "admin-token:\(secret)", "admin-token: \"\(secret)",
            "admin-token: '\(secret)",
            "admin-token: [\(secret)", "admin-token: {\(secret): x}", "admin-token:\n  \(secret): x",
            "admin-token:\n  - \(secret)\n  - [x]", "admin-token: *\(secret)", "admin-token: &\(secret)",
            "admin-token: !\(secret) x", "admin-token: %\(secret)", "admin-token: |\n\(secret)",
            "admin-token \(secret)",
            "{admin-token: x,\(secret)}", "- admin-token: \(secret)", "admin-tokn: \(secret)",
            "database-url: postgres://u:\(secret)@h/x", "database-url:postgres://u:\(secret)@h/x",
            "egress-proxy: 'http://u:\(secret)@p", "admin-token: \(secret)\n\tworkers: 2", "\t\(secret)",
        ]
        return lines.flatMap { [$0, "workers: x\n\($0)\n", "\($0)\nworkers: 0\nlisten: [\n"] }
    }

    /// Arguments that are broken.
    static func arguments(_ secret: String) -> [[String]] {
        [
            [secret], ["--admin-token\(secret)"], ["--admin-tokn=\(secret)"], ["--admin-tokn", secret],
            ["--\(secret)"], ["--admin-token", "x", secret], ["postgres://u:\(secret)@h/x"],
            ["--database-url", "=", "postgres://u:\(secret)@h/x"], ["-p\(secret)"],
            ["--egress-proxy\(secret)=x"],
            ["--postgres://u:\(secret)@h/x"], ["--config", "postgres://u:\(secret)@h/x"],
        ]
    }
}

/// Six bytes of `secret` that stand in `text`, nil where there are none.
private func leak(of secret: String, in text: String) -> String? {
    let (bytes, shown) = (Array(secret.utf8), Array(text.utf8))
    guard bytes.count >= 6, shown.count >= 6 else { return nil }
    let pieces = Set((0...(bytes.count - 6)).map { Array(bytes[$0..<($0 + 6)]) })
    for start in 0...(shown.count - 6) where pieces.contains(Array(shown[start..<(start + 6)])) {
        return String(decoding: shown[start..<(start + 6)], as: UTF8.self)
    }
    return nil
}

private func told(_ arguments: [String], _ environment: [String: String] = [:]) -> String {
    do throws(SettingsReader.Mistakes) {
        let settings = try SettingsReader.read(
            arguments: arguments, environment: environment, needsDatabase: true)
        return settings.databaseURL.map { "\($0) \(String(reflecting: $0))" } ?? ""
    } catch {
        return error.sentences.joined(separator: "\n")
    }
}

@Suite struct SecrecyTests {
    @Test("No six bytes of a secret are told, whatever is wrong with its setting", arguments: 0..<40)
    func secretsInMistakes(
        seed: UInt64
    ) throws {
        var slips = Slips(seed)
        let secret = slips.secret()
        for text in Slips.databases(secret) {
            for output in [
                told(["--database-url", text]), told([], ["POOLGATE_DATABASE_URL": text]),
                told([], ["DATABASE_URL": text]),
            ] {
                #expect(leak(of: secret, in: output) == nil, "database \(text.debugDescription): \(output)")
            }
        }
        for (name, text) in Slips.others(secret) {
            let variable = "POOLGATE_" + name.uppercased().replacing("-", with: "_")
            for output in [
                told(["--\(name)", text]), told(["--\(name)=\(text)"]), told([], [variable: text]),
            ] {
                #expect(leak(of: secret, in: output) == nil, "\(name) \(text.debugDescription): \(output)")
            }
        }
        for arguments in Slips.arguments(secret) {
            let output = told(arguments)
            #expect(leak(of: secret, in: output) == nil, "\(arguments): \(output)")
        }
        let path = NSTemporaryDirectory() + "secrecy-\(seed).yaml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for text in Slips.files(secret) {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let output = told(["--config", path])
            #expect(leak(of: secret, in: output) == nil, "file \(text.debugDescription): \(output)")
        }
    }

    @Test("No six bytes of a password are told by a failure to connect", arguments: 0..<12)
    func passwordsInFailures(seed: UInt64)
        async throws
    {
        var slips = Slips(seed + 1_000)
        let secret = slips.secret()
        for text in Slips.databases(secret) {
            guard let url = try? PostgresURL(text), url.isLocal else { continue }
            let failure = await #expect(throws: PostgresError.self) {
                try await PostgresConnection.connect(to: url).close()
            }
            let output = failure.map { "\($0) \(String(reflecting: $0))" } ?? ""
            #expect(leak(of: secret, in: output) == nil, "\(text.debugDescription): \(output)")
        }
    }

    @Test(
        "A password that breaks its URL is said to need percent-encoding",
        arguments: ["pa/ss", "pa@ss", "a/b/c", "a@b@c", "p@ss/w?rd", "12/34", "%", "100%", "%zz"])
    func unencodedPassword(password: String) {
        let output = told(["--database-url", "postgres://u:\(password)@db.example/app"])
        #expect(output.contains("percent-encoded") && output.contains("%2F"), "\(output)")
        let proxy = told(["--embedded", "--egress-proxy", "http://u:\(password)@p:3128"])
        #expect(proxy.contains("percent-encoded"), "\(proxy)")
    }

    @Test(
        "What libpq reads as it was meant is taken",
        arguments: [
            "postgres://u:pa%2Fss@db.example/app", "postgres://u:pa#ss@db.example/app",
            "postgres://u:pa?ss@db.example/app",
            "postgres://u:a:b@db.example/app", "postgres://u@db.example/app\n",
            "postgres://u@db_1.example/my-app",
            "postgres://u@[fe80::1%25eth0]:5432/app", "postgres://u@%2Fvar%2Frun/app", "host=/var/run user=u",
            "postgres:///app?host=/var/run", "postgres://u@a:1,b:2/app", "postgres://h/app?user=me@server",
        ])
    func readablePasswords(text: String) throws {
        _ = try PostgresURL(text)
    }

    @Test("Arguments that no command understands are not repeated")
    func unknownArguments() {
        let url = "postgres://u:hunter2@h/x"
        #expect(
            !ArgumentComplaint.withoutArguments("Error: Unexpected argument '\(url)'", [url]).contains(
                "hunter2"))
        #expect(
            ArgumentComplaint.withoutArguments("Error: Unexpected argument 'migrte'", ["migrte"])
                == "Unexpected argument (did you mean 'migrate'?)")
        #expect(
            ArgumentComplaint.withoutArguments(
                "Error: Unknown option '--databse-url'", ["--databse-url", url]
            )
            .contains("--databse-url"))
    }
}

@Suite struct AdviceTests {
    private func mistake(_ arguments: [String]) -> String { told(["--embedded"] + arguments) }

    @Test(
        "A mistake is told with what to do",
        arguments: [
            ("--trusted-proxies", "10.1.0.0", "10.1.0.0/16"), ("--trusted-proxies", "10.0.0.0", "10.0.0.0/8"),
            ("--trusted-proxies", "192.0.2.0", "192.0.2.0/24"),
            ("--trusted-proxies", "10.0.0.0/8, fd00::", "fd00::/16"),
            ("--upstream-networks", "172.16.0.0", "172.16.0.0/32"),
            ("--trusted-proxies", "0.0.0.0", "0.0.0.0/0"),
            ("--upstream", "127.0.0.1:3000", "no http:// or https://"),
            ("--upstream", "tcp://h:1", "a scheme"),
            ("--upstream", "http://h:1/", "without a path"),
            ("--upstream", "http://u:p@h", "user name or password"),
            ("--jwks-url-template", "https://k/fixed", "no {pool}"),
            ("--jwks-url-template", "k/{pool}", "no http://"),
            ("--issuer-template", "https://u@k/{pool}", "'@'"),
            ("--tls-certificates", "/nowhere/tls", "is not there"),
            ("--upstream-cas", "/etc/passwd", "name a folder"), ("--ca-file", "/nowhere", "is not there"),
            ("--ca-file", "/tmp", "is a folder"), ("--config", "/tmp", "is a folder"),
            ("--config", "/nowhere", "not there"),
            ("--lisen", "127.0.0.1:1", "did you mean '--listen'"),
        ])
    func advice(flag: String, value: String, part: String) {
        #expect(mistake([flag, value]).contains(part), "\(mistake([flag, value]))")
    }

    @Test(
        "An address that can only be one, and a network with its mask, are taken",
        arguments: ["10.1.2.3", "10.1.0.0/16", "192.0.2.0/32", "::1", "fd00::/8", "2001:db8::5"])
    func networks(network: String) {
        #expect(mistake(["--trusted-proxies", network]).isEmpty)
    }

    @Test(
        "A file that is no YAML is told by its line and what to do",
        arguments: [
            ("admin-token: a: b", "quotes"), ("admin-token: 'a", "not closed"),
            ("workers: 1\nworkers: 2", "twice"),
            ("admin-token: @a", "quotes"), ("listen: [a", "not closed"),
            ("admin-token: \"\\q\"", "backslash"),
            ("admin-token: *a", "'*'"), ("workers: 2\nlisten 127.0.0.1:1\n", "line"),
        ])
    func brokenYAML(text: String, part: String) throws {
        let path = NSTemporaryDirectory() + "advice-\(UUID().uuidString).yaml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        #expect(mistake(["--config", path]).contains(part), "\(mistake(["--config", path]))")
    }
}

import Foundation
import Gatekeeper
import HTTPMessage
import Logging
import Postgres
import Testing

@testable import Gateway

@Suite struct SettingsTests {
    @Test("The guide has a row for each setting, with its default, and for nothing else")
    func guideTable() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(
            contentsOf: top.appending(path: "ops/guide/configuration.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `--") }.map { row in
            row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        for setting in Setting.all {
            let row = try #require(rows.first { $0[0] == "`\(setting.flag)`" }, "\(setting.flag) has no row")
            #expect(row[1...2] == ["`\(setting.variable)`", "`\(setting.name)`"])
            // The number of cores is this machine's.
            if !setting.initial.isEmpty, setting.name != "workers" {
                #expect(row[3] == "`\(setting.initial)`", "\(setting.flag)")
            }
        }
        #expect(Set(rows.map { $0[0] }) == Set((Setting.all + [.file]).map { "`\($0.flag)`" }))
    }

    @Test("Without anything said the defaults hold, and the help tells the same ones")
    func defaults() throws {
        let settings = try SettingsReading.read().get()
        #expect(settings.listen.description == "127.0.0.1:8080")
        #expect(settings.adminListen.description == "127.0.0.1:9901")
        #expect(!settings.isEmbedded && settings.databaseURL == nil)
        #expect(settings.maxBodyBytes == nil && settings.maxStaleness == nil)
        var told = Settings()
        for setting in Setting.all where !setting.initial.isEmpty {
            #expect(setting.apply(setting.initial, &told) == nil, "\(setting.name)")
        }
        #expect(told.listen == settings.listen && told.adminListen == settings.adminListen)
        #expect(told.headLimits == settings.headLimits && told.workers == settings.workers)
        #expect(told.responseLimits == settings.responseLimits)
        #expect(
            told.tokenCacheBytes == settings.tokenCacheBytes && told.stateDirectory == settings.stateDirectory
        )
        #expect(told.drainTimeout == settings.drainTimeout && told.shutdownDelay == settings.shutdownDelay)
        #expect(told.logLevel == settings.logLevel && told.hasAccessLog == settings.hasAccessLog)
        #expect(
            told.isEmbedded == settings.isEmbedded && told.allowsInsecureJWKS == settings.allowsInsecureJWKS)
    }

    @Test("Every setting stands in the help with its flag, and no line is longer than a terminal")
    func help() {
        for setting in Setting.all { #expect(SettingsHelp.text.contains("  \(setting.flag)")) }
        #expect(SettingsHelp.text.split(separator: "\n").allSatisfy { $0.count <= 78 })
    }

    /// A good value of each setting, none of them its default.
    private static let values = [
        "listen": "127.0.0.1:1", "admin-listen": "127.0.0.1:2", "admin-token": "t",
        "admin-hosts": "a.example", "database-url": "postgres:///x", "embedded": "false",
        "state-dir": "d",
        "upstream": "http://u:1", "upstream-networks": "10.0.0.0/8",
        "jwks-url-template": "https://k/{pool}",
        "issuer-template": "https://i/{pool}", "allow-insecure-jwks": "true",
        "egress-proxy": "http://p:1", "ca-file": "/dev/null", "workers": "3", "max-head-bytes": "2KiB",
        "max-target-bytes": "1KiB",
        "max-headers": "7", "max-header-bytes": "1KiB", "max-body-bytes": "1MiB",
        "max-answer-head-bytes": "4KiB", "max-answer-headers": "10",
        "token-cache-bytes": "2MiB", "max-staleness": "1m", "drain-timeout": "1s", "shutdown-delay": "2s",
        "log-level": "debug",
        "log-format": "text", "access-log": "on", "tls-listen": "127.0.0.1:3", "tls-certificates": "/tmp",
        "trusted-proxies": "10.0.0.0/8", "proxy-protocol": "v2", "http2": "off",
        "upstream-cas": "/tmp", "max-upstream-connections": "5", "upstream-wait": "3s",
        "max-connections": "6",
        "max-connections-per-address": "8", "max-requests-per-connection": "9", "head-timeout": "4s",
        "idle-timeout": "5s", "traces-endpoint": "http://c:4318", "traces-ratio": "0.5",
        "traces-headers": "a=b", "forward-auth-listen": "127.0.0.1:4", "ext-authz-listen": "127.0.0.1:5",
        "trusted-callers": "10.0.0.0/8", "caller-secret": "s",
        "signing-keys": "/tmp", "signing-key-delay": "11m",
        "assertion-issuer": "issuer-1", "publish-signing-keys": "true",
    ]

    @Test("Every setting is reached by its flag, its variable and its key alike")
    func threeSpellings() throws {
        let values = Self.values
        #expect(Set(values.keys) == Set(Setting.all.map(\.name)))
        let flags = values.map { "--\($0)=\($1)" }
        let pairs =
            values.filter {
                !["embedded", "allow-insecure-jwks", "access-log", "publish-signing-keys"].contains($0.key)
            }
            .flatMap { ["--\($0)", $1] }
            + ["--allow-insecure-jwks", "--access-log", "--publish-signing-keys"]
        let variables = Dictionary(
            uniqueKeysWithValues: values.map {
                ("POOLGATE_" + $0.uppercased().replacingOccurrences(of: "-", with: "_"), $1)
            })
        let yaml = values.map { "\($0): '\($1)'" }.joined(separator: "\n")
        let fromFile = try SettingsReading.withFile(yaml) {
            try SettingsReading.read(["--config", $0]).get()
        }
        for settings in try [
            SettingsReading.read(flags).get(), SettingsReading.read(pairs).get(),
            SettingsReading.read([], variables).get(), fromFile,
        ] {
            #expect(settings.listen.port == 1 && settings.adminListen.port == 2)
            #expect(settings.adminToken?.bytes == Array("t".utf8) && settings.adminHosts.count == 1)
            #expect(
                settings.databaseURL != nil && settings.stateDirectory == "d" && settings.upstreams.count == 1
            )
            #expect(settings.upstreamNetworks.count == 1 && settings.jwksTemplate != nil)
            #expect(settings.issuerTemplate != nil && settings.allowsInsecureJWKS)
            #expect(
                settings.egressProxy == "http://p:1" && settings.caFile == "/dev/null"
                    && settings.workers == 3)
            #expect(settings.headLimits.headBytes == 2048 && settings.headLimits.fieldCount == 7)
            #expect(settings.headLimits.targetBytes == 1024 && settings.headLimits.fieldBytes == 1024)
            #expect(settings.responseLimits.headBytes == 4096 && settings.responseLimits.fieldBytes == 4096)
            #expect(settings.responseLimits.fieldCount == 10)
            #expect(settings.maxBodyBytes == 1_048_576 && settings.tokenCacheBytes == 2_097_152)
            #expect(settings.maxStaleness == .seconds(60) && settings.drainTimeout == .seconds(1))
            #expect(settings.shutdownDelay == .seconds(2) && settings.logLevel == .debug)
            #expect(settings.logFormat == .text && settings.hasAccessLog)
            #expect(settings.tlsListen?.port == 3 && settings.tlsCertificates == "/tmp")
            #expect(settings.trustedProxies.count == 1 && settings.expectsProxyHeader)
            #expect(settings.listeners.map(\.address.port) == [1, 3, 4, 5])
            #expect(settings.trustedCallers.count == 1 && settings.callerSecret?.bytes == [0x73])
            #expect(!settings.speaksHTTP2)
            #expect(settings.upstreamCAs == "/tmp" && settings.maxUpstreamConnections == 5)
            #expect(settings.upstreamWait == .seconds(3) && settings.maxConnections == 6)
            #expect(settings.maxConnectionsPerAddress == 8 && settings.maxRequestsPerConnection == 9)
            #expect(settings.signingKeys == "/tmp" && settings.signingKeyDelay == .seconds(660))
            #expect(settings.headTimeout == .seconds(4) && settings.idleTimeout == .seconds(5))
        }
    }

    @Test("A flag beats a variable, a variable the file, the file the default")
    func precedence() throws {
        try SettingsReading.withFile("workers: 3") { path throws in
            let file = ["POOLGATE_CONFIG": path]
            let both = file.merging(["POOLGATE_WORKERS": "4"]) { $1 }
            #expect(try SettingsReading.read([], file).get().workers == 3)
            #expect(try SettingsReading.read([], both).get().workers == 4)
            #expect(try SettingsReading.read(["--workers", "5"], both).get().workers == 5)
        }
    }

    @Test("What is empty counts as unset, and the next source is asked")
    func emptyValues() throws {
        try SettingsReading.withFile("workers: 3\nupstream:\nmax-body-bytes: ~\nca-file: null") { path in
            let environment = ["POOLGATE_CONFIG": path, "POOLGATE_WORKERS": "", "POOLGATE_TYPO": ""]
            let settings = try SettingsReading.read(["--listen", ""], environment).get()
            #expect(settings.workers == 3 && settings.listen.port == 8080)
            #expect(settings.upstreams.isEmpty && settings.maxBodyBytes == nil && settings.caFile == nil)
        }
        #expect(try SettingsReading.read([], ["POOLGATE_CONFIG": ""]).get().workers == Settings().workers)
    }

    @Test("Of a repeated flag the last counts")
    func repeatedFlag() throws {
        #expect(try SettingsReading.read(["--workers", "2", "--workers=3"]).get().workers == 3)
    }

    @Test("Every mistake is told at once")
    func everyMistake() {
        let told = SettingsReading.mistakes(
            ["--workers", "0", "--lisen", "x", "stray", "--listen"],
            ["POOLGATE_LOG_LEVEL": "loud", "POOLGATE_WROKERS": "1"])
        #expect(told.count == 6)
        #expect(told.contains("'--lisen' is no setting; did you mean '--listen'?"))
        #expect(
            told.contains {
                $0.hasPrefix("a word among the arguments is no setting: settings begin with '--'")
            })
        #expect(told.contains("--listen needs a value: --listen HOST:PORT"))
        #expect(told.contains("--workers '0' is no whole number from 1 to 1024"))
        #expect(told.contains("POOLGATE_WROKERS is no setting; did you mean POOLGATE_WORKERS?"))
        #expect(told.contains { $0.hasPrefix("POOLGATE_LOG_LEVEL 'loud' is none of trace") })
    }

    @Test("A variable that a platform made for a service of that name is no mistake")
    func platformVariables() {
        let links = [
            "POOLGATE_SERVICE_HOST": "10.0.0.1", "POOLGATE_SERVICE_PORT": "80",
            "POOLGATE_SERVICE_PORT_HTTP": "80",
            "POOLGATE_PORT": "tcp://10.0.0.1:80", "POOLGATE_PORT_80_TCP": "tcp://10.0.0.1:80",
            "POOLGATE_PORT_80_TCP_ADDR": "10.0.0.1", "POOLGATE_ADMIN_PORT_53_UDP_PROTO": "udp",
        ]
        #expect(SettingsReading.mistakes([], links) == [])
        #expect(SettingsReading.mistakes([], ["POOLGATE_PORT": "8080"]) == ["POOLGATE_PORT is no setting"])
        #expect(SettingsReading.mistakes([], ["POOLGATE_ADMIN_PORT": "9901"]).count == 1)
    }

    @Test("A secret is never shown, whatever is wrong with it")
    func secrets() {
        let told = SettingsReading.mistakes(
            ["--egress-proxy", "ftp://u:hunter2@p", "--admin-token", "hunter2 x"],
            ["POOLGATE_DATABASE_URL": "postgres://u:hunter2@h/x?wat=hunter2"])
        #expect(told.count == 3)
        #expect(!told.joined().contains("hunter2"))
        #expect(!"\(Secret(bytes: Array("hunter2".utf8)))".contains("hunter2"))
        var dumped = ""
        dump(Secret(bytes: Array("hunter2".utf8)), to: &dumped)
        #expect(!dumped.contains("104"))
    }

    @Test("A secret matches itself alone")
    func secretComparison() {
        let secret = Secret(bytes: Array("abc".utf8))
        #expect(secret.matches(Array("abc".utf8)))
        for other in ["", "ab", "abcd", "abcabc", "abd", "xbc"] {
            #expect(!secret.matches(Array(other.utf8)))
        }
        #expect(!Secret(bytes: []).matches([0xFF]))
    }

    @Test("DATABASE_URL counts where nothing else speaks of a database")
    func databaseURL() throws {
        let bare = ["DATABASE_URL": "postgres://bare/x"]
        #expect(try SettingsReading.read([], bare).get().databaseURL?.description == "postgres://bare/x")
        #expect(
            try SettingsReading.read(["--database-url", "postgres://own/x"], bare).get().databaseURL?
                .description
                == "postgres://own/x")
        #expect(try SettingsReading.read(["--embedded"], bare).get().databaseURL == nil)
        #expect(
            SettingsReading.mistakes([], ["DATABASE_URL": "nonsense"]).first?.hasPrefix(
                "DATABASE_URL cannot be used") == true
        )
    }

    @Test("A command that needs a database names both choices, unless one was named")
    func databaseChoices() {
        func told(_ arguments: [String]) -> [String] {
            do throws(SettingsReader.Mistakes) {
                _ = try SettingsReader.read(arguments: arguments, environment: [:], needsDatabase: true)
                return []
            } catch {
                return error.sentences
            }
        }
        #expect(told([]).count == 1 && told([])[0].contains("--embedded"))
        #expect(told(["--embedded"]) == [] && told(["--database-url", "postgres:///x"]) == [])
        #expect(told(["--database-url", "nonsense"]).count == 1)
        #expect(told(["--database-url", "nonsense"])[0].hasPrefix("--database-url cannot be used"))
    }

    @Test("A database of one's own and the embedded one exclude each other")
    func exclusiveDatabases() {
        #expect(SettingsReading.mistakes(["--embedded", "--database-url", "postgres:///x"]).count == 1)
    }

    @Test("Off loopback the admin port needs a token")
    func adminTokenOffLoopback() {
        #expect(SettingsReading.mistakes(["--admin-listen", "0.0.0.0:9901"]).count == 1)
        #expect(SettingsReading.mistakes(["--admin-listen", "[::]:9901"]).count == 1)
        #expect(SettingsReading.mistakes(["--admin-listen", "admin.example:9901"]).count == 1)
        let token = String(repeating: "t", count: Limits.shortestSecret)
        #expect(SettingsReading.mistakes(["--admin-listen", "0.0.0.0:9901", "--admin-token", token]) == [])
        for local in ["127.0.0.2:1", "[::1]:1", "localhost:1"] {
            #expect(SettingsReading.mistakes(["--admin-listen", local]) == [])
        }
    }

    @Test("Two listeners cannot share a port, but both may let the system choose")
    func sharedPort() {
        #expect(
            SettingsReading.mistakes(["--listen", "127.0.0.1:7", "--admin-listen", "127.0.0.1:7"]).count == 1)
        #expect(SettingsReading.mistakes(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]) == [])
    }

    @Test("Keys come over plain http from loopback alone, unless that is allowed")
    func plainKeyURLs() {
        for local in ["127.0.0.1:5000", "localhost", "{region}.localhost:1", "[::1]:9"] {
            #expect(
                SettingsReading.mistakes(["--jwks-url-template", "http://\(local)/{pool}"]) == [], "\(local)")
        }
        for far in ["keys.example", "127.0.0.1.example", "10.0.0.1", "localhost.example", "[::2]:1"] {
            #expect(
                SettingsReading.mistakes(["--jwks-url-template", "http://\(far)/{pool}"]).count == 1, "\(far)"
            )
            let allowed = ["--jwks-url-template", "http://\(far)/{pool}", "--allow-insecure-jwks"]
            #expect(SettingsReading.mistakes(allowed) == [], "\(far)")
        }
        #expect(
            SettingsReading.mistakes(["--jwks-url-template", "https://keys.example/{region}/{pool}"]) == [])
    }

    @Test(
        "A template that would not tell pools apart, or is no plain URL, is refused",
        arguments: [
            "keys.example/{pool}", "https://keys.example/fixed", "https://keys.example/{pol}/{pool}",
            "ftp://k/{pool}",
            "http://localhost:x@evil.example/{pool}", "https://k/{pool}#x", "https:///{pool}",
            "https://k/ {pool}",
        ])
    func keyURLTemplates(text: String) {
        #expect(SettingsReading.mistakes(["--jwks-url-template", text]).count == 1)
        #expect(SettingsReading.mistakes(["--issuer-template", text]).count == 1)
    }

    @Test(
        "A value is taken or refused by its own rule",
        arguments: [
            ("--workers", ["1", "1024"], ["0", "1025", "-1", "+1", "1.0", "two", "99999999999999999999"]),
            ("--max-headers", ["1", "10000"], ["0", "10001", " 1"]),
            (
                "--max-head-bytes", ["1024", "1KiB", "1 MiB", "1048576"],
                ["1023", "1048577", "2GiB", "x", "-1KiB", "1 K"]
            ),
            ("--max-target-bytes", ["128", "16kib"], ["127", "2MiB"]),
            ("--max-header-bytes", ["128", "1MiB"], ["127", "1048577"]),
            ("--max-body-bytes", ["1", "8GiB"], ["0", "none", "9999999999999999999GiB"]),
            ("--token-cache-bytes", ["1MiB", "1024GiB"], ["1048575", "1025GiB"]),
            ("--max-staleness", ["15s", "365d"], ["0", "14999ms", "366d", "1"]),
            ("--drain-timeout", ["0", "0s", "24h", "1500ms"], ["25h", "30", "1w", "s", "-1s", "٣s"]),
            ("--shutdown-delay", ["0", "1h"], ["61m", "1 minute"]),
            ("--log-level", ["trace", "critical", "INFO"], ["warn", "off"]),
            ("--log-format", ["json", "TEXT"], ["xml"]),
            ("--access-log", [], []),
            (
                "--listen", ["127.0.0.1:0", "0.0.0.0:65535", "[::1]:8080", "gate.example:80"],
                [
                    "127.0.0.1", ":8080", "127.0.0.1:65536", "::1:80", "[::1]", "[x]:1", "a b:1", "h:-1",
                    "h:",
                    "http://h:1",
                ]
            ),
            (
                "--admin-hosts", ["a.example", "A.example, b.example", "127.0.0.1"],
                ["a.example:80", "*.example", "a_!b"]
            ),
            (
                "--upstream", ["http://u", "https://u", "http://u:8443 http://v:1", "http://[::1]:3000"],
                [
                    "u:80", "http://u/path", "http://u  http://v", "http://u:0", "ftp://u", "http://u@v",
                ]
            ),
            ("--upstream-cas", ["/tmp"], ["/nonexistent", "/dev/null"]),
            (
                "--trusted-proxies", ["10.0.0.0/8", "10.0.0.0/8, fd00::/8"],
                ["10.0.0.0/33", "balancer.example"]
            ),
            ("--proxy-protocol", ["off", "v2", "V2"], ["v1", "on", "2"]),
            ("--max-upstream-connections", ["1", "1000000"], ["0", "1000001", "x"]),
            ("--upstream-wait", ["1ms", "60s"], ["0", "61s", "2"]),
            ("--max-connections", ["1", "10000000"], ["0", "10000001"]),
            ("--max-connections-per-address", ["1", "10000000"], ["0", "10000001"]),
            ("--max-requests-per-connection", ["1", "1000000000000"], ["0", "-1"]),
            ("--head-timeout", ["1s", "1h"], ["999ms", "61m"]),
            ("--idle-timeout", ["1s", "24h"], ["999ms", "25h"]),
            (
                "--upstream-networks", ["10.0.0.0/8", "10.0.0.0/8, fd00::/8,192.0.2.1"],
                ["10.0.0.0/33", "u.example", "10/8"]
            ),
            ("--egress-proxy", ["http://p:3128", "socks5h://p:1"], ["p:3128", "http://", "http://p q"]),
            ("--ca-file", ["/dev/null"], ["/nonexistent/ca.pem"]),
            (
                "--database-url", ["postgres://h/d", "host=h dbname=d"],
                ["mysql://h/d", "postgres://h/d?wat=1", "postgres://h/d?connect_timeout=x"]
            ),
            ("--caller-secret", ["x", "a-long.token_~+/="], ["a b", "ä", "a\tb"]),
            ("--trusted-callers", ["10.0.0.0/8,::1"], ["10.0.0.0/33", "nginx.example"]),
            ("--admin-token", ["x", "a-long.token_~+/="], ["a b", "ä", "a\tb"]),
        ])
    func valueRules(flag: String, good: [String], bad: [String]) {
        for value in good { #expect(SettingsReading.mistakes([flag, value]) == [], "\(flag) \(value)") }
        for value in bad { #expect(SettingsReading.mistakes([flag, value]).count == 1, "\(flag) \(value)") }
    }

    @Test("A switch stands alone or with a value of its own")
    func switches() throws {
        #expect(try SettingsReading.read(["--embedded", "--workers", "2"]).get().isEmbedded)
        #expect(
            try !SettingsReading.read(["--embedded=false"], ["POOLGATE_EMBEDDED": "true"]).get().isEmbedded)
        #expect(try SettingsReading.read([], ["POOLGATE_EMBEDDED": "yes"]).get().isEmbedded)
        #expect(
            SettingsReading.mistakes(["--embedded=maybe"]) == ["--embedded 'maybe' is neither true nor false"]
        )
        #expect(SettingsReading.mistakes(["--embedded", "true"]).count == 1)
    }

    @Test("A message shows what was written without letting it act")
    func printableMessages() {
        let told = SettingsReading.mistakes([
            "--workers", "1\u{1B}[2J\u{7F}\n\u{202E}" + String(repeating: "9", count: 500),
        ])
        #expect(told.count == 1)
        #expect(
            told[0].utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && told[0].contains("…")
                && told[0].count < 350)
    }
}

/// A YAML file with every setting as a comment: its meaning, and its default or an example.
enum ConfigurationExample {
    /// The file, without the line end of its last line.
    static let text: String = {
        var lines = [
            "# Settings of poolgate (https://yaml.org). Each one stands here with its default, or with an example where it has",
            "# none. Take the '#' away before what you change. A flag (--listen) and an environment variable (POOLGATE_LISTEN)",
            "# beat this file. 'poolgate config show' says what is in use, and where it comes from.",
        ]
        for setting in Setting.all {
            lines.append("")
            if let title = titles[setting.name] { lines += ["# \(title)", ""] }
            lines += wrapped(meaning(of: setting))
            lines.append("#\(setting.name): \(value(of: setting))")
        }
        return lines.joined(separator: "\n")
    }()

    /// The headings, each before the setting that its part begins with.
    private static let titles = [
        "listen": "---- Listeners", "database-url": "---- Database and state", "upstream": "---- Upstreams",
        "jwks-url-template": "---- Keys", "workers": "---- Bounds", "head-timeout": "---- Times",
        "log-level": "---- Log",
    ]

    /// What the settings without a default may look like.
    static let examples = [
        "tls-listen": "0.0.0.0:8443",
        "tls-certificates": "/etc/poolgate/certificates",
        "forward-auth-listen": "127.0.0.1:8081",
        "ext-authz-listen": "127.0.0.1:8082",
        "trusted-callers": "10.0.0.0/8,127.0.0.0/8",
        "caller-secret": "a-long-random-word",
        "trusted-proxies": "10.0.0.0/8,fd00::/8",
        "admin-token": "a-long-random-word",
        "admin-hosts": "poolgate.internal.example",
        "database-url": "postgres://gateway@db.internal.example/poolgate",
        "upstream": "http://127.0.0.1:3000",
        "upstream-networks": "10.0.0.0/8,127.0.0.0/8",
        "upstream-cas": "/etc/poolgate/cas",
        "jwks-url-template": "https://cognito-idp.{region}.amazonaws.com/{pool}/.well-known/jwks.json",
        "issuer-template": "https://cognito-idp.{region}.amazonaws.com/{pool}",
        "egress-proxy": "http://proxy.internal.example:3128",
        "ca-file": "/etc/ssl/certs/ca-certificates.crt",
        "signing-keys": "/etc/poolgate/signing-keys",
        "max-body-bytes": "16MiB",
        "max-connections": "10000",
        "max-connections-per-address": "200",
        "max-staleness": "1h",
        "log-format": "json",
        "traces-endpoint": "http://127.0.0.1:4318",
        "traces-headers": "authorization=Bearer a-collectors-key",
    ]

    /// The setting's meaning, and that what follows is an example where it is one.
    private static func meaning(of setting: Setting) -> String {
        let isExample = setting.initial.isEmpty && !setting.meaning.contains("unless set")
        return setting.meaning + (isExample ? " (not set unless you do; an example:)" : "")
    }

    private static func value(of setting: Setting) -> String {
        let text =
            setting.initial.isEmpty
            ? examples[setting.name] ?? setting.placeholder ?? "true" : setting.initial
        // Words that YAML takes for truth values, and signs that mean something to it.
        let isPlain = text.allSatisfy { $0.isLetter || $0.isNumber || "./-:,".contains($0) }
        return isPlain && !["on", "off", "yes", "no"].contains(text) ? text : "'\(text)'"
    }

    /// A comment in lines that fit a narrow window.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = "#"
        for word in text.split(separator: " ") {
            if line.count > 1, line.count + 1 + word.count > Limits.exampleColumns {
                lines.append(line)
                line = "#"
            }
            line += " \(word)"
        }
        return lines + [line]
    }
}

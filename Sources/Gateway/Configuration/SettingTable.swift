import DataPlane
import Gatekeeper
import HTTPMessage
import Logging
import NIOCore
import Postgres

extension Setting {
    /// Every setting. Parsing, the help and the documents' table are made from this list.
    static let all: [Setting] = listeners + database + upstream + keys + assertions + bounds + times + log

    /// The setting of that name; nil where there is none.
    static func named(_ name: String) -> Setting? {
        all.first { $0.name.utf8.elementsEqual(name.utf8) }
    }

    private static let listeners = [
        Setting("listen", "HOST:PORT", initial: "127.0.0.1:8080", "the proxy; port 0 lets the system choose")
        {
            guard let address = ListenAddress($0) else { return addressAdvice }
            $1.listen = address
            return nil
        },
        Setting("tls-listen", "HOST:PORT", "the proxy with TLS in front, beside 'listen'") {
            guard let address = ListenAddress($0) else { return addressAdvice }
            $1.tlsListen = address
            return nil
        },
        folder(
            "tls-certificates",
            "folder of pairs NAME.crt and NAME.key for 'tls-listen', read again as they change"
        ) { $0.tlsCertificates = $1 },
        Setting(
            "forward-auth-listen", "HOST:PORT",
            "where nginx, Traefik and Caddy ask whether a request may pass, and Envoy by HTTP"
        ) {
            guard let address = ListenAddress($0) else { return addressAdvice }
            $1.forwardAuthListen = address
            return nil
        },
        Setting("ext-authz-listen", "HOST:PORT", "where Envoy asks so by gRPC (ext_authz)") {
            guard let address = ListenAddress($0) else { return addressAdvice }
            $1.extAuthzListen = address
            return nil
        },
        networks(
            "trusted-callers",
            "networks (CIDR) from which 'forward-auth-listen' and 'ext-authz-listen' may be asked, comma-separated"
        ) { $0.trustedCallers = $1 },
        Setting(
            "caller-secret", "SECRET", isSecret: true,
            """
            what may ask them from anywhere, as the value of X-Poolgate-Caller; where other machines can reach them, of \
            \(Limits.shortestSecret) characters or more
            """
        ) {
            guard $0.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return tokenAdvice }
            $1.callerSecret = Secret(bytes: Array($0.utf8))
            return nil
        },
        networks(
            "trusted-proxies",
            """
            networks (CIDR) of balancers that are believed about X-Forwarded-For, -Proto and -Port and in PROXY \
            headers, comma-separated
            """
        ) { $0.trustedProxies = $1 },
        Setting(
            "proxy-protocol", "VERSION", initial: "off",
            "v2 where every connection begins with a PROXY header of that version, else off"
        ) {
            switch $0.lowercased() {
            case "off": $1.expectsProxyHeader = false
            case "v2": $1.expectsProxyHeader = true
            default: return "is neither off nor v2"
            }
            return nil
        },
        Setting(
            "http2", "on|off", initial: "on",
            "HTTP/2 for clients: by ALPN with TLS, by prior knowledge in clear"
        ) {
            guard let value = Quantity.boolean($0) else { return "is neither on nor off" }
            $1.speaksHTTP2 = value
            return nil
        },
        Setting(
            "admin-listen", "HOST:PORT", initial: "127.0.0.1:9901",
            "the admin port: /live, /ready and /status; off loopback it needs admin-token"
        ) {
            guard let address = ListenAddress($0) else { return addressAdvice }
            $1.adminListen = address
            return nil
        },
        Setting(
            "admin-token", "TOKEN", isSecret: true,
            "what the admin port asks for as 'Authorization: Bearer TOKEN', but for /live and /ready; off loopback it has "
                + "\(Limits.shortestSecret) characters or more"
        ) {
            guard $0.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return tokenAdvice }
            $1.adminToken = Secret(bytes: Array($0.utf8))
            return nil
        },
        Setting(
            "admin-hosts", "HOSTS",
            "names by which the admin port may be addressed besides addresses and localhost, comma-separated"
        ) {
            let names = list($0)
            let hosts = names.compactMap { Host(exact: $0.lowercased()) }
            guard hosts.count == names.count else { return "is no list of host names without ports" }
            $1.adminHosts = hosts
            return nil
        },
    ]

    private static let database = [
        Setting(
            "database-url", "URL", isSecret: true,
            "Postgres, as libpq writes it; DATABASE_URL counts where nothing else names a database"
        ) {
            do throws(PostgresError) {
                $1.databaseURL = try PostgresURL($0)
                return nil
            } catch {
                return "cannot be used: \(error)"
            }
        },
        toggle("embedded", "run a private Postgres under the state directory instead", \.isEmbedded),
        Setting(
            "state-dir", "FOLDER", initial: ".poolgate",
            "copy of the last good tenants and key sets, and the embedded Postgres; made 0700"
        ) {
            $1.stateDirectory = $0
            return nil
        },
    ]

    private static let upstream = [
        Setting(
            "upstream", "ORIGINS", isSecret: true,
            """
            where requests go when a row names no upstream, such as http://127.0.0.1:3000; several origins with \
            single spaces between
            """
        ) {
            guard let origins = Origin.list($0) else { return URLFlaw.ofOrigins($0) }
            $1.upstreams = origins
            return nil
        },
        networks(
            "upstream-networks", "networks (CIDR) that upstreams must lie in, comma-separated; any unless set"
        ) {
            $0.upstreamNetworks = $1
        },
        folder("upstream-cas", "folder of CA files NAME.pem by which rows have https upstreams verified") {
            $0.upstreamCAs = $1
        },
        number(
            "max-upstream-connections", initial: "1024",
            "connections to one origin, shared out to the event loops",
            in: 1...1_000_000, \.maxUpstreamConnections),
        time(
            "upstream-wait", initial: "2s", "how long a request waits for one of them to be free",
            in: .milliseconds(1) ... .seconds(60)
        ) { $0.upstreamWait = $1 },
    ]

    private static let keys = [
        Setting(
            "jwks-url-template", "URL", isSecret: true,
            """
            where a pool's keys are, {region} and {pool} filled in, {pool} must stand in it; AWS's address by \
            partition unless set
            """
        ) {
            guard let template = template($0) else { return URLFlaw.ofTemplate($0) }
            $1.jwksTemplate = template
            return nil
        },
        Setting(
            "issuer-template", "URL", isSecret: true,
            "the iss of a pool's tokens, {region} and {pool} filled in; AWS's forms by partition unless set"
        ) {
            guard let template = template($0) else { return URLFlaw.ofTemplate($0) }
            $1.issuerTemplate = template
            return nil
        },
        toggle(
            "allow-insecure-jwks", "let 'jwks-url-template' be plain http to other machines too",
            \.allowsInsecureJWKS),
        Setting(
            "egress-proxy", "URL", isSecret: true,
            "the proxy for key fetches, http://, https:// or socks5h://; the environment's are ignored"
        ) {
            guard let proxy = ProxyAddress($0) else { return URLFlaw.ofProxy($0) }
            $1.egressProxy = proxy.text
            return nil
        },
        Setting(
            "ca-file", "FILE",
            """
            PEM file of the authorities that key endpoints, and an https proxy before them, are trusted by; the \
            system's unless set
            """
        ) {
            if let flaw = ConfigurationFile.flaw(of: $0) { return flaw }
            $1.caFile = $0
            return nil
        },
    ]

    private static let bounds = [
        number(
            "workers", initial: String(System.coreCount),
            "event loops of the proxy; the number of cores unless set",
            in: 1...1_024, \.workers),
        size(
            "max-head-bytes", initial: "32KiB", "a request's head", in: 1_024...1_048_576,
            \.headLimits.headBytes),
        size(
            "max-target-bytes", initial: "16KiB", "a request's target", in: 128...1_048_576,
            \.headLimits.targetBytes),
        number(
            "max-headers", initial: "100", "header lines of a request", in: 1...10_000,
            \.headLimits.fieldCount),
        size(
            "max-header-bytes", initial: "16KiB", "one header line", in: 128...1_048_576,
            \.headLimits.fieldBytes),
        size(
            "max-answer-head-bytes", initial: "256KiB", "the head of an upstream's answer",
            in: 1_024...16_777_216, \.responseHeadBytes),
        number(
            "max-answer-headers", initial: "1000", "header lines of an upstream's answer", in: 1...100_000,
            \.responseLimits.fieldCount),
        Setting("max-body-bytes", "SIZE", "a request's body; no bound unless set") {
            guard let bytes = Quantity.bytes($0) else { return sizeAdvice }
            guard bytes > 0 else { return "would refuse every body: leave it out for no bound" }
            $1.maxBodyBytes = UInt64(bytes)
            return nil
        },
        optionalNumber(
            "max-connections",
            "client connections; half of the descriptors, less 128, unless set",
            in: 1...10_000_000
        ) { $0.maxConnections = $1 },
        optionalNumber(
            "max-connections-per-address",
            "connections from one address, behind trusted proxies requests of one client; no bound unless set",
            in: 1...10_000_000
        ) { $0.maxConnectionsPerAddress = $1 },
        number(
            "max-requests-per-connection", initial: "100000", "requests of one client connection",
            in: 1...1_000_000_000_000, \.maxRequestsPerConnection),
        size(
            "token-cache-bytes", initial: "128MiB",
            "memory for verified tokens, all loops together; at least 8MiB a loop",
            in: 1_048_576...1_099_511_627_776, \.tokenCacheBytes),
    ]

    private static let times = [
        time(
            "head-timeout", initial: "15s",
            """
            how long a request's head may take, from its first byte or the connection's first moment; a TLS \
            handshake counts
            """,
            in: .seconds(1) ... .seconds(3_600)
        ) { $0.headTimeout = $1 },
        time(
            "idle-timeout", initial: "75s",
            "how long a client's connection is kept between requests; longer than the balancer before it keeps its own",
            in: .seconds(1) ... .seconds(86_400)
        ) { $0.idleTimeout = $1 },
        time(
            "max-staleness",
            """
            a tenant directory not confirmed for this long is not served (503 stale); it is confirmed about every \
            5 s, so leave room; no bound unless set
            """,
            // A healthy directory is confirmed about every five seconds, so a smaller bound would refuse requests for nothing.
            in: .seconds(15) ... .seconds(31_536_000)
        ) { $0.maxStaleness = $1 },
        time(
            "drain-timeout", initial: "30s", "after SIGTERM, how long requests under way may take",
            in: .zero ... .seconds(86_400)
        ) { $0.drainTimeout = $1 },
        time(
            "shutdown-delay", initial: "0", "after SIGTERM, how long to go on accepting, unready",
            in: .zero ... .seconds(3_600)
        ) { $0.shutdownDelay = $1 },
    ]

    private static let log = [
        Setting(
            "log-level", "LEVEL", initial: "info", "trace, debug, info, notice, warning, error or critical"
        ) {
            guard let level = Logger.Level(rawValue: $0.lowercased()) else {
                return "is none of trace, debug, info, notice, warning, error and critical"
            }
            $1.logLevel = level
            return nil
        },
        Setting("log-format", "FORMAT", "json or text; text on a terminal and json elsewhere unless set") {
            guard let format = LogFormat(rawValue: $0.lowercased()) else { return "is neither json nor text" }
            $1.logFormat = format
            return nil
        },
        toggle("access-log", "a line for every request, not only for refusals", \.hasAccessLog),
        Setting(
            "traces-endpoint", "URL", isSecret: true,
            """
            the OpenTelemetry collector that traces go to, by OTLP over HTTP, such as http://127.0.0.1:4318; none unless \
            set
            """
        ) {
            guard let endpoint = TracesEndpoint($0) else {
                return "is no http:// or https:// URL without user name, query and fragment: "
                    + "write one such as http://127.0.0.1:4318"
            }
            $1.tracesEndpoint = endpoint
            return nil
        },
        Setting(
            "traces-ratio", "RATIO", initial: "0.01",
            "how many of the traces that begin here are recorded, from 0 to 1; one under way goes by its parent"
        ) {
            guard let ratio = Double($0), (0...1).contains(ratio) else { return "is no number from 0 to 1" }
            $1.tracesRatio = ratio
            return nil
        },
        Setting(
            "traces-headers", "FIELDS", isSecret: true,
            "header fields of each export, NAME=VALUE, comma-separated, such as a collector's key"
        ) {
            guard let headers = TracesHeaders($0) else {
                return "is no list of NAME=VALUE, separated by commas, in printable ASCII"
            }
            $1.tracesHeaders = headers
            return nil
        },
    ]

    // MARK: Parts

    /// A setting that names a folder, which must be there.
    static func folder(
        _ name: String, _ meaning: String, _ set: @escaping @Sendable (inout Settings, String) -> Void
    ) -> Setting {
        Setting(name, "FOLDER", meaning) {
            if let flaw = ConfigurationFile.folderFlaw(of: $0) { return flaw }
            set(&$1, $0)
            return nil
        }
    }

    private static func networks(
        _ name: String, _ meaning: String, _ set: @escaping @Sendable (inout Settings, [AddressRange]) -> Void
    ) -> Setting {
        Setting(name, "CIDRS", meaning) {
            let texts = list($0)
            let ranges = texts.compactMap { AddressRange($0) }
            guard ranges.count == texts.count else {
                return "is no list of networks such as 10.0.0.0/8,fd00::/8, separated by commas"
            }
            if let flaw = texts.lazy.compactMap(BareNetwork.flaw).first { return flaw }
            set(&$1, ranges)
            return nil
        }
    }

    private static let tokenAdvice =
        "holds a character that no header can carry: use letters, digits and signs of ASCII"

    private static let addressAdvice =
        "is no address to listen on: write HOST:PORT, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080"

    /// The elements of a comma-separated list, without blanks around them; empty ones are left out.
    private static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.drop { $0 == " " } }.map { part in
            String(part.reversed().drop { $0 == " " }.reversed())
        }.filter { !$0.isEmpty }
    }

    /// A template of URLs; nil where it cannot be used. Without `{pool}` all pools would share one issuer or one key set, and
    /// the tokens of each would be good for all.
    private static func template(_ text: String) -> URLTemplate? {
        let bare = text.replacing("{region}", with: "").replacing("{pool}", with: "")
        guard text.contains("{pool}"), !bare.contains(where: { "{}@#".contains($0) }) else { return nil }
        return URLTemplate(text)
    }
}

import DataPlane
import Gatekeeper
import HTTPMessage
import Logging
import NIOCore
import Postgres

/// Everything that an operator may set, parsed. The values here are the defaults.
struct Settings: Sendable {
    var listen = ListenAddress(host: "127.0.0.1", port: 8080)
    /// Where clients connect with TLS, and the folder of the certificates; neither without the other.
    var tlsListen: ListenAddress?
    var tlsCertificates: String?
    /// The networks of load balancers whose `X-Forwarded-*` headers are trusted.
    var trustedProxies: [AddressRange] = []
    /// Where proxies ask whether requests may pass, by HTTP and by gRPC; nil opens no such listener.
    var forwardAuthListen: ListenAddress?
    var extAuthzListen: ListenAddress?
    /// The networks from which they may ask, and what they may know instead.
    var trustedCallers: [AddressRange] = []
    var callerSecret: Secret?
    /// Whether every client connection begins with a PROXY header, version 2.
    var expectsProxyHeader = false
    var speaksHTTP2 = true
    var adminListen = ListenAddress(host: "127.0.0.1", port: 9901)
    /// The bearer token that the admin port demands; nil where it demands none.
    var adminToken: Secret?
    /// The names by which the admin port may be addressed, besides loopback names and addresses.
    var adminHosts: [Host] = []

    var databaseURL: PostgresURL?
    /// Whether a private Postgres is run under the state directory.
    var isEmbedded = false
    var stateDirectory = ".poolgate"

    /// Where requests go when a row names no upstream.
    var upstreams: [Origin] = []
    /// Networks that upstreams must lie in; empty allows every one.
    var upstreamNetworks: [AddressRange] = []
    /// The folder of CA files that rows name.
    var upstreamCAs: String?
    var maxUpstreamConnections = 1024
    var upstreamWait = Duration.seconds(2)

    var jwksTemplate: URLTemplate?
    var issuerTemplate: URLTemplate?
    var allowsInsecureJWKS = false
    var egressProxy: String?
    var caFile: String?

    /// The folder of keys that sign assertions; nil where there are none.
    var signingKeys: String?
    /// How long a new key is published before it signs.
    var signingKeyDelay = Duration.seconds(900)
    var assertionIssuer = "poolgate"
    /// Whether the proxy shows the key set, and not only the admin port.
    var publishesSigningKeys = false

    var workers = System.coreCount
    var headLimits = HeadLimits()
    /// Bounds of the heads of upstreams' responses.
    var responseLimits = HeadLimits.responses
    /// Nil for no bound.
    var maxBodyBytes: UInt64?
    /// How many client connections may be open; nil for half of the file descriptors, less some that are kept.
    var maxConnections: Int?
    var maxConnectionsPerAddress: Int?
    var maxRequestsPerConnection = 100_000
    var headTimeout = Duration.seconds(15)
    var idleTimeout = Duration.seconds(75)
    var tokenCacheBytes = 128 * 1024 * 1024
    /// A directory older than this is not served; nil for no bound.
    var maxStaleness: Duration?
    var drainTimeout = Duration.seconds(30)
    var shutdownDelay = Duration.zero

    var logLevel = Logger.Level.info
    /// Nil means text on a terminal and JSON elsewhere.
    var logFormat: LogFormat?
    /// Whether the log has a line for every request, and not only for refusals.
    var hasAccessLog = false

    /// Where traces are sent; nil for nowhere.
    var tracesEndpoint: TracesEndpoint?
    /// How many of the traces that begin here are recorded, from 0 to 1.
    var tracesRatio = 0.01
    var tracesHeaders: TracesHeaders?

    /// The defaults.
    init() {}

    /// A listener of the data plane, and the setting that it is from.
    struct Listener {
        let name: ListenerName
        let flag: String
        let address: ListenAddress
    }

    /// The listeners of the data plane that are set.
    var listeners: [Listener] {
        let all: [(ListenerName, String, ListenAddress?)] = [
            (.proxy, "--listen", listen), (.tls, "--tls-listen", tlsListen),
            (.forwardAuth, "--forward-auth-listen", forwardAuthListen),
            (.extAuthz, "--ext-authz-listen", extAuthzListen),
        ]
        return all.compactMap { name, flag, address in
            address.map { Listener(name: name, flag: flag, address: $0) }
        }
    }

    /// The largest head of an upstream's response, which a single line may fill.
    var responseHeadBytes: Int {
        get { responseLimits.headBytes }
        set {
            responseLimits.headBytes = newValue
            responseLimits.fieldBytes = newValue
        }
    }
}

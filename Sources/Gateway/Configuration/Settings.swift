import DataPlane
import Gatekeeper
import HTTP1
import Logging
import NIOCore
import Postgres

/// Everything an operator may set, parsed; the values that stand here are the defaults.
struct Settings: Sendable {
    var listen = ListenAddress(host: "127.0.0.1", port: 8080)
    /// Where clients connect with TLS, and the folder of the certificates; neither without the other.
    var tlsListen: ListenAddress?
    var tlsCertificates: String?
    /// Balancers that are believed about a request's way.
    var trustedProxies: [AddressRange] = []
    /// Whether every connection begins with a PROXY header.
    var expectsProxyHeader = false
    var adminListen = ListenAddress(host: "127.0.0.1", port: 9901)
    /// The bearer token of the admin port; nil asks for none.
    var adminToken: Secret?
    /// Names other than loopback's by which the admin port may be addressed.
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

    var workers = System.coreCount
    var headLimits = HeadLimits()
    /// Of upstreams' answers.
    var answerLimits = HeadLimits.answers
    /// Nil for no bound.
    var maxBodyBytes: UInt64?
    /// Nil leaves room for as many upstream connections among the descriptors.
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
    /// Nil chooses by where standard error goes.
    var logFormat: LogFormat?
    /// Whether every request leaves a line, not only refusals.
    var hasAccessLog = false

    init() {}

    /// Bytes of the head of an upstream's answer, which one line may fill.
    var answerHeadBytes: Int {
        get { answerLimits.headBytes }
        set {
            answerLimits.headBytes = newValue
            answerLimits.fieldBytes = newValue
        }
    }
}

import ControlPlane
import DataPlane
import Gatekeeper

extension IssuerForms {
    /// The forms of issuers and of their key endpoints' URLs, as the settings give them.
    init(_ settings: Settings) {
        self.init(issuerTemplate: settings.issuerTemplate, keysTemplate: settings.jwksTemplate)
    }
}

extension TenantParser {
    /// Makes tenants by the settings that hold for all of them.
    init(_ settings: Settings) {
        self.init(issuerForms: IssuerForms(settings), defaultUpstreams: settings.upstreams)
    }
}

extension KeyFetcher {
    /// A fetcher with the settings' key endpoints, authorities and proxy.
    convenience init(_ settings: Settings) {
        self.init(
            issuerForms: IssuerForms(settings),
            egress: EgressSettings(caFile: settings.caFile, proxy: settings.egressProxy))
    }
}

extension ProxySettings {
    /// The proxy's part of the settings. `descriptors` is how many file descriptors the process may open.
    ///
    /// `traces` is where requests of recorded traces are left.
    init(_ settings: Settings, descriptors: Int, traces ring: RecordRing) {
        self.init()
        traces = settings.tracesEndpoint.map { _ in
            TraceSettings(ratio: settings.tracesRatio, records: ring)
        }
        listenHost = settings.listen.host
        listenPort = settings.listen.port
        if let listen = settings.tlsListen, let folder = settings.tlsCertificates {
            tls = TLSListener(host: listen.host, port: listen.port, certificateFolder: folder)
        }
        questions = settings.forwardAuthListen.map { Endpoint(host: $0.host, port: $0.port) }
        externalAuthorization = settings.extAuthzListen.map { Endpoint(host: $0.host, port: $0.port) }
        trustedCallers = settings.trustedCallers
        callerSecret = settings.callerSecret
        expectsProxyHeader = settings.expectsProxyHeader
        speaksHTTP2 = settings.speaksHTTP2
        trustedProxies = settings.trustedProxies
        workers = settings.workers
        maxConnections =
            settings.maxConnections ?? max(Limits.fewestConnections, descriptors / 2 - Limits.descriptorsKept)
        maxConnectionsPerAddress = settings.maxConnectionsPerAddress
        maxRequestsPerConnection = settings.maxRequestsPerConnection
        headTimeout = settings.headTimeout
        idleTimeout = settings.idleTimeout
        maxUpstreamConnections = settings.maxUpstreamConnections
        upstreamWait = settings.upstreamWait
        upstreamAuthorities = settings.upstreamCAs
        headLimits = settings.headLimits
        responseLimits = settings.responseLimits
        maxBodyBytes = settings.maxBodyBytes
        upstreamNetworks = settings.upstreamNetworks
        tokenCacheBytes = settings.tokenCacheBytes
        publishesSigningKeys = settings.publishesSigningKeys
        recordsEveryRequest = settings.hasAccessLog
        descriptorLimit = descriptors
    }
}

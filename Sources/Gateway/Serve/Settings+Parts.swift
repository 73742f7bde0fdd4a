import ControlPlane
import DataPlane
import Gatekeeper

extension IssuerForms {
    init(_ settings: Settings) {
        self.init(issuerTemplate: settings.issuerTemplate, keysTemplate: settings.jwksTemplate)
    }
}

extension TenantParser {
    init(_ settings: Settings) {
        self.init(issuerForms: IssuerForms(settings), defaultUpstreams: settings.upstreams)
    }
}

extension KeyFetcher {
    convenience init(_ settings: Settings) {
        self.init(
            issuerForms: IssuerForms(settings),
            egress: EgressSettings(caFile: settings.caFile, proxy: settings.egressProxy))
    }
}

extension ProxySettings {
    init(_ settings: Settings, descriptors: Int) {
        self.init()
        listenHost = settings.listen.host
        listenPort = settings.listen.port
        if let listen = settings.tlsListen, let folder = settings.tlsCertificates {
            tls = TLSListener(host: listen.host, port: listen.port, certificateFolder: folder)
        }
        expectsProxyHeader = settings.expectsProxyHeader
        trustedProxies = settings.trustedProxies
        workers = settings.workers
        maxConnections = settings.maxConnections ?? max(64, descriptors / 2 - 128)
        maxConnectionsPerAddress = settings.maxConnectionsPerAddress
        maxRequestsPerConnection = settings.maxRequestsPerConnection
        headTimeout = settings.headTimeout
        idleTimeout = settings.idleTimeout
        maxUpstreamConnections = settings.maxUpstreamConnections
        upstreamWait = settings.upstreamWait
        upstreamAuthorities = settings.upstreamCAs
        headLimits = settings.headLimits
        answerLimits = settings.answerLimits
        maxBodyBytes = settings.maxBodyBytes
        upstreamNetworks = settings.upstreamNetworks
        tokenCacheBytes = settings.tokenCacheBytes
        recordsEveryRequest = settings.hasAccessLog
        descriptorLimit = descriptors
    }
}

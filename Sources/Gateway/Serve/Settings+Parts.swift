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
        workers = settings.workers
        headLimits = settings.headLimits
        maxBodyBytes = settings.maxBodyBytes
        upstreamNetworks = settings.upstreamNetworks
        tokenCacheBytes = settings.tokenCacheBytes
        recordsEveryRequest = settings.hasAccessLog
        descriptorLimit = descriptors
    }
}

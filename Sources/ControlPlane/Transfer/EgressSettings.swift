/// How the requests that the gateway makes itself leave this machine.
package struct EgressSettings: Sendable {
    /// The path of a PEM file with the certificate authorities to trust; nil means the system's.
    package var caFile: String?
    /// The URL of the one proxy to use; nil means none. Proxies that the environment names are ignored.
    package var proxy: String?

    /// Without arguments: the system's authorities and no proxy.
    package init(caFile: String? = nil, proxy: String? = nil) {
        self.caFile = caFile
        self.proxy = proxy
    }
}

import Gatekeeper
import NIOCore
import NIOSSL

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why no connection to an upstream came about, in words: for `poolgate check`, and for the log.
enum UpstreamFailureWords {
    /// The reason as a sentence without its full stop, whose subject is the upstream; and what to do about it.
    static func words(_ error: any Error, _ upstream: Upstream) -> (reason: String, advice: String) {
        let (origin, name) = (upstream.origin, upstream.authority ?? "")
        switch error {
        case UpstreamResolver.Failure.unresolvable:
            return (
                "the name \(origin.host) has no address", "mend the name, or the resolver of this machine"
            )
        case UpstreamResolver.Failure.forbidden:
            return (
                "the name \(origin.host) leads to addresses where clouds tell secrets, which are never connected to",
                "name another upstream"
            )
        case UpstreamAuthorities.Failure.unknown:
            return (
                "there is no file \(name).pem in upstream-cas", "put it there, or mend the row's upstream_ca"
            )
        case UpstreamAuthorities.Failure.unreadable:
            return ("\(name).pem in upstream-cas holds no certificate", "write a PEM file of certificates")
        case is BlockingWorkFailure, ChannelError.connectTimeout:
            return (
                "it does not answer within \(Limits.upstreamConnect.nanoseconds / 1_000_000_000) s",
                "look at the service, and at what lies between"
            )
        case is NoHTTP2:
            return ("it does not agree to HTTP/2 (ALPN)", "write https:// where HTTP/1.1 is meant")
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return (
                "it refuses connections: nothing listens there", "start the service, or mend the upstream"
            )
        case let error as IOError:
            return (
                "\(String(cString: strerror(error.errnoCode)))",
                "look at the service, and at what lies between"
            )
        default: return tlsWords(error, upstream)
        }
    }

    /// The libraries tell the causes apart only in their texts.
    private static func tlsWords(_ error: any Error, _ upstream: Upstream) -> (reason: String, advice: String)
    {
        let authority = upstream.authority.map { "\($0).pem" } ?? "the system's authorities"
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return (
                "its certificate is not one that \(authority) vouches for, or it is not valid now",
                "renew it, or name its authority in the row's upstream_ca"
            )
        }
        if text.contains("failedToValidateHostname") || text.contains("hostname") {
            return (
                "its certificate is for another name than \(upstream.origin.host)",
                "name the upstream as its certificate does"
            )
        }
        if text.contains("WRONG_VERSION_NUMBER") || text.contains("HTTP_REQUEST") {
            return ("it does not speak TLS", "write http:// where that is meant")
        }
        return ("TLS does not come about", "look at the service's TLS")
    }
}

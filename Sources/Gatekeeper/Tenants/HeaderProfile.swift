/// Which other gateway's identity headers a service gets besides ours (ops/guide/identity-headers.md, "More headers").
enum HeaderProfile: String, Sendable {
    case poolgate
    case oauth2Proxy = "oauth2-proxy"
    case alb
    case authelia
}

/// Whose identity headers services read besides ours (CONTRACT.md, `header_profile`).
enum HeaderProfile: String, Sendable {
    case poolgate
    case oauth2Proxy = "oauth2-proxy"
    case alb
    case authelia
}

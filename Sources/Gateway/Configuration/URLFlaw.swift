import Gatekeeper

/// What is wrong with a URL among the settings, in sentences that quote none of it, because a part of it may be a secret in
/// the wrong place. Each sentence continues one that begins with the setting's name.
enum URLFlaw {
    /// How a user name and a password are to be written (RFC 3986 §2.1).
    static let encoding =
        "in its user name and password '/', '@', ':', '?', '#', '%' and blanks must be percent-encoded "
        + "(%2F, %40, %3A, %3F, %23, %25, %20)"

    /// What is wrong with a list of upstreams.
    static func ofOrigins(_ text: String) -> String {
        let flaw = text.split(separator: " ").lazy.compactMap { ofOrigin(String($0)) }.first
        return flaw ?? "is no http:// or https:// origin, or several separated by single spaces"
    }

    private static func ofOrigin(_ text: String) -> String? {
        guard Origin.list(text) == nil else { return nil }
        let form = "write an origin such as http://127.0.0.1:3000"
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            return text.contains("://")
                ? "begins with a scheme that is neither http:// nor https://: \(form)"
                : "has no http:// or https:// before it: \(form)"
        }
        if text.contains("@") {
            return "holds a user name or password, which upstreams cannot be given: \(form)"
        }
        let rest = text.drop { $0 != ":" }.dropFirst(3)
        if rest.contains(where: { "/?#".contains($0) }) {
            return "has something behind the host and port: \(form), without a path or a '/' at the end"
        }
        return "is no http:// or https:// origin: \(form)"
    }

    /// What is wrong with a template of a pool's issuer or key endpoint.
    static func ofTemplate(_ text: String) -> String {
        let form = "write a URL such as https://keys.example/{region}/{pool}"
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            return "is no http:// or https:// URL: \(form)"
        }
        guard text.contains("{pool}") else {
            return "has no {pool} in it, so that pools would share keys: \(form)"
        }
        if text.contains("@") { return "holds a user name, a password or an '@', which it may not: \(form)" }
        if text.contains("#") { return "holds a '#', which is never sent: \(form)" }
        return
            "holds a blank, a brace that is none of {region} and {pool}, or another sign that no URL has: \(form)"
    }

    /// What is wrong with the address of the egress proxy.
    static func ofProxy(_ text: String) -> String {
        let form =
            "write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, with USER:PASSWORD@ before the host "
            + "where the proxy asks for them"
        return "is no address of a proxy: \(form); \(encoding)"
    }
}

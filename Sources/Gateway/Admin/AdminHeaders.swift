import HTTPTypes

/// The header fields of every response of the admin port (OWASP Secure Headers Project).
enum AdminHeaders {
    /// Nothing may be loaded but from here, nothing inline runs, nobody may frame a page, and nothing is kept.
    ///
    /// The policy for `Referer` is not `no-referrer`, under which browsers send `Origin: null` with a form, so that a POST
    /// of our own page could not be told from another's (Fetch Standard, "append a request Origin header"). With
    /// `same-origin` no other site learns an address either.
    static let all: HTTPFields = {
        var fields = HTTPFields()
        fields[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        fields[.xContentTypeOptions] = "nosniff"
        fields[.cacheControl] = "no-store"
        for (name, value) in others {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }()

    /// Those that have no names of their own in the library.
    private static let others = [
        ("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Embedder-Policy", "require-corp"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ]

    /// Of a file whose name changes with its content.
    static let keptForGood = "public, max-age=31536000, immutable"
}

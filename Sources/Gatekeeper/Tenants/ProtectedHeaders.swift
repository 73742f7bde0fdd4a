/// Which header names of a client never reach an upstream.
///
/// Names are compared collapsed: small letters, and `_` for every byte that is no letter or digit, as CGI, WSGI, Rack,
/// PHP and nginx make variables of them (RFC 3875 §4.1.18). Services that read variables could else be told an identity
/// under another spelling (ops/guide/identity-headers.md, "What is stripped").
package struct ProtectedHeaders: Sendable {
    /// Collapsed names of the fields that are removed from every request.
    package static let names: [String] = [
        // What the gateway injects.
        "x_forwarded_user", "x_forwarded_groups", "x_forwarded_email",
        // What the gateway writes about the way of the request.
        "x_forwarded_for", "x_forwarded_host", "x_forwarded_proto", "x_forwarded_port", "x_forwarded_prefix",
        "forwarded", "x_real_ip",
        "x_request_id",
        // What frames a message or belongs to one connection (RFC 9110 §7.6.1).
        "host", "content_length", "transfer_encoding", "connection", "keep_alive", "proxy_connection", "te",
        "upgrade",
        "expect", "proxy", "proxy_authenticate", "proxy_authorization", "proxy_authentication_info",
        // The identity headers of other gateways.
        "remote_user", "remote_groups", "remote_name", "remote_email", "x_remote_user", "x_remote_group",
        "x_goog_iap_jwt_assertion", "x_webauth_user", "x_webauth_email", "x_webauth_name", "x_webauth_groups",
        "x_forwarded_preferred_username", "x_forwarded_access_token", "x_authenticated_user",
        "x_authenticated_userid", "x_credential_identifier", "x_anonymous_consumer", "x_ms_client_principal",
        "x_vouch_user", "x_token_subject", "x_authentik_username", "x_authentik_groups", "x_authentik_email",
        "x_authentik_name", "x_authentik_uid", "x_forwarded_client_cert",
    ]

    /// The fields that are removed where a tenant has rules, and from preflights, because some services take the path or
    /// the method from them instead of from the request's first line, which was judged.
    package static let overriding = StrippedNames(
        names: ["x_rewrite_url", "x_method_override"].reduce(into: []) { $0.insert(Array($1.utf8)) },
        prefixes: ["x_original_", "x_http_method"].map { Array($0.utf8) })

    /// How the collapsed names of further fields begin that are removed from every request.
    package static let prefixes: [String] = [
        "x_poolgate_", "x_auth_request_", "x_amzn_oidc_", "x_goog_authenticated_user_", "x_pomerium_",
        "cf_access_",
        "x_consumer_", "x_ms_client_principal_", "x_authentik_", "x_remote_extra_", "oidc_claim_",
    ]
}

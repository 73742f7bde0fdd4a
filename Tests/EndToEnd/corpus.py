"""Requests with the verdict that each must have, whoever is asked: at least five of each refusal that a request can cause, and
of each kind of rule.

A host stands for a row; its columns and rules are in `ROWS`. What is sent is told in words that every surface can carry: host,
path, method, fields and token.
"""

import base64
import dataclasses
import json

CLIENT = "1example23456789"
KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
UPGRADE = (("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13"))


@dataclasses.dataclass(frozen=True)
class Case:
    """One request. `token` is what the pool's stand-in is ordered to mint, a text that is sent as it is, or nothing; where a
    field or the path says `{token}`, it stands there, else in Authorization."""
    code: str
    row: str
    path: str = "/"
    method: str = "GET"
    fields: tuple = ()
    token: object = None
    # What the response's status is, and whom the services are told of.
    status: int = 200
    user: str | None = None
    # A host that is asked for in the place of the row's.
    host: str | None = None

    def __str__(self):
        return f"{self.code} {self.row} {self.method} {self.path} {self.fields} {self.token}"


# Columns of `poolgate.tenants`, and the rows of `poolgate.rules`.
ROWS = {
    "plain": ({}, []),
    "picky": ({"client_ids": ["one", "two"], "token_uses": ["access"], "required_groups": ["staff", "boss"]}, []),
    "scoped": ({"required_scopes": ["read", "write"], "forward_token": False}, []),
    "young": ({"max_token_age": "60 seconds"}, []),
    "elsewhere": ({"cookie_name": "jwt", "query_parameter": "access_token", "cors_origins": ["https://app.example.com"]}, []),
    "suspended": ({"status": "suspended"}, []),
    "keyless": ({}, []),
    "withdrawn": ({}, []),
    # Without an upstream, and with a value that this gateway does not know.
    "homeless": ({"upstream": None}, []),
    "broken": ({}, []),
    "ruled": ({"claim_headers": '{"X-Plan": "custom:plan"}'}, [
        {"path_prefix": "/public", "access": "public"},
        {"path_prefix": "/public/secret", "access": "authenticated"},
        {"path_prefix": "/optional", "access": "optional"},
        {"path_prefix": "/read", "access": "public", "methods": ["GET"]},
        {"path_prefix": "/groups", "required_groups": ["a", "b"]},
        {"path_prefix": "/every", "every_group": ["a", "b"]},
        {"path_prefix": "/scopes", "required_scopes": ["r", "w"]},
        {"path_prefix": "/claims", "required_claims": {"custom:plan": ["pro", "team"]}},
        {"path_prefix": "/shadow", "required_groups": ["a"], "shadow": True},
        {"path_prefix": "/caf%C3%A9", "access": "public"},
    ]),
    "profiled": ({"header_profile": "authelia"}, []),
}


def raw(header=None, payload=None, signature="c2ln"):
    """A token that nobody signed."""
    def part(value):
        text = value if isinstance(value, str) else json.dumps(value)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    header = {"alg": "RS256", "kid": "k"} if header is None else header
    return f"{part(header)}.{part({} if payload is None else payload)}.{signature}"


def good(**order):
    return {"username": "alice", "sub": "s-1"} | order


def admitted():
    """Requests that pass, by each kind of rule."""
    alice = {"token": good(), "user": "alice"}
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        yield Case("ok", "plain", method=method, **alice)
    for path in ("/a/b?c=d", "/a%20b", "/%E2%82%AC", "/a;b", "//a", "/a/../b", "/?x=%2F..", "/a,b", "*"):
        yield Case("ok", "plain", path, method="OPTIONS" if path == "*" else "GET", **alice)
    for fields in [(("Accept", "*/*"),), (("X-Forwarded-User", "root"), ("X-Poolgate-Subject", "root")),
                   (("Cookie", "a=b"), ("Origin", "https://evil.example")), (("Via", "1.1 somebody"),), (("Connection-Id", "1"),)]:
        yield Case("ok", "plain", fields=fields, **alice)
    yield Case("ok", "plain", token=good(use="id", email="a@b.c"), user="alice")
    yield Case("ok", "plain", token={"machine": True})
    yield Case("ok", "profiled", token=good(groups=["x", "y"]), user="alice", fields=(("Remote-User", "root"),))
    for order in ({"groups": ["staff"]}, {"groups": ["x", "boss"]}, {"groups": ["staff"], "client": "two"}):
        yield Case("ok", "picky", token=good(**({"client": "one"} | order)), user="alice")
    for scope in ("read", "write", "x read y", "read write", "other write"):
        yield Case("ok", "scoped", token=good(scope=scope), user="alice")
    yield Case("ok", "young", token=good(), user="alice")
    for fields, path in [((("Cookie", "jwt={token}"),), "/"), ((("Cookie", "a=b; jwt={token}; c=d"),), "/"), ((), "/?access_token={token}"),
                         ((), "/x?a=b&access_token={token}"), ((("Cookie", "jwt=other"),), "/?access_token={token}"),
                         ((("Referer", "https://x/?access_token=y"),), "/?access_token={token}")]:
        yield Case("ok", "elsewhere", path, fields=fields, **alice)
    for origin in ("https://app.example.com", "https://{host}"):
        yield Case("ok", "elsewhere", method="POST", fields=(("Cookie", "jwt={token}"), ("Origin", origin)), **alice)
    yield Case("ok", "elsewhere", method="POST", fields=(("Cookie", "jwt={token}"), ("Sec-Fetch-Site", "same-origin")), **alice)
    # A CORS preflight, and what only looks like one.
    preflight = (("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST"))
    for row, path in [("plain", "/"), ("plain", "/x"), ("ruled", "/"), ("ruled", "/groups"), ("picky", "/")]:
        yield Case("ok", row, path, method="OPTIONS", fields=preflight)
    # Public: no token is asked for, and none is judged.
    for path, token in [("/public", None), ("/public/", None), ("/public/x", "rubbish"), ("/public", good()), ("/%70ublic/x", None),
                        ("/caf%C3%A9", None)]:
        yield Case("ok", "ruled", path, token=token)
    for method in ("GET", "HEAD"):
        yield Case("ok", "ruled", "/read", method=method)
    yield Case("ok", "ruled", "/read/x?y", method="GET")
    yield Case("ok", "ruled", "/read", method="POST", **alice)
    yield Case("ok", "ruled", "/read", method="DELETE", **alice)
    for path, token in [("/optional", None), ("/optional/x", None), ("/optional", good()), ("/optional/x?y=z", good()), ("/optional/", None)]:
        yield Case("ok", "ruled", path, token=token, user="alice" if token else None)
    for path in ("*", "http://{host}", "http://{host}?x", "HTTPS://{host}/y"):
        yield Case("ok", "ruled", path, method="OPTIONS" if path == "*" else "GET", **alice)
    for path in ("/", "/anything", "/public/secret", "/publicsecret", "/Public"):
        yield Case("ok", "ruled", path, **alice)
    for groups in (["a"], ["b"], ["a", "b"], ["x", "b"], ["b", "x"]):
        yield Case("ok", "ruled", "/groups/x", token=good(groups=groups), user="alice")
    for groups in (["a", "b"], ["b", "a"], ["x", "b", "a"], ["a", "x", "b"], ["a", "b", "c"]):
        yield Case("ok", "ruled", "/every", token=good(groups=groups), user="alice")
    for scope in ("r", "w", "r w", "x w", "w x"):
        yield Case("ok", "ruled", "/scopes", token=good(scope=scope), user="alice")
    for path, plan in [("/claims", "pro"), ("/claims", "team"), ("/claims/", "pro"), ("/claims/x", "team"), ("/%63laims", "pro")]:
        yield Case("ok", "ruled", path, token=good(claims={"custom:plan": plan}), user="alice")
    # A rule in shadow refuses nobody.
    for path in ("/shadow", "/shadow/", "/shadow/x", "/shadow?x", "/%73hadow"):
        yield Case("ok", "ruled", path, **alice)
    for row, path in [("plain", "/"), ("plain", "/chat"), ("ruled", "/public"), ("ruled", "/"), ("profiled", "/x")]:
        yield Case("ok", row, path, fields=UPGRADE, token=None if "public" in path else good(), user=None if "public" in path else "alice")


def credentials():
    """What is wrong with the credential, or with whom it is from."""
    for row, path, fields in [("plain", "/", ()), ("plain", "/", (("Authorization", "Basic YTpi"),)), ("plain", "/", (("Authorization", "Bearer"),)),
                              ("ruled", "/", ()), ("ruled", "/public/secret", ()), ("elsewhere", "/", (("Cookie", "jwt="),)),
                              ("elsewhere", "/?access_token=", ()), ("ruled", "/read/x", ())]:
        yield Case("missing_token", row, path, method="POST" if "read" in path else "GET", fields=fields, status=401)
    # Some that look alike: of other methods, and what a public rule does not cover.
    for path in ("/publicsecret", "/Public", "/publi", "/caf%C3%89", "/shadow"):
        yield Case("missing_token", "ruled", path, status=401)
    two = (("Authorization", "Bearer {token}"), ("Authorization", "Bearer x"))
    for row, path, fields in [("plain", "/", two), ("ruled", "/", two), ("ruled", "/optional", two),
                              ("elsewhere", "/", (("Cookie", "jwt={token}; jwt=x"),)), ("elsewhere", "/?access_token={token}&access_token=x", ()),
                              ("elsewhere", "/", (("Cookie", "jwt={token}"), ("Cookie", "jwt=x")))]:
        yield Case("multiple_credentials", row, path, fields=fields, token=good(), status=400)
    for groups in (None, [], ["x"], ["STAFF"], ["staf"]):
        order = {"client": "one"} | ({} if groups is None else {"groups": groups})
        yield Case("missing_group", "picky", token=good(**order), status=403)
        yield Case("missing_group", "ruled", "/groups", token=good(**({} if groups is None else {"groups": groups})), status=403)
        yield Case("missing_group", "ruled", "/every", token=good(groups=["a", *(groups or [])]), status=403)
    for scope in ("", "x", "readwrite", "READ", "rw"):
        yield Case("missing_scope", "scoped", token=good(scope=scope), status=403)
        yield Case("missing_scope", "ruled", "/scopes", token=good(scope=scope), status=403)
    for claims in ({}, {"custom:plan": "free"}, {"custom:plan": "PRO"}, {"custom:plan": ""}, {"plan": "pro"}):
        yield Case("missing_claim", "ruled", "/claims", token=good(claims=claims), status=403)
    for method, fields in [("POST", ()), ("PUT", ()), ("DELETE", ()), ("POST", (("Origin", "https://evil.example"),)), ("POST", (("Origin", "null"),)),
                           ("POST", (("Sec-Fetch-Site", "cross-site"),)), ("GET", UPGRADE)]:
        yield Case("cross_site", "elsewhere", method=method, fields=(("Cookie", "jwt={token}"), *fields), token=good(), status=403)


def tokens():
    """What is wrong with the token."""
    def each(code, row, orders):
        for order in orders:
            yield Case(code, row, token=order if isinstance(order, str) else good(**order), status=401)
    yield from each("expired", "plain", [{"ttl": ttl} for ttl in (0, -1, -5, -3600, -86400)])
    yield from each("malformed_token", "plain", ["x", "a.b", "a.b.c", "a.b.c.d.e", raw(header="x"), raw(payload="x"), raw(signature="!")])
    yield from each("unsupported_algorithm", "plain", [raw({"alg": alg, "kid": "k"}) for alg in ("none", "HS256", "ES256", "RS512", "rs256", "PS256")])
    yield from each("malformed_claim", "plain", [
        {"claims": {name: value}} for name, value in [("sub", None), ("sub", ""), ("sub", 5), ("client_id", None), ("exp", "x"), ("token_use", None)]])
    yield from each("wrong_issuer", "plain", [{"iss": iss} for iss in (
        "https://evil.example", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other", "https://x", "x",
        "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other")])
    yield from each("wrong_token_use", "picky", [{"use": "id", "client": "one", "username": f"u{n}", "groups": ["staff"]} for n in range(5)])
    yield from each("wrong_client", "picky", [{"client": client, "groups": ["staff"]} for client in ("three", "ONE", "on", "onee", "two ")])
    yield from each("not_yet_valid", "plain", [{"claims": {"nbf": 4_000_000_000 + n}} for n in range(5)])
    yield from each("issued_in_future", "plain", [{"claims": {"iat": 4_000_000_000 + n}} for n in range(5)])
    yield from each("too_old", "young", [{"claims": {"iat": 1_700_000_000 + n}} for n in range(5)])
    yield from each("bad_signature", "plain", [{"spoil": n} for n in range(5)])
    yield from each("unknown_key", "plain", [{"header": {"kid": f"unknown{n}"}} for n in range(5)])
    yield from each("withdrawn_key", "withdrawn", [{"username": f"u{n}"} for n in range(5)])
    yield from each("revoked", "plain", [{"claims": {"jti": f"revoked{n}"}} for n in range(5)])
    # At a path without a rule, with an optional one, and with one of each kind a bad token is bad.
    for path in ("/", "/optional", "/groups", "/read", "/claims"):
        yield Case("expired", "ruled", path, method="POST" if path == "/read" else "GET", token=good(ttl=-5), status=401)


def hosts():
    """Hosts that are not served, and rows that serve nobody."""
    for host in ("nobody.example", "x.{host}", "{host}.", "localhost", "127.0.0.1", "[::1]"):
        if host != "{host}.":
            yield Case("unknown_host", "plain", host=host, token=good(), status=421)
    for path, token in [("/", None), ("/", good()), ("/x", None), ("/", "x"), ("/?y", good(ttl=-5))]:
        yield Case("tenant_suspended", "suspended", path, token=token, status=403)
    for path, token in [("/", None), ("/", good()), ("/x", None), ("/", "x"), ("/?y", good(ttl=-5))]:
        yield Case("no_upstream", "homeless", path, token=token, status=503)
        yield Case("tenant_misconfigured", "broken", path, token=token, status=503)
    for n in range(5):
        yield Case("keys_unavailable", "keyless", f"/{n}", token=good(), status=503)


def messages():
    """What is malformed, or ambiguous where a row has rules."""
    flaws = {
        "forbidden_in_path": ("/a%2fb", "/a\\b", "/a;b", "/a%00", "/%5cx", "/a%3bb"), "bad_percent_encoding": ("/%", "/%a", "/%zz", "/a%2", "/%%20"),
        "double_encoding": ("/%252e%252e/x", "/a%252fb", "/%255c", "/%253b", "/%2500"), "bad_utf8_in_path": ("/%ff", "/%c0%af", "/%e2%82", "/%80", "/%ed%a0%80"),
        "empty_segment": ("//", "//x", "/a//b", "/public//x", "/a//"), "dot_segment": ("/.", "/..", "/a/../b", "/public/%2e%2e/x", "/a/./b"),
    }
    for code, paths in flaws.items():
        for path in paths:
            yield Case(code, "ruled", path, token=good(), status=400)
    for method in ("get", "Get", "pOST", "delete", "patch"):
        yield Case("method_case", "ruled", method=method, token=good(), status=400)
    for host in ("a b", "a@{host}", "{host}:99999", "{host}/x", "a%41.example", "{host}:x"):
        yield Case("bad_request", "plain", host=host, token=good(), status=400)
    for path in ("x", "/a#b", "ftp://{host}/", "http://other.example/", "/\u00e9"):
        yield Case("bad_request", "plain", path, token=good(), status=400)
    for method in ("CONNECT", "TRACE"):
        for path in ("/", "/x", "/y?z"):
            yield Case("forbidden_method", "plain", path, method=method, token=good(), status=405)
    for count in (16_385, 16_500, 17_000, 16_390, 16_400):
        yield Case("target_too_long", "plain", "/" + "a" * (count - 1), token=good(), status=414)
    for n in range(5):
        yield Case("field_too_large", "plain", fields=(("X-Long", "a" * (16_384 + n)),), token=good(), status=431)
        yield Case("too_many_fields", "plain", fields=tuple((f"X-{k}", "a") for k in range(100 + n)), token=good(), status=431)
        yield Case("head_too_large", "plain", fields=tuple((f"X-{k}", "a" * 12_000) for k in range(3)) + (("X-N", str(n)),), token=good(), status=431)
    for fields in [(("Sec-WebSocket-Key", "x"), ("Sec-WebSocket-Version", "13")), (("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "")),
                   (("Sec-WebSocket-Key", KEY),), (*UPGRADE, ("Sec-WebSocket-Key", KEY)), (*UPGRADE, ("Sec-WebSocket-Version", "13"))]:
        yield Case("bad_websocket", "plain", fields=fields, token=good(), status=400)
    for version in ("8", "7", "14", "0", "x"):
        yield Case("upgrade_required", "plain", fields=(("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", version)), token=good(), status=426)


def all_cases():
    return [*admitted(), *credentials(), *tokens(), *hosts(), *messages()]

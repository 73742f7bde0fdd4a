"""The other proxies that verify Cognito's tokens, each set up as its users would for one pool and one app client."""

import base64
import json
import pathlib
import sys
import urllib.request

from .peers import CLIENT, EVERY_REFUSAL, POOL, REGION, Peer, free_port, wait_for
from .programs import program

ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"


def key_set(bench):
    with urllib.request.urlopen(f"http://127.0.0.1:{bench.pool_port}/{POOL}/.well-known/jwks.json", timeout=10) as answer:
        return answer.read().decode()


def access_key_id(bench):
    header = bench.tokens[0][1].split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]


def access_key_pem(bench):
    """The public key that signs access tokens, as PEM."""
    from jose import jwk
    key = next(key for key in json.loads(key_set(bench))["keys"] if key["kid"] == access_key_id(bench))
    return jwk.construct(key, "RS256").to_pem().decode()


def haproxy(bench):
    """HAProxy: `jwt_verify` and a check of each claim; it remembers no verdict."""
    port = free_port()
    pem = bench.folder / "haproxy-key.pem"
    pem.write_text(access_key_pem(bench))
    configuration = bench.folder / "haproxy.cfg"
    configuration.write_text(f"""
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  option forwardfor
frontend bench
  bind 127.0.0.1:{port} backlog 4096
  http-request del-header x-forwarded-user
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_header_query('$.alg') -m str RS256 }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_payload_query('$.iss') -m str "{ISSUER}" }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_payload_query('$.client_id') -m str {CLIENT} }}
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 if {{ var(txn.exp),sub(txn.now) -m int lt 0 }}
  http-request deny deny_status 401 unless {{ http_auth_bearer,jwt_verify("RS256","{pem}") 1 }}
  http-request set-header x-forwarded-user %[http_auth_bearer,jwt_payload_query('$.username')]
  default_backend up
backend up
  http-reuse always
  server up 127.0.0.1:{bench.upstream_port}
""")
    process = bench.spawn([program("haproxy"), "-db", "-f", str(configuration)], core=0)
    wait_for(port)
    return Peer("HAProxy jwt_verify", process, f"http://127.0.0.1:{port}", EVERY_REFUSAL)


def envoy_with_cache(bench):
    """Envoy: `jwt_authn` with the key set inline and its cache large enough for every token."""
    return envoy(bench, "Envoy jwt_authn with cache", {"jwt_cache_config": {"jwt_cache_size": 100000}})


def envoy_without_cache(bench):
    """Envoy: `jwt_authn` with the key set inline."""
    return envoy(bench, "Envoy jwt_authn", {})


def envoy(bench, name, options, http2_port=None):
    """`http2_port` is where an upstream listens that speaks HTTP/2 in clear, instead of the bench's own."""
    port = free_port()
    router = {"name": "envoy.filters.http.router",
              "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}
    provider = {
        "issuer": ISSUER, "forward": True, "local_jwks": {"inline_string": key_set(bench)},
        "claim_to_headers": [{"header_name": "x-forwarded-user", "claim_name": "username"}], **options}
    authn = {
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": {"pool": provider},
            "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "pool"}}]}}
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench", "http_filters": [authn, router],
        "route_config": {"virtual_hosts": [{
            "name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up"}}]}]}}

    def address(number):
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}
    configuration = bench.folder / f"{name.replace(' ', '-')}.json"
    configuration.write_text(json.dumps({"static_resources": {
        "listeners": [{"address": address(port), "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}]}],
        "clusters": [{
            "name": "up", "type": "STATIC", "connect_timeout": "2s",
            "load_assignment": {"cluster_name": "up", "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(http2_port or bench.upstream_port)}}]}]}} | ({} if not http2_port else {
                    "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                        "explicit_http_config": {"http2_protocol_options": {}}}}})]}}))
    process = bench.spawn(
        [program("envoy"), "-c", str(configuration), "--concurrency", "1",
         "--use-dynamic-base-id", "--log-level", "error"], core=0)
    wait_for(port)
    return Peer(name, process, f"http://127.0.0.1:{port}",
                [words for words in EVERY_REFUSAL if words != "another client's"])


def access_key_certificate(bench):
    """The key that signs access tokens in a certificate, which mod_auth_openidc takes where there is no https."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    public = serialization.load_pem_public_key(access_key_pem(bench).encode())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public).serial_number(1)
        .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        .sign(rsa.generate_private_key(65537, 2048), hashes.SHA256()))
    return signed.public_bytes(serialization.Encoding.PEM)


def apache(bench):
    """Apache, event MPM: mod_auth_openidc as an OAuth 2 resource server that holds the pool's key."""
    port = free_port()
    certificate = bench.folder / "apache-key.pem"
    certificate.write_bytes(access_key_certificate(bench))
    key_id = access_key_id(bench)
    modules = pathlib.Path("/usr/lib/apache2/modules")
    names = ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc"]
    for name in names:
        if not (modules / f"mod_{name}.so").exists():
            raise SystemExit(f"Apache's mod_{name} is missing; run ops/bench/install")
    configuration = bench.folder / "apache.conf"
    configuration.write_text("\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in names) + f"""
ServerName bench
ServerRoot {bench.folder}
PidFile {bench.folder}/apache.pid
ErrorLog {bench.folder}/apache-error.log
LogLevel error
Listen 127.0.0.1:{port}
User nobody
Group nogroup
StartServers 1
ServerLimit 1
ThreadsPerChild 64
ThreadLimit 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
OIDCCryptoPassphrase bench
OIDCOAuthVerifyCertFiles {key_id}#{certificate}
OIDCOAuthRemoteUserClaim username
OIDCOAuthTokenExpiryClaim exp absolute mandatory
<Location />
  AuthType oauth20
  <RequireAll>
    Require claim iss:{ISSUER}
    Require claim client_id:{CLIENT}
  </RequireAll>
  RequestHeader set X-Forwarded-User "expr=%{{REMOTE_USER}}"
</Location>
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:{bench.upstream_port}/ keepalive=On
""")
    bench.open_to_all()
    process = bench.spawn([program("apache2"), "-DFOREGROUND", "-f", str(configuration)], core=0)
    wait_for(port)
    return Peer("Apache mod_auth_openidc", process, f"http://127.0.0.1:{port}", EVERY_REFUSAL)


APPLICATION = '''
import aiohttp
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from jose import JWTError, jwt

KEYS = {keys}
application = FastAPI()
client = None


@application.on_event("startup")
async def start():
    global client
    client = aiohttp.ClientSession("http://127.0.0.1:{port}")


@application.api_route("/{{path:path}}", methods=["GET", "POST", "PUT", "DELETE"])
async def forward(path: str, request: Request):
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, KEYS, algorithms=["RS256"], issuer="{issuer}")
    except JWTError:
        return JSONResponse({{"error": "invalid_token"}}, status_code=401)
    if scheme.lower() != "bearer" or claims.get("client_id") != "{client}":
        return JSONResponse({{"error": "invalid_token"}}, status_code=401)
    headers = {{name: value for name, value in request.headers.items() if name not in ("connection", "x-forwarded-user")}}
    async with client.request(
            request.method, request.url.path, params=request.url.query, data=await request.body(),
            headers=headers | {{"x-forwarded-user": claims["username"]}}) as answer:
        return Response(await answer.read(), answer.status)
'''


def fastapi(bench):
    """FastAPI with python-jose on uvicorn (uvloop, httptools), one process, forwarding with aiohttp."""
    port = free_port()
    (bench.folder / "bench_application.py").write_text(APPLICATION.format(
        keys=key_set(bench), port=bench.upstream_port, issuer=ISSUER, client=CLIENT))
    process = bench.spawn(
        [sys.executable, "-m", "uvicorn", "bench_application:application", "--app-dir", str(bench.folder),
         "--port", str(port), "--no-access-log", "--log-level", "error"], core=0)
    wait_for(port)
    return Peer("FastAPI with python-jose", process, f"http://127.0.0.1:{port}", EVERY_REFUSAL)


ALL = {
    "haproxy": haproxy, "envoy-cache": envoy_with_cache, "envoy": envoy_without_cache, "apache": apache,
    "fastapi": fastapi,
}
NEEDS = {
    "floor": ["epoll-loop"],
    "haproxy": ["haproxy"], "envoy-cache": ["envoy"], "envoy": ["envoy"], "apache": ["apache2"],
    "fastapi": ["python:fastapi", "python:uvicorn", "python:uvloop", "python:httptools", "python:aiohttp", "python:jose"],
}

"""The other proxies that verify Cognito's tokens, each set up as its users would for one pool and one app client."""

import base64
import json
import pathlib
import shutil
import sys
import urllib.request

from . import peers
from .peers import CLIENT, POOL, REGION, Peer, free_port, wait_for

ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"


def program(*names):
    """The first of these programs that there is; a missing one fails the run by name."""
    for name in names:
        if found := shutil.which(name) or (name if pathlib.Path(name).exists() else None):
            return found
    raise SystemExit(f"{names[0]} is missing; run ops/bench/install")


def key_set(bench):
    with urllib.request.urlopen(f"http://127.0.0.1:{bench.pool_port}/{POOL}/.well-known/jwks.json", timeout=10) as answer:
        return answer.read().decode()


def access_key_pem(bench):
    """The public key that signs access tokens, as PEM."""
    from jose import jwk
    header = bench.tokens[0][1].split(".")[0]
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    key = next(key for key in json.loads(key_set(bench))["keys"] if key["kid"] == kid)
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
    process = bench.spawn([program("haproxy", "/usr/sbin/haproxy"), "-db", "-f", str(configuration)], core=0)
    wait_for(port)
    return Peer("haproxy", process, f"http://127.0.0.1:{port}")


def envoy_with_cache(bench):
    """Envoy: `jwt_authn` with the key set inline and its cache large enough for every token."""
    return envoy(bench, "envoy with cache", {"jwt_cache_config": {"jwt_cache_size": 100000}})


def envoy_without_cache(bench):
    """Envoy: `jwt_authn` with the key set inline."""
    return envoy(bench, "envoy", {})


def envoy(bench, name, options):
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
        "stat_prefix": "bench", "generate_request_id": False, "http_filters": [authn, router],
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
                {"endpoint": {"address": address(bench.upstream_port)}}]}]}}]}}))
    process = bench.spawn(
        [program(str(peers.VENV / "bin/envoy"), "envoy"), "-c", str(configuration), "--concurrency", "1",
         "--use-dynamic-base-id", "--log-level", "error"], core=0)
    wait_for(port)
    return Peer(name, process, f"http://127.0.0.1:{port}")


def apache(bench):
    """Apache, event MPM: mod_auth_openidc as an OAuth 2 resource server with the pool's key endpoint."""
    port = free_port()
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
OIDCOAuthVerifyJwksUri http://127.0.0.1:{bench.pool_port}/{POOL}/.well-known/jwks.json
OIDCOAuthRemoteUserClaim username
OIDCOAuthTokenExpiryClaim exp absolute mandatory
<Location />
  AuthType oauth20
  Require claim iss:{ISSUER}
  RequestHeader set X-Forwarded-User "%{{REMOTE_USER}}s"
</Location>
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:{bench.upstream_port}/ keepalive=On
""")
    bench.open_to_all()
    process = bench.spawn([program("apache2", "/usr/sbin/apache2"), "-DFOREGROUND", "-f", str(configuration)], core=0)
    wait_for(port)
    return Peer("apache mod_auth_openidc", process, f"http://127.0.0.1:{port}")


APPLICATION = '''
import httpx
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from jose import JWTError, jwt

KEYS = {keys}
application = FastAPI()
client = httpx.AsyncClient(base_url="http://127.0.0.1:{port}", limits=httpx.Limits(max_keepalive_connections=256))


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
    answer = await client.request(
        request.method, request.url.path, params=request.url.query, content=await request.body(),
        headers=headers | {{"x-forwarded-user": claims["username"]}})
    return Response(answer.content, answer.status_code)
'''


def fastapi(bench):
    """FastAPI with python-jose on uvicorn (uvloop, httptools), one process, forwarding with httpx."""
    port = free_port()
    (bench.folder / "bench_application.py").write_text(APPLICATION.format(
        keys=key_set(bench), port=bench.upstream_port, issuer=ISSUER, client=CLIENT))
    process = bench.spawn(
        [sys.executable, "-m", "uvicorn", "bench_application:application", "--app-dir", str(bench.folder),
         "--port", str(port), "--no-access-log", "--log-level", "error"], core=0)
    wait_for(port)
    return Peer("fastapi python-jose", process, f"http://127.0.0.1:{port}")


ALL = {
    "haproxy": haproxy, "envoy-cache": envoy_with_cache, "envoy": envoy_without_cache, "apache": apache,
    "fastapi": fastapi,
}

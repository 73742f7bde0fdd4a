"""Signed assertions: what upstreams get, verified by libraries of others against the published key set; keys that come and go."""

import asyncio
import base64
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
from concurrent import futures

import asking
import documents
import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from checking import Caller
from conftest import make_tenant
from gateway import Gateway
from processes import TOP, wait_until
from test_grpc import Service
from test_websocket import connect, echo  # noqa: F401

NAME = "X-Poolgate-Assertion"
KEYS = "/.well-known/poolgate/jwks.json"


def openssl(*arguments, path=None):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    if path:
        pathlib.Path(path).touch(0o600)
        pathlib.Path(path).write_bytes(done.stdout)
    return done.stdout


def published(gateway):
    status, body = gateway.admin(KEYS)
    assert status == 200, body
    return json.loads(body)


def signing(gateway):
    """The `kid` that signs, as the log said last."""
    lines = gateway.events("signing_keys")
    return lines[-1]["signing"] if lines else None


def verify(gateway, token, audience, issuer="poolgate"):
    """The claims, verified by two libraries that agree."""
    keys = published(gateway)
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, algorithms=["ES256"], audience=audience, issuer=issuer,
        options={"require": ["iss", "aud", "iat", "exp", "jti", "sub"]})
    other = joserfc_jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256"])
    joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer}, aud={"essential": True, "value": audience}, exp={"essential": True}
    ).validate(other.claims)
    assert other.claims == claims and other.header == jwt.get_unverified_header(token)
    return claims


class Signed:
    """A gateway that signs, and its folder of keys."""

    def __init__(self, binaries, database, stand_in, upstream, folder, **options):
        self.binaries, self.folder = binaries, folder
        folder.mkdir(mode=0o700, exist_ok=True)
        self.first = self.new()
        self.gateway = Gateway(
            binaries, database_url=database.url, upstream=upstream.url, jwks_url_template=stand_in.template,
            signing_keys=folder, **({"signing_key_delay": "1s"} | options))
        self.gateway.database = database

    def new(self):
        done = subprocess.run(
            [str(self.binaries / "poolgate"), "keys", "new", "--json", "--signing-keys", str(self.folder)],
            capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shared_signed(binaries, migrated, stand_in, shared_upstream, tmp_path_factory):
    signed = Signed(binaries, migrated(), stand_in, shared_upstream, tmp_path_factory.mktemp("keys") / "signing")
    yield signed
    signed.gateway.remove()


@pytest.fixture
def signed(shared_signed, upstream):
    assert shared_signed.gateway.process.poll() is None, shared_signed.gateway.log()[-3000:]
    return shared_signed


@pytest.fixture
def signed_tenant(signed, pool, stand_in):
    return make_tenant(signed.gateway, signed.gateway.database, stand_in, pool)


def assertion(tenant, upstream, token=None, **options):
    """What the upstream gets with one request."""
    answer = tenant.get(token or tenant.token(), **options)
    assert answer.status == 200, answer.body
    return upstream.last.value(NAME)


def test_an_assertion_says_who_is_calling_and_two_libraries_verify_it(signed, signed_tenant, upstream):
    token = signed_tenant.token(username="alice", groups=["staff", 'a "b" \\ é'])
    before = int(time.time())
    sent = assertion(signed_tenant, upstream, token)
    claims = verify(signed.gateway, sent, upstream.url)
    now = int(time.time())
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    assert claims | {"iat": 0, "exp": 0, "jti": ""} == {
        "iss": "poolgate", "aud": upstream.url, "sub": subject, "tenant": signed_tenant.host, "pool": signed_tenant.pool,
        "client_id": upstream.last.value("X-Poolgate-Client"), "principal": "user", "username": "alice",
        "groups": ["staff", 'a "b" \\ é'], "iat": 0, "exp": 0, "jti": ""}
    assert before <= claims["iat"] <= now and claims["exp"] == claims["iat"] + 60 and len(claims["jti"]) >= 16
    assert jwt.get_unverified_header(sent) == {"alg": "ES256", "kid": signed.first["kid"], "typ": "JWT"}
    # The same one goes with the caller's next requests to this loop; another caller has another.
    with signed.gateway.connect() as connection:
        for _ in range(3):
            assert connection.request("GET", "/", signed_tenant.host, token).status == 200
    assert len({request.value(NAME) for request in upstream.requests[-3:]}) == 1
    other = assertion(signed_tenant, upstream, signed_tenant.token(username="bob"))
    assert verify(signed.gateway, other, upstream.url)["username"] == "bob"
    assert verify(signed.gateway, other, upstream.url)["jti"] != claims["jti"]


def test_a_changed_assertion_or_one_for_another_audience_is_refused_by_whoever_verifies(signed, signed_tenant, upstream):
    sent = assertion(signed_tenant, upstream)
    header, payload, signature = sent.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps(claims | {"username": "root"}).encode()).rstrip(b"=").decode()
    with pytest.raises(jwt.InvalidSignatureError):
        verify(signed.gateway, f"{header}.{forged}.{signature}", upstream.url)
    with pytest.raises(jwt.InvalidAudienceError):
        verify(signed.gateway, sent, "http://somebody.else")


def test_the_row_says_whether_and_for_whom(signed, signed_tenant, upstream):
    token = signed_tenant.token()
    signed_tenant.update_and_wait("assertion_audience = 'urn:orders'")
    assert verify(signed.gateway, assertion(signed_tenant, upstream, token), "urn:orders")["aud"] == "urn:orders"
    signed_tenant.update_and_wait("assertion = false")
    assert assertion(signed_tenant, upstream, token) is None
    # What a client writes itself never reaches the upstream, whether the gateway writes one or not.
    assert assertion(signed_tenant, upstream, token, headers=[(NAME, "x"), ("x_poolgate_assertion", "y")]) is None
    assert b"assertion" not in upstream.last.raw_head.lower()
    signed_tenant.update_and_wait("assertion = true, assertion_audience = NULL")
    sent = assertion(signed_tenant, upstream, token, headers=[(NAME, "x"), ("x_poolgate_assertion", "y")])
    assert verify(signed.gateway, sent, upstream.url)["aud"] == upstream.url


def test_whoever_is_nobody_has_no_assertion(signed, signed_tenant, upstream):
    signed.gateway.database.sql(f"""INSERT INTO poolgate.rules (host, path_prefix, access)
        VALUES ('{signed_tenant.host}', '/public', 'public'), ('{signed_tenant.host}', '/open', 'optional')""")
    wait_until(lambda: signed_tenant.get(path="/open").status == 200, 20, "the rules")
    for path, token in ("/public", None), ("/public", signed_tenant.token()), ("/open", None):
        assert signed_tenant.get(token, path=path, headers=[(NAME, "x")]).status == 200
        assert upstream.last.value(NAME) is None, path
    assert verify(signed.gateway, assertion(signed_tenant, upstream, path="/open"), upstream.url)["principal"] == "user"
    machine = signed_tenant.token(username="", claims={"sub": "machine-1", "client_id": "machine-1"})
    claims = verify(signed.gateway, assertion(signed_tenant, upstream, machine), upstream.url)
    assert claims["principal"] == "client" and "username" not in claims and claims["sub"] == "machine-1"


def test_of_several_upstreams_each_gets_its_own(signed, signed_tenant, upstream, own_upstream):
    signed_tenant.update_and_wait(f"upstream = '{upstream.url} {own_upstream.url}'")
    token = signed_tenant.token()
    seen = set()

    def both():
        assert signed_tenant.get(token).status == 200
        for server in upstream, own_upstream:
            for request in server.requests:
                assert verify(signed.gateway, request.value(NAME), server.url)["aud"] == server.url
                seen.add(server.url)
        return len(seen) == 2
    wait_until(both, 20, "a request at each")


def test_one_that_is_sent_to_another_upstream_is_signed_for_that_one(signed, signed_tenant, upstream):
    """An upstream that cannot be connected to is left for the other."""
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        signed_tenant.update_and_wait(f"upstream = 'http://127.0.0.1:{gone.getsockname()[1]} {upstream.url}'")
        for _ in range(12):
            sent = assertion(signed_tenant, upstream)
            assert verify(signed.gateway, sent, upstream.url)["aud"] == upstream.url
            assert upstream.last.value("Host") == signed_tenant.host


def test_a_websocket_and_a_grpc_call_carry_it_too(signed, signed_tenant, echo):  # noqa: F811
    signed_tenant.update_and_wait(f"upstream = '{echo.url}'")
    token = signed_tenant.token()

    async def talk():
        async with connect(signed_tenant, token) as connection:
            await connection.send("hello")
            return await asyncio.wait_for(connection.recv(), 10)
    assert asyncio.run(talk()) == "hello"
    assert verify(signed.gateway, echo.headers[-1][NAME], echo.url)["tenant"] == signed_tenant.host

    service = Service()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers([service])
    origin = f"h2c://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        signed_tenant.update_and_wait(f"upstream = '{origin}'")
        with grpc.insecure_channel(
                f"127.0.0.1:{signed.gateway.port}", options=[("grpc.default_authority", signed_tenant.host)]) as channel:
            call = channel.unary_unary("/test.Test/Echo")
            assert call(b"x", metadata=[("authorization", f"Bearer {token}")], timeout=20) == b"x"
        claims = verify(signed.gateway, service.metadata[NAME.lower()], origin)
        assert claims["aud"] == origin
    finally:
        server.stop(0).wait()


# Questions of other proxies, and the key set on the proxy.


@pytest.fixture(scope="module")
def asked(binaries, migrated, stand_in, shared_upstream, tmp_path_factory):
    """A gateway that other proxies may ask, and that shows its keys to every client."""
    signed = Signed(
        binaries, migrated(), stand_in, shared_upstream, tmp_path_factory.mktemp("asked") / "signing",
        forward_auth_listen="127.0.0.1:0", ext_authz_listen="127.0.0.1:0", trusted_callers="127.0.0.0/8", publish_signing_keys="true", assertion_issuer="gate-7")
    signed.gateway.asked = signed.gateway.port_of("forward_auth")
    yield signed.gateway
    signed.gateway.remove()


@pytest.mark.parametrize("form", ["forwarded", "original", "envoy"])
@pytest.mark.parametrize("wire", ["http1", "http2"])
def test_an_answer_to_a_question_carries_it_too(asked, stand_in, pool, upstream, form, wire):
    tenant = make_tenant(asked, asked.database, stand_in, pool)
    client = asking.http2(asked.asked) if wire == "http2" else None

    def ask(token, **options):
        if client:
            return asking.ask_by_http2(client, form, tenant.host, token, **options)
        return asking.ask(asked.asked, form, tenant.host, token, **options)
    token = tenant.token(username="alice")
    answer = ask(token, fields=[(NAME, "x")])
    assert answer.status == 200
    assert verify(asked, answer.header(NAME), upstream.url, "gate-7")["username"] == "alice"
    assert NAME.lower() not in (answer.header("X-Envoy-Auth-Headers-To-Remove") or "").split(",")
    # Which of several upstreams the request will go to the gateway cannot know.
    tenant.update_and_wait(f"upstream = '{upstream.url} http://127.0.0.2:81'")
    for each in upstream.url, "http://127.0.0.2:81":
        assert verify(asked, ask(token).header(NAME), each, "gate-7")["aud"] == [upstream.url, "http://127.0.0.2:81"]
    tenant.update_and_wait("assertion = false")
    answer = ask(token)
    assert answer.status == 200 and answer.header(NAME) is None
    assert form != "envoy" or NAME.lower() in answer.header("X-Envoy-Auth-Headers-To-Remove").split(",")
    assert ask(None).header(NAME) is None
    if client:
        client.close()


def test_a_verdict_by_grpc_carries_it_too(asked, stand_in, pool, upstream):
    tenant = make_tenant(asked, asked.database, stand_in, pool)
    with Caller(asked.port_of("ext_authz")) as caller:
        verdict = caller.ask(tenant.host, tenant.token(username="alice"), fields=[(NAME, "forged")])
        assert verify(asked, verdict.header(NAME), upstream.url, "gate-7")["username"] == "alice"
        assert NAME.lower() not in verdict.removed
        tenant.update_and_wait("assertion = false")
        verdict = caller.ask(tenant.host, tenant.token(), fields=[(NAME, "forged")])
        assert verdict.is_ok and verdict.header(NAME) is None and NAME.lower() in verdict.removed


def test_the_proxy_shows_the_key_set_where_it_is_told_to(asked, signed, signed_tenant, stand_in, pool, upstream):
    tenant = make_tenant(asked, asked.database, stand_in, pool)
    with asked.connect() as connection:
        for host in tenant.host, "nobody.example", f"{tenant.host}:8080":
            answer = connection.request("GET", f"{KEYS}?x=y", host)
            assert answer.status == 200 and json.loads(answer.body) == published(asked)
            assert answer.header("Content-Type") == "application/json" and answer.header("Cache-Control") == "public, max-age=300"
        head = connection.request("HEAD", KEYS, tenant.host)
        assert head.status == 200 and int(head.header("Content-Length")) == len(answer.body)
        # The connection goes on as after any response.
        assert connection.request("POST", KEYS, tenant.host).status == 401
    client = asking.http2(asked.port)
    by_http2 = client.wait(client.send(tenant.host, path=KEYS), 20)
    assert by_http2.status == 200 and json.loads(by_http2.body) == published(asked)
    client.close()
    assert asked.get(tenant.host, path=KEYS, body=b"xyz", headers=[("Content-Length", "3")]).status == 200
    assert asked.get(tenant.host, path=KEYS + "/").status == 401
    assert upstream.requests == []
    # Elsewhere the path is one like any other.
    assert signed.gateway.get(signed_tenant.host, path=KEYS).status == 401
    assert signed.gateway.get(signed_tenant.host, signed_tenant.token(), path=KEYS).status == 200
    assert upstream.last.target == KEYS


# What the guide shows to services.

PAGE = "ops/guide/assertion.md"
GUIDE_URL, GUIDE_AUDIENCE = "http://gateway.internal:9901" + KEYS, "http://10.0.0.5:8080"


def example(language, gateway, audience):
    """The page's example, for this gateway and this audience."""
    found = [block.text for block in documents.blocks(PAGE) if block.kind == language]
    assert len(found) == 1 and GUIDE_AUDIENCE in found[0]
    return found[0].replace(GUIDE_URL, f"http://127.0.0.1:{gateway.admin_port}{KEYS}").replace(GUIDE_AUDIENCE, audience)


def in_python(folder, text, keys):
    scope = {}
    exec(text, scope)

    def ask(assertion):
        try:
            return scope["caller"](assertion)["sub"]
        except jwt.InvalidTokenError:
            return None
    return ask


def in_a_program(*command, folder):
    """Asks a program, which takes the assertion as its last argument and prints the subject, or ends with an error."""
    def ask(assertion):
        done = subprocess.run([*command, assertion], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0 or done.stderr, done
        return done.stdout.strip() if done.returncode == 0 else None
    return ask


def compiled(*command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def in_javascript(folder, text, keys):
    (folder / "run.mjs").write_text(text + "console.log((await caller(process.argv[2])).sub)\n")
    return in_a_program("node", "run.mjs", folder=folder)


def in_go(folder, text, keys):
    (folder / "verify.go").write_text(text.replace("package assertion", "package main"))
    (folder / "run.go").write_text(f"""package main
import ("encoding/json"; "fmt"; "os")
func main() {{
    var keys KeySet
    if err := json.Unmarshal([]byte(`{keys}`), &keys); err != nil {{ panic(err) }}
    caller, err := Verify(os.Args[1], keys)
    if err != nil {{ fmt.Fprintln(os.Stderr, err); os.Exit(1) }}
    fmt.Println(caller.Sub)
}}
""")
    compiled("go", "build", "-o", "verify", "verify.go", "run.go", folder=folder)
    return in_a_program("./verify", folder=folder)


def in_java(folder, text, keys):
    (folder / "keys.json").write_text(keys)
    (folder / "Assertions.java").write_text(text)
    (folder / "Run.java").write_text("""class Run {
    public static void main(String[] arguments) throws Exception {
        var keys = new com.fasterxml.jackson.databind.ObjectMapper().readTree(new java.io.File("keys.json"));
        System.out.println(Assertions.caller(arguments[0], keys).path("sub").asText());
    }
}
""")
    path = ":".join(["."] + [str(jar) for jar in JACKSON])
    compiled("javac", "-cp", path, "Assertions.java", "Run.java", folder=folder)
    return in_a_program("java", "-XX:TieredStopAtLevel=1", "-cp", path, "Run", folder=folder)


def in_swift(folder, text, keys):
    sources = SWIFT_EXAMPLE / "Sources/Verify"
    sources.mkdir(parents=True, exist_ok=True)
    (SWIFT_EXAMPLE / "Package.swift").write_text(f"""// swift-tools-version: 6.0
import PackageDescription
let package = Package(
    name: "Verify", dependencies: [.package(path: "{TOP}/.build/checkouts/swift-crypto")],
    targets: [.executableTarget(name: "Verify", dependencies: [.product(name: "Crypto", package: "swift-crypto")])])
""")
    (sources / "main.swift").write_text(text + f"""
let keys = try JSONDecoder().decode(KeySet.self, from: Data(#"{keys}"#.utf8))
print(try caller(CommandLine.arguments[1], keys).sub)
""")
    compiled("swift", "build", "--disable-automatic-resolution", folder=SWIFT_EXAMPLE)
    return in_a_program(str(SWIFT_EXAMPLE / ".build/debug/Verify"), folder=folder)


#: Jackson's jars where Debian puts them.
JACKSON = [path for name in ("core", "databind", "annotations") for path in [pathlib.Path(f"/usr/share/java/jackson-{name}.jar")]]
#: A package with swift-crypto takes minutes to build, so that this is done only where somebody names a folder to keep it in.
SWIFT_EXAMPLE = pathlib.Path(os.environ.get("POOLGATE_TEST_SWIFT_EXAMPLE", "none"))
LANGUAGES = {
    "python": (in_python, True),
    "javascript": (in_javascript, shutil.which("node")),
    "go": (in_go, shutil.which("go")),
    "java": (in_java, shutil.which("javac") and all(path.exists() for path in JACKSON)),
    "swift": (in_swift, "POOLGATE_TEST_SWIFT_EXAMPLE" in os.environ),
}


def test_the_page_has_an_example_for_each_language():
    shown = [block.kind for block in documents.blocks(PAGE) if block.kind not in ("sh", "sql")]
    assert sorted(shown) == sorted(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guides_example_believes_the_gateway_and_nobody_else(language, signed, signed_tenant, upstream, tmp_path):
    prepare, is_there = LANGUAGES[language]
    if not is_there:
        pytest.skip(f"what the example in {language} needs is not on this machine")
    sent = assertion(signed_tenant, upstream)
    ask = prepare(tmp_path, example(language, signed.gateway, upstream.url), signed.gateway.admin(KEYS)[1])
    assert ask(sent) == json.loads(part(sent, 1))["sub"]
    header, payload, signature = sent.split(".")
    other_key = ec.generate_private_key(ec.SECP256R1())
    claims = json.loads(part(sent, 1))
    by_another = jwt.encode(claims, other_key, algorithm="ES256", headers={"kid": kid_of(sent)})
    unsigned = jwt.encode(claims, None, algorithm="none", headers={"kid": kid_of(sent)})
    signed_tenant.update_and_wait("assertion_audience = 'urn:somebody-else'")
    foreign = assertion(signed_tenant, upstream)
    mangled = "AAAA" + signature[4:] if not signature.startswith("AAAA") else "BBBB" + signature[4:]
    for wrong in by_another, unsigned, foreign, f"{header}.{payload}.{mangled}", f"{header}.{payload}.", "x":
        assert ask(wrong) is None, wrong


def part(token, index):
    text = token.split(".")[index]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# Keys that come and go.


@pytest.fixture
def make_signed(binaries, migrated, stand_in, upstream, tmp_path):
    running = []

    def make(**options):
        running.append(Signed(binaries, migrated(), stand_in, upstream, tmp_path / "signing", **options))
        return running[-1]
    yield make
    for signed in running:
        signed.gateway.remove()


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


def kids(gateway):
    return {key["kid"] for key in published(gateway)["keys"]}


def test_keys_are_rotated_without_a_restart_and_nobody_meets_an_unknown_one(make_signed, stand_in, pool, upstream):
    signed = make_signed(signing_key_delay="2s")
    gateway, first = signed.gateway, signed.first["kid"]
    tenant = make_tenant(gateway, gateway.database, stand_in, pool)
    known = kids(gateway)
    assert known == {first}
    second = signed.new()["kid"]
    # A caller for each request, so that each signs.
    tokens = iter(stand_in.mint_many(pool, 400))

    def rotated():
        nonlocal known
        kid = kid_of(assertion(tenant, upstream, next(tokens)))
        # Whoever read the set before this request was sent has the key.
        assert kid in known, (kid, known)
        known = kids(gateway)
        time.sleep(0.1)
        return kid == second
    wait_until(rotated, 30, "the second key")
    assert known == {first, second}

    # Kept assertions of a key that goes are not sent any more: nobody could verify them.
    token = tenant.token()
    assert kid_of(assertion(tenant, upstream, token)) == second
    newest = max(signed.folder.glob("*.pem"))
    newest.unlink()
    wait_until(lambda: kids(gateway) == {first}, 20, "the second key to go")
    sent = wait_until(lambda: [each for each in [assertion(tenant, upstream, token)] if kid_of(each) == first], 20, "the first")
    assert verify(gateway, sent[0], upstream.url)

    # Without any key requests go on, and nothing is asserted.
    pathlib.Path(signed.first["file"]).unlink()
    gateway.wait_event("no_signing_key", 20)
    assert kids(gateway) == set()
    wait_until(lambda: assertion(tenant, upstream, token) is None, 20, "a request without an assertion")
    last = signed.new()["kid"]
    wait_until(lambda: (sent := assertion(tenant, upstream, token)) and kid_of(sent) == last, 20, "the new key")


def test_what_is_no_key_is_told_and_what_was_there_goes_on(make_signed, stand_in, pool, upstream, run):
    signed = make_signed()
    gateway, first = signed.gateway, signed.first["kid"]
    bad = {
        "rsa": (["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "of the kind RSA"),
        "p384": (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "on the curve secp384r1"),
        "ed25519": (["genpkey", "-algorithm", "ED25519"], "of the kind ED25519"),
        "secret": (["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-aes128", "-pass", "pass:x"], "encrypted"),
        "public": (["ec", "-in", signed.first["file"], "-pubout"], "no private key"),
    }
    for name, (arguments, _) in bad.items():
        openssl(*arguments, path=signed.folder / f"z-{name}.pem")
    openssl("ecparam", "-name", "prime256v1", "-genkey", path=signed.folder / "z-sec1.pem")
    (signed.folder / "z-wide.pem").write_bytes(pathlib.Path(signed.first["file"]).read_bytes())
    (signed.folder / "z-wide.pem").chmod(0o644)
    (signed.folder / "z-text.pem").write_text("hello")
    (signed.folder / "z-text.pem").chmod(0o600)
    (signed.folder / "z-folder.pem").mkdir()
    expected = {name: words for name, (_, words) in bad.items()} | {
        "wide": "mode is 0644", "text": "no private key", "folder": "no file"}
    for name, words in expected.items():
        line = gateway.wait_event("signing_key_refused", 20, file=f"z-{name}.pem")
        assert words in line["error"], line
    # A key in the older form, as openssl writes it with the curve's name before it, is one.
    wait_until(lambda: len(kids(gateway)) == 2, 20, "the SEC1 key")
    listed = run("keys", "list", "--json", "--signing-keys", str(signed.folder))
    assert listed.returncode == 1, listed.stderr
    states = {key["file"]: key["state"] for key in json.loads(listed.stdout)}
    assert sorted(states.values()) == ["published", "signs"] + ["unusable"] * 8, states
    checked = run("check", "--signing-keys", str(signed.folder), "--database-url", gateway.database.url)
    assert "FAIL signing key z-rsa.pem" in " ".join(checked.stdout.split()) or "z-rsa.pem" in checked.stdout, checked.stdout
    for path in signed.folder.glob("z-*"):
        path.rmdir() if path.is_dir() else path.unlink()
    wait_until(lambda: kids(gateway) == {first}, 20, "the one key")
    good = run("keys", "list", "--table", "--signing-keys", str(signed.folder))
    assert good.returncode == 0 and "signs" in good.stdout and first in good.stdout, good.stdout

    # A key that can no longer be read stays in use, and so does everything where the folder is gone.
    tenant = make_tenant(gateway, gateway.database, stand_in, pool)
    file = pathlib.Path(signed.first["file"])
    content = file.read_bytes()
    file.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    gateway.wait_event("signing_key_refused", 20, file=file.name)
    assert verify(gateway, assertion(tenant, upstream), upstream.url)
    file.write_bytes(content)
    os.rename(signed.folder, signed.folder.with_name("elsewhere"))
    gateway.wait_event("signing_keys_lost", 20)
    assert verify(gateway, assertion(tenant, upstream), upstream.url) and kids(gateway) == {first}
    os.rename(signed.folder.with_name("elsewhere"), signed.folder)
    added = signed.new()["kid"]
    wait_until(lambda: kids(gateway) == {first, added}, 20, "a key in the folder that came back")
    assert content.decode().splitlines()[1] not in gateway.log()


def test_a_key_is_written_once_and_for_the_gateway_alone(run, tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    done = [run("keys", "new", "--table", "--signing-keys", str(folder)) for _ in range(3)]
    assert all(each.returncode == 0 for each in done), done
    files = sorted(folder.glob("*.pem"))
    assert len(files) == 3 and {file.stat().st_mode & 0o7777 for file in files} == {0o600}
    for each in done:
        assert "kid" in each.stdout and "signs by it from" in each.stdout
    for arguments, status, words in [
            ([], 64, "--signing-keys FOLDER"), (["--signing-keys", str(tmp_path / "none")], 64, "is not there")]:
        refused = run("keys", "new", *arguments)
        assert refused.returncode == status and words in refused.stderr, refused.stderr
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
        assert run("keys", "new", "--signing-keys", str(folder)).returncode == 0
        assert max(folder.glob("*.pem"), key=lambda file: file.stat().st_uid).stat().st_uid == 65534


def test_without_a_folder_there_is_no_assertion_and_no_key_set(tenant, upstream):
    assert tenant.get(tenant.token(), headers=[(NAME, "x")]).status == 200
    assert upstream.last.value(NAME) is None
    assert tenant.gateway.admin(KEYS)[0] == 404

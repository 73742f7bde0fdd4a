"""What a client and a service see of the gateway's verdicts through a proxy that asks it."""

import contextlib
import itertools

import pytest

from fronts import Front
from gateway import Gateway
from processes import wait_until
from proxy_questions import NAMES, FRAMING, OVERRIDING, QUESTIONED, WEBSOCKET, switching
from upstream import Upstream
from wire import request

IDENTITY = ["X-Poolgate-Subject", "X-Poolgate-Tenant", "X-Poolgate-Pool", "X-Poolgate-Client", "X-Poolgate-Principal",
            "X-Forwarded-User", "X-Forwarded-Groups", "X-Forwarded-Email"]
#: Fields by which a client claims to be somebody, or to have asked for something else.
FORGED = [(name, "forged") for name in NAMES if name not in FRAMING] + [(name, "forged") for name in IDENTITY]
#: Underscores are dropped, or refused as words of an asking proxy.
UNDERSCORED = [(name.replace("-", "_"), "forged") for name in IDENTITY] + [("X_Poolgate_Anything", "forged")]
REDIRECTED = [("X-Forwarded-Uri", "/public/forged"), ("X-Original-URI", "/public/forged"), ("X-Forwarded-Method", "OPTIONS"),
              ("X-Original-Method", "OPTIONS"), ("X-Original-Host", "forged.example.com"), ("X-Rewrite-URL", "/public/forged"),
              ("X-Forwarded-Host", "forged.example.com"), ("X-Poolgate-Caller", "forged")]
HOST, SUSPENDED, KEYLESS, DISCREET = (f"{name}.example.com" for name in ("acme", "suspended", "keyless", "discreet"))
NUMBERS = itertools.count(1)


class VerdictCases:
    """The tests of one proxy; its test file says which with `kind`, and where it differs."""

    kind = None
    #: The gateway's listener that is asked.
    listener = "forward_auth"
    #: What a client is told of a host that nobody registered, of keys that cannot be had, and where no gateway is.
    unknown_host, keys_unavailable, unreachable = {421}, {503}, {502, 503, 504}
    #: What is changed in the proxy's files so that it says a secret.
    secret = ()

    @pytest.fixture(scope="class")
    def world(self, request, binaries, migrated, stand_in):
        """A gateway with tenants, a service, and the proxy between them."""
        world = World(request.cls, binaries, migrated(), stand_in)
        yield world
        world.remove()

    @pytest.fixture
    def scene(self, world):
        world.service.reset()
        return world

    def test_an_admitted_request_says_who_asks(self, scene):
        token = scene.token(sub="s-1", username="bob", groups=["a", "b,c"], client="c1")
        assert scene.ask(token, "/x?y=1").status == 200
        received = scene.service.last
        assert received.target == "/x?y=1" and received.value("Host") == HOST
        assert [received.value(name) for name in IDENTITY] == ["s-1", HOST, scene.pool, "c1", "user", "bob", "a,b%2Cc", None]
        assert received.value("X-Forwarded-Proto") == "http" and received.value("X-Forwarded-For")

    @pytest.mark.parametrize("path, has_token, status", [
        ("/", True, 200), ("/public/x", False, 200), ("/public/x", True, 200), ("/optional", False, 200),
        ("/optional", True, 200), ("/", False, 401), ("/admin", False, 401), ("/admin", True, 403)])
    def test_a_client_cannot_write_who_it_is(self, scene, path, has_token, status):
        token = scene.token(sub="s-1", username="bob") if has_token else None
        headers = FORGED + [(name, value) for name, value in REDIRECTED]
        is_known = has_token and path in ("/", "/optional")
        with scene.front.connect() as connection:
            for start in range(0, len(headers), 25):
                answered = connection.request("GET", path, HOST, token, headers[start:start + 25])
                assert answered.status == status, answered.body
                assert len(scene.service.requests) == (status == 200)
                if status == 200:
                    received = scene.service.requests.pop()
                    assert b"forged" not in received.raw_head, received.raw_head
                    assert received.target == path
                    assert received.value("X-Poolgate-Subject") == ("s-1" if is_known else None)
                    assert received.value("X-Forwarded-User") == ("bob" if is_known else None)

    def test_underscores_are_dropped_or_refused(self, scene):
        for headers in (UNDERSCORED, [(name.replace("-", "_"), value) for name, value in REDIRECTED]):
            scene.service.reset()
            answered = scene.ask(None, "/private", headers)
            assert answered.status in (400, 401, 403) and not scene.service.requests
            for path in ("/public", "/"):
                scene.ask(scene.token(username="bob") if path == "/" else None, path, headers)
            assert not any(b"forged" in received.raw_head for received in scene.service.requests)

    def test_a_bad_token_is_challenged(self, scene):
        for path in ("/", "/optional"):
            answered = scene.ask(scene.token(ttl=-60), path)
            assert answered.status == 401 and 'error="invalid_token"' in answered.header("WWW-Authenticate")
        answered = scene.ask(None)
        assert answered.status == 401 and answered.header("WWW-Authenticate") == f'Bearer realm="{HOST}"'
        answered = scene.ask(scene.token(), "/admin")
        assert answered.status == 403 and 'error="insufficient_scope"' in answered.header("WWW-Authenticate")
        assert scene.ask(scene.token(groups=["admins"]), "/admin").status == 200
        assert len(scene.service.requests) == 1
        # What is wrong exactly is nobody's business but the proxy's.
        assert answered.header("X-Poolgate-Code") is None

    def test_a_page_elsewhere_can_read_a_refusal(self, scene):
        answered = scene.ask(None, "/", [("Origin", "https://app.example.com")])
        assert answered.status == 401 and answered.header("Access-Control-Allow-Origin") == "https://app.example.com"
        assert scene.ask(None, "/", [("Origin", "https://evil.example.com")]).header("Access-Control-Allow-Origin") is None

    def test_a_token_is_taken_from_cookie_and_query(self, scene):
        token = scene.token(username="bob")
        assert scene.ask(None, f"/x?access={token}&z=1").status == 200
        assert scene.service.last.value("X-Forwarded-User") == "bob"
        cookie = [("Cookie", f"a=1; session={token}; b=2")]
        assert scene.ask(None, "/x", cookie).status == 200
        assert scene.service.last.value("X-Forwarded-User") == "bob"
        for origin, status in ("https://evil.example.com", 403), ("https://app.example.com", 200), (f"http://{HOST}", 200):
            assert scene.ask(None, "/x", [*cookie, ("Origin", origin)], "POST", b"body").status == status, origin
        assert scene.ask(None, "/x", cookie, "POST", b"body").status == 403
        assert len(scene.service.requests) == 4

    def test_bodies_are_carried_whole_or_not_at_all(self, scene):
        token, large = scene.token(), b"0123456789abcdef" * (1 << 18)
        for body in b"small", large:
            assert scene.ask(token, "/up", method="PUT", body=body).status == 200
            assert scene.service.last.body == body
        assert scene.ask(None, "/up", method="PUT", body=b"small").status == 401
        assert len(scene.service.requests) == 2

    def test_websocket_is_carried_and_judged(self, scene):
        scene.service.behave = switching
        token = scene.token(username="bob")
        with scene.front.connect() as connection:
            connection.send(request("GET", "/chat", HOST, token, WEBSOCKET))
            answered = connection.read()
            assert answered.status == 101, (answered.headers, answered.body, scene.gateway.log()[-3000:])
            assert scene.service.last.value("X-Forwarded-User") == "bob"
            connection.send(b"\x81\x84\0\0\0\0ping")
            assert connection._take(10)[0] == b"\x81\x84\0\0\0\0ping"
        assert scene.ask(None, "/chat", WEBSOCKET).status == 401
        # A browser sends cookies with any page's handshake.
        cookie = [("Cookie", f"session={token}"), *WEBSOCKET]
        assert scene.ask(None, "/chat", [*cookie, ("Origin", "https://evil.example.com")]).status == 403
        assert len(scene.service.requests) == 1

    def test_each_request_of_a_connection_is_its_callers(self, scene):
        tokens = {name: scene.token(username=name) for name in "ab"}
        with scene.front.connect() as connection:
            for name in "abab":
                assert connection.request("GET", "/", HOST, tokens[name]).status == 200
                assert scene.service.last.value("X-Forwarded-User") == name
            assert connection.request("GET", "/", HOST).status == 401
            assert connection.request("GET", "/public", HOST).status == 200
            assert scene.service.last.value("X-Forwarded-User") is None

    def test_preflights_reach_the_service(self, scene):
        headers = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT")]
        assert scene.ask(None, "/x", headers, "OPTIONS").status == 200
        assert scene.ask(None, "/x", (), "OPTIONS").status == 401
        assert len(scene.service.requests) == 1

    def test_two_credentials_are_refused(self, scene):
        token = scene.token()
        answered = scene.ask(token, "/", [("Authorization", "Bearer other")])
        assert answered.status in (400, 401, 403) and not scene.service.requests

    def test_a_host_is_refused_as_its_row_says(self, scene):
        token = scene.token()
        for host, statuses in ((SUSPENDED, {403}), ("nobody.example.com", self.unknown_host), (KEYLESS, self.keys_unavailable)):
            answered = scene.ask(token if host != KEYLESS else scene.keyless_token, host=host)
            assert answered.status in statuses, (host, answered.status)
        assert not scene.service.requests

    def test_who_says_the_secret_may_ask(self, scene):
        with scene.asking_by_secret(self.secret) as asking:
            assert asking.front.ask(HOST, scene.token(username="bob")).status == 200
            assert scene.service.last.value("X-Forwarded-User") == "bob"
            assert b"of-the-test" not in scene.service.last.raw_head
            with asking.front_saying(()) as silent:
                for headers in ([], [("X-Poolgate-Caller", "secret-of-the-test")]):
                    assert silent.ask(HOST, scene.token(), headers=headers).status in {403, *self.unreachable}
            asking.gateway.stop()
            for path in ("/", "/public"):
                assert asking.front.ask(HOST, scene.token(), path).status in self.unreachable
        assert len(scene.service.requests) == 1


class World:
    """Everything that a request meets on its way."""

    def __init__(self, cases, binaries, database, stand_in):
        self.cases, self.binaries, self.database, self.stand_in = cases, binaries, database, stand_in
        number = next(NUMBERS)
        self.pool, self.other = f"eu-west-1_Proxied{number:03}", f"eu-west-1_Keyless{number:03}"
        self.service = Upstream()
        database.add(HOST, self.pool, cookie_name="session", query_parameter="access", cors_origins=["https://app.example.com"])
        database.add(SUSPENDED, self.pool, status="suspended")
        database.add(KEYLESS, self.other)
        database.add(DISCREET, self.pool, cookie_name="session", query_parameter="access", forward_token=False,
                     claim_headers='{"X-Plan": "plan"}')
        database.sql(f"""
            INSERT INTO poolgate.rules (host, path_prefix, access, required_groups) VALUES
                ('{HOST}', '/public', 'public', NULL), ('{HOST}', '/optional', 'optional', NULL),
                ('{HOST}', '/admin', 'authenticated', '{{admins}}'), ('{DISCREET}', '/public', 'public', NULL)""")
        self.keyless_token = self.stand_in.mint(self.other)
        stand_in.fail(self.other, "500")
        self.gateway = self.start(trusted_callers="127.0.0.1/32")
        self.front = None
        try:
            self.front = Front(cases.kind, self.gateway.port_of(cases.listener), self.service.port)
            wait_until(lambda: self.ask(self.token()).status == 200, 20, "an admitted request")
        except BaseException:
            self.remove()
            raise

    def start(self, **settings):
        return Gateway(
            self.binaries, database_url=self.database.url, jwks_url_template=self.stand_in.template, upstream=self.service.url,
            **{f"{self.cases.listener}_listen": "127.0.0.1:0"}, **settings)

    def asking_by_secret(self, change):
        return BySecret(self, change)

    def token(self, **order):
        return self.stand_in.mint(self.pool, **order)

    def ask(self, token=None, path="/", headers=(), method="GET", body=b"", host=HOST):
        return self.front.ask(host, token, path, method, headers, body)

    def remove(self):
        if self.front:
            self.front.remove()
        self.gateway.remove()
        self.service.remove()


class BySecret:
    """A gateway that trusts nobody on this machine but for a secret, and the proxy before it."""

    def __init__(self, world, change):
        self.world, self.change = world, change

    def __enter__(self):
        self.gateway = self.world.start(trusted_callers="192.0.2.0/24", caller_secret="secret-of-the-test")
        try:
            self.front = self._front(self.change)
        except BaseException:
            self.gateway.remove()
            raise
        return self

    def _front(self, change):
        return Front(self.world.cases.kind, self.gateway.port_of(self.world.cases.listener), self.world.service.port, change)

    @contextlib.contextmanager
    def front_saying(self, change):
        front = self._front(change)
        try:
            yield front
        finally:
            front.remove()

    def __exit__(self, *_):
        self.front.remove()
        self.gateway.remove()

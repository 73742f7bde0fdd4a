"""What a proxy asks, and what it does with each response, shown by a gateway that the test plays."""

import contextlib
import re
import socket
import threading

import pytest

from fronts import Front
from processes import TOP
from upstream import Upstream, answer
from wire import request

SOURCE = (TOP / "Sources/Gatekeeper/Tenants/ProtectedHeaders.swift").read_text()
#: What no client may say to a service, as ProtectedHeaders.swift has it, with hyphens.
NAMES = [name.replace("_", "-") for name in re.findall(
    r'"(\w+)"', SOURCE[SOURCE.index("let names"):SOURCE.index("let overriding")])]
PREFIXES = [name.replace("_", "-") for name in re.findall(r'"(\w+_)"', SOURCE[SOURCE.index("let prefixes"):])]
OVERRIDING = ["x-rewrite-url", "x-method-override", "x-original-uri", "x-original-url", "x-original-method",
              "x-original-host", "x-http-method", "x-http-method-override"]
#: Names that frame a message: a client writes them in good faith, and their aliases are what is forged.
FRAMING = {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "upgrade",
           "expect", "proxy-authenticate", "proxy-authorization", "proxy-authentication-info"}
#: Names below each prefix that services know; a proxy that cannot name prefixes names these.
KNOWN = {
    "x-poolgate-": "subject tenant pool client principal assertion", "x-auth-request-": "user email groups preferred-username",
    "x-amzn-oidc-": "identity data accesstoken", "x-goog-authenticated-user-": "id email", "x-pomerium-": "assertion claim-email",
    "cf-access-": "jwt-assertion authenticated-user-email", "x-consumer-": "id username custom-id groups",
    "x-ms-client-principal-": "id name idp", "x-authentik-": "username email groups", "x-remote-extra-": "",
    "oidc-claim-": "sub email"}
QUESTIONED = ["x-forwarded-uri", "x-forwarded-method", "x-forwarded-host", "x-poolgate-caller", "x-poolgate-code"]

WEBSOCKET = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
             ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
H2C = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")]
#: Targets that programs read in several ways.
TARGETS = [
    "/", "/?x=1&y=%20", "/a%2Fb", "/a%2fb/../c", "//a//b", "/a/../b", "/a/./b", "/a/%2e%2e/b", "/a/%2E%2E%2Fb", "/a;x=1/b",
    "/%61dmin", "/a%5Cb", "/a%25b", "/a?b?c", "/a?b=%2Fc/../d", "/a%3Fb", "/a%3Bb", "/a+b", "/a%20b", "/@:!$'()*,", "/a%C3%A9",
    "/%", "/a%zz", "/a#b", "/a%23b", "/a\\b", "/a%00b", "/a\u00e9", "http://other.example.com/a", "http://other.example.com",
    "/public/..%2fadmin", "/a?", "/..", "/a/.."]


class QuestionCases:
    """The tests of one proxy; its test file says which with `kind`, and where it differs."""

    kind = None
    #: Whether it removes fields whose names begin with a prefix, whatever follows.
    knows_prefixes = True
    #: Whether it leaves a request's trailers out.
    drops_trailers = True
    #: The status that it makes of each refusal's own, where it is another.
    statuses = {}
    #: Whether a client learns after how many seconds to try again.
    tells_retries = True
    #: What a client is told where no gateway responds.
    unreachable = {502, 503, 504}
    #: Whether the files say how long a response may take; five seconds then.
    knows_times = True

    @staticmethod
    def played_by(kind):
        return Played(kind)

    @pytest.fixture(scope="class")
    def played(self, request):
        """A gateway and a service that the test plays, and the proxy between them."""
        played = request.cls.played_by(request.cls.kind)
        yield played
        played.remove()

    @pytest.fixture
    def scene(self, played):
        played.reset()
        return played

    #: How else the played gateway can fail.
    failures = ()

    def asked(self, question):
        """Method, host and target that a question is about."""
        return (question.value("X-Forwarded-Method"), question.value("X-Forwarded-Host"), question.value("X-Forwarded-Uri"))

    def test_what_is_judged_is_what_the_service_gets(self, scene):
        reached = 0
        for number, target in enumerate(TARGETS):
            for method in ("GET", "DELETE") if number < 3 else ("GET",):
                scene.reset()
                status = scene.raw(request(method, target, "acme.example.com:8443"))
                assert len(scene.service.requests) == (status == 200), (target, status)
                for received in scene.service.requests:
                    reached += 1
                    method_asked, host, uri = self.asked(scene.questions.last)
                    path = re.sub(r"^http://[^/?]*", "", received.target) or "/"
                    assert (method_asked, host, uri) == (received.method, received.value("Host"), path), target
                    if target.startswith("/"):
                        assert host == "acme.example.com:8443"
        assert reached > 15

    def test_a_host_is_judged_by_which_the_proxy_chose_the_server(self, scene):
        """An absolute target names the host, whatever stands in Host (RFC 9112 §3.2.2)."""
        status = scene.raw(request("GET", "http://acme.example.com/", "other.example.com"))
        if status == 200:
            assert self.asked(scene.questions.last)[1] == "acme.example.com"
            assert scene.service.last.value("Host") == "acme.example.com"
        else:
            assert status == 400 and not scene.service.requests

    def test_no_word_of_the_client_is_taken_for_the_proxys(self, scene):
        headers = [(name, "/forged") for name in QUESTIONED + OVERRIDING]
        headers += [(name.replace("-", "_"), "/forged") for name in QUESTIONED + OVERRIDING]
        status = scene.ask("acme.example.com", path="/private", headers=headers).status
        if status == 200:
            assert self.asked(scene.questions.last) == ("GET", "acme.example.com", "/private")
            assert b"forged" not in scene.service.last.raw_head
        question = scene.questions.last
        for name in QUESTIONED[:4] + ["x-original-uri", "x-original-method", "x-original-host"]:
            assert "/forged" not in question.values(name), name

    def names(self):
        below = [prefix + (known or "some") for prefix in PREFIXES for known in KNOWN[prefix].split() or [""]
                 if self.knows_prefixes or known]
        if self.knows_prefixes:
            below += [prefix + "some-name" for prefix in PREFIXES]
        return [name for name in NAMES if name not in FRAMING] + below + OVERRIDING + QUESTIONED

    @pytest.mark.parametrize("spelling", ["-", "upper", *"_.~!#$%&'*+^`|"])
    def test_a_forged_field_never_reaches_the_service(self, scene, spelling):
        names = self.names() + ([] if spelling in ("-", "upper") else [name for name in sorted(FRAMING) if "-" in name])
        if spelling not in ("-", "upper", "_", "."):
            names = ["x-forwarded-user", "x-poolgate-subject", "x-poolgate-tenant", "content-length"]
        spelt = [name.upper() if spelling == "upper" else name.replace("-", spelling) for name in names]
        spelt = [name for name in spelt if spelling in ("-", "upper") or spelling in name]
        # An identity that the gateway names is the only one, and a request without one has none.
        for identity in ([("X-Poolgate-Subject", "s-1"), ("X-Forwarded-User", "bob")], []):
            scene.identity = identity
            for start in range(0, len(spelt), 30):
                answered = scene.ask("acme.example.com", headers=[(name, "forged") for name in spelt[start:start + 30]])
                assert answered.status == 200, answered.body
                received = scene.service.last
                assert b"forged" not in received.raw_head, received.raw_head
                for name, value in [("X-Poolgate-Subject", "s-1"), ("X-Forwarded-User", "bob")]:
                    assert received.value(name) == (value if identity else None)

    def test_connection_cannot_take_the_identity_away(self, scene):
        headers = [("Connection", "X-Forwarded-User, X-Poolgate-Subject, X-Forwarded-Method, X-Original-Method, Authorization")]
        answered = scene.ask("acme.example.com", "token", headers=headers)
        assert answered.status == 200
        received = scene.service.last
        assert received.value("X-Poolgate-Subject") == "s-1"
        assert "x-forwarded-user" not in (received.value("Connection") or "").lower()
        # Whether or not Authorization is carried, question and service see the same.
        assert bool(scene.questions.last.values("Authorization")) == bool(received.values("Authorization"))
        scene.service.behave = switching
        headers = [("Connection", "keep-alive, Upgrade, X-Forwarded-User, X-Poolgate-Subject"), *WEBSOCKET[1:]]
        assert scene.ask("acme.example.com", "token", headers=headers).status == 101
        assert scene.service.last.value("X-Forwarded-User") == "bob"
        assert scene.service.last.value("Connection").lower() == "upgrade"

    def test_every_refusal_stops_the_request(self, scene):
        for status in (301, 400, 401, 403, 404, 405, 413, 414, 421, 426, 429, 431, 500, 502, 503, 504):
            scene.reset()
            scene.status = status
            scene.fields = [("WWW-Authenticate", 'Bearer realm="acme"'), ("X-Poolgate-Code", "some_code"), ("Retry-After", "5")]
            answered = scene.ask("acme.example.com", "token")
            assert not scene.service.requests, status
            assert answered.status == self.statuses.get(status, status)
            assert answered.header("X-Poolgate-Code") is None
            if status == 503:
                assert answered.header("Retry-After") == ("5" if self.tells_retries else None)
            if status in (401, 403):
                assert answered.header("WWW-Authenticate") == 'Bearer realm="acme"'

    def test_no_body_goes_to_the_gateway(self, scene):
        large = b"0123456789abcdef" * (1 << 18)
        for body in (b"small", large):
            assert scene.ask("acme.example.com", "token", method="POST", body=body).status == 200
            assert scene.service.last.body == body
            chunked = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:3], body[3:])) + b"0\r\n\r\n"
            headers = [("Transfer-Encoding", "chunked"), ("Expect", "100-continue")]
            status = scene.raw(request("POST", "/", "acme.example.com", "token", headers, chunked))
            assert status == 200 and scene.service.last.body == body
        assert all(question.body == b"" and not question.values("Transfer-Encoding") for question in scene.questions.requests)

    def test_trailers_say_nothing_of_who_asks(self, scene):
        data = b"3\r\nabc\r\n0\r\nX-Forwarded-User: forged\r\nX_Poolgate_Subject: forged\r\n\r\n"
        headers = [("Transfer-Encoding", "chunked"), ("Trailer", "X-Forwarded-User")]
        assert scene.raw(request("POST", "/", "acme.example.com", "token", headers, data)) == 200
        assert scene.service.last.body == b"abc" and scene.service.last.value("X-Forwarded-User") == "bob"
        assert not (self.drops_trailers and scene.service.last.trailers)

    def test_only_websocket_is_upgraded_to(self, scene):
        scene.service.behave = switching
        with scene.front.connect() as connection:
            connection.send(request("GET", "/", "acme.example.com", "token", WEBSOCKET))
            assert connection.read().status == 101
            connection.send(b"\x81\x84\0\0\0\0ping")
            assert connection._take(10)[0] == b"\x81\x84\0\0\0\0ping"
        assert scene.questions.last.values("Sec-WebSocket-Key")
        for headers in (H2C, WEBSOCKET[:1] + [("Upgrade", "h2c"), ("Upgrade", "websocket")] + WEBSOCKET[2:],
                        [("Connection", "Upgrade"), ("Upgrade", "websocket, h2c")]):
            scene.reset()
            scene.ask("acme.example.com", "token", headers=headers)
            assert not any("h2c" in value for received in scene.service.requests for value in received.values("Upgrade"))

    def test_questions_share_connections(self, scene):
        before = scene.questions.connections
        for number in range(30):
            scene.status = (200, 401, 403)[number % 3]
            assert scene.ask("acme.example.com", "token").status == scene.status
        assert scene.questions.connections - before <= 4

    def test_each_request_of_a_connection_is_asked_about(self, scene):
        with scene.front.connect() as connection:
            for number in range(6):
                scene.identity = [("X-Forwarded-User", f"user{number}")] if number % 2 else []
                assert connection.request("GET", f"/{number}", "acme.example.com").status == 200
                assert scene.service.last.value("X-Forwarded-User") == (f"user{number}" if number % 2 else None)
            scene.status = 401
            assert connection.request("GET", "/", "acme.example.com").status == 401
        assert len(scene.questions.requests) == 7 and len(scene.service.requests) == 6

    def test_a_caller_of_many_groups_is_admitted(self, scene):
        groups = ",".join(f"group-{number:04}" for number in range(1200))
        scene.identity = [("X-Forwarded-Groups", groups)]
        assert scene.ask("acme.example.com", "token").status == 200
        assert scene.service.last.value("X-Forwarded-Groups") == groups

    def test_without_a_gateway_nothing_passes(self):
        scene = self.played_by(self.kind)

        def breaks(_received, connection, _number):
            connection.shutdown(socket.SHUT_RDWR)

        def is_cut(_received, connection, _number):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Poolgate-Subj")
            connection.shutdown(socket.SHUT_RDWR)

        def is_silent(_received, _connection, _number):
            scene.end.wait(60)
        try:
            assert scene.ask("acme.example.com", "token").status == 200
            scene.service.reset()
            for behaviour in (*(self.failures or (breaks, is_cut)), *([is_silent] if self.knows_times else []), None):
                scene.questions.behave = behaviour
                if behaviour is None:
                    scene.leave()
                answered = scene.ask("acme.example.com", "token")
                assert answered.status in self.unreachable and not scene.service.requests, behaviour
        finally:
            scene.remove()


class Played:
    """A gateway and a service that do what the test says."""

    questions_of = Upstream

    def __init__(self, kind):
        self.questions, self.service, self.end = self.questions_of(), Upstream(), threading.Event()
        self.reset()
        self.front = Front(kind, self.questions.port, self.service.port)

    def reset(self):
        self.status, self.fields, self.identity = 200, [], [("X-Poolgate-Subject", "s-1"), ("X-Forwarded-User", "bob")]
        self.questions.reset()
        self.service.reset()
        self.questions.behave = self._judge

    def _judge(self, received, _connection, _number):
        if self.status == 200:
            return answer(200, b"", self.identity)
        fields = self.fields + ([("Location", "https://example.com/")] if self.status == 301 else [])
        return answer(self.status, b'{"error":"some"}', fields, is_head=received.method == "HEAD")

    def ask(self, host, *arguments, **options):
        return self.front.ask(host, *arguments, **options)

    def leave(self):
        """The gateway goes away, with every connection to it."""
        for open_socket in (self.questions.listener, *self.questions.open):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        self.questions.remove()

    def raw(self, data):
        """The status of what is sent byte by byte as it stands."""
        with self.front.connect() as connection:
            connection.send(data)
            return connection.read().status

    def remove(self):
        self.end.set()
        self.front.remove()
        self.questions.remove()
        self.service.remove()


def switching(received, connection, _number):
    """A service that takes any upgrade, and echoes."""
    protocols = received.values("Upgrade")
    if not protocols:
        return answer(200)
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocols[0].encode()
        + b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    while data := connection.recv(65536):
        connection.sendall(data)

"""Envoy in front of a service, asking the gateway about each request with the files of ops/proxies/envoy."""

import pytest

pytest.register_assert_rewrite("proxy_calls", "proxy_questions", "proxy_verdicts")
from proxy_calls import PlayedCalls, empty_refusal, nonsense, unavailable  # noqa: E402
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import DISCREET, KEYLESS, VerdictCases  # noqa: E402


class TestEnvoyAsksOverHTTP(QuestionCases):
    kind = "envoy-http"

    def asked(self, question):
        return question.method, question.value("Host"), question.target.removeprefix("/ext_authz")

    #: To ext_authz a status from 500 on is a gateway that failed.
    statuses = {status: 503 for status in (500, 502, 503, 504)}
    tells_retries = False


class TestEnvoyAsksOverGRPC(QuestionCases):
    kind = "envoy-grpc"
    played_by = staticmethod(PlayedCalls)
    failures = (unavailable, nonsense)

    def asked(self, question):
        return question.method, question.host, question.target

    def test_two_lines_are_told_as_two(self, scene):
        assert scene.ask("acme.example.com", headers=[("Cookie", "a=1"), ("Cookie", "b=2")]).status == 200
        assert scene.questions.last.values("cookie") == ["a=1", "b=2"]

    def test_a_refusal_without_words_is_one(self, scene):
        scene.questions.behave = empty_refusal
        assert scene.ask("acme.example.com").status == 403 and not scene.service.requests


class RemovalCases(VerdictCases):
    """What Envoy alone takes out of a request at the gateway's word."""

    def test_a_token_that_is_not_for_the_service_is_taken_out(self, scene):
        token = scene.token(username="bob")
        assert scene.ask(token, "/x", host=DISCREET).status == 200
        received = scene.service.last
        assert received.value("X-Forwarded-User") == "bob" and received.value("Authorization") is None
        assert scene.ask(None, "/x", [("Cookie", f"a=1; session={token}; b=2")], host=DISCREET).status == 200
        received = scene.service.last
        assert received.value("X-Forwarded-User") == "bob" and received.value("Cookie") == "a=1; b=2"
        assert scene.ask(None, "/x", [("Cookie", f"session={token}")], host=DISCREET).status == 200
        assert not scene.service.last.value("Cookie") and token.encode() not in scene.service.last.raw_head

    def test_a_rows_own_names_are_nobody_elses(self, scene):
        for path, token in ("/public", None), ("/", scene.token()):
            headers = [("X-Plan", "forged"), ("X.Plan", "forged"), ("x_plan", "forged"), ("X-Planet", "mars")]
            assert scene.ask(token, path, headers, host=DISCREET).status == 200
            assert b"forged" not in scene.service.last.raw_head and scene.service.last.value("X-Planet") == "mars"


class TestEnvoyObeysOverHTTP(RemovalCases):
    kind = "envoy-http"
    secret = [(r"# (authorization_request: .*) SECRET\}", r"\1 secret-of-the-test}")]


class TestEnvoyObeysOverGRPC(RemovalCases):
    kind = "envoy-grpc"
    listener = "ext_authz"
    secret = [(r"# (initial_metadata: .*) SECRET\}", r"\1 secret-of-the-test}")]

    def test_a_token_is_taken_out_of_the_query(self, scene):
        token = scene.token(username="bob")
        assert scene.ask(None, f"/x?y=1&access={token}&z=%2F", host=DISCREET).status == 200
        assert scene.service.last.target == "/x?y=1&z=%2F" and scene.service.last.value("X-Forwarded-User") == "bob"

    def test_a_token_is_taken_out_however_its_parameter_is_spelled(self, scene):
        token = scene.token(username="bob")
        assert scene.ask(None, f"/x?y=1&acc%65ss={token}", host=DISCREET).status == 200
        assert scene.service.last.target == "/x?y=1"

    def test_cookies_that_are_no_text_go_with_the_token_and_the_others_stay(self, scene):
        """Envoy reads the text of a field alone."""
        token = scene.token(username="bob")
        assert scene.ask(None, "/x", [("Cookie", f"a=\xff; session={token}; b=2")], host=DISCREET).status == 200
        assert scene.service.last.value("Cookie") == "b=2"
        assert scene.ask(None, "/x", [("Cookie", f"a=\xff; session={token}")], host=DISCREET).status == 200
        assert token.encode() not in scene.service.last.raw_head and b"\xff" not in scene.service.last.raw_head

    def test_a_rows_own_headers_are_written(self, scene):
        token = scene.token(claims={"plan": "gold"})
        assert scene.ask(token, "/", [("X-Plan", "forged")], host=DISCREET).status == 200
        assert scene.service.last.value("X-Plan") == "gold"

    def test_a_refusal_says_when_to_try_again(self, scene):
        answered = scene.ask(scene.keyless_token, host=KEYLESS)
        assert answered.status == 503 and answered.header("Retry-After") == "5" and answered.error == "keys_unavailable"

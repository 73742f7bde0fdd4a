"""Envoy in front of a service, asking the gateway about each request with the files of ops/proxies/envoy."""

import pytest

pytest.register_assert_rewrite("proxy_calls", "proxy_questions", "proxy_verdicts")
from proxy_calls import PlayedCalls, empty_refusal, nonsense, unavailable  # noqa: E402
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


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


class TestEnvoyObeysOverHTTP(VerdictCases):
    kind = "envoy-http"
    secret = [(r"# (authorization_request: .*) SECRET\}", r"\1 secret-of-the-test}")]


class TestEnvoyObeysOverGRPC(VerdictCases):
    kind = "envoy-grpc"
    listener = "ext_authz"
    secret = [(r"# (initial_metadata: .*) SECRET\}", r"\1 secret-of-the-test}")]

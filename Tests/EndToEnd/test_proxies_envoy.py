"""Envoy in front of a service, asking the gateway about each request with the files of ops/proxies/envoy."""

import pytest

pytest.register_assert_rewrite("proxy_questions", "proxy_verdicts")
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


class TestEnvoyAsksOverHTTP(QuestionCases):
    kind = "envoy-http"

    def asked(self, question):
        return question.method, question.value("Host"), question.target.removeprefix("/ext_authz")

    #: To ext_authz a status from 500 on is a gateway that failed.
    statuses = {status: 503 for status in (500, 502, 503, 504)}


class TestEnvoyObeysOverHTTP(VerdictCases):
    kind = "envoy-http"
    secret = [(r"# (authorization_request: .*) SECRET\}", r"\1 secret-of-the-test}")]


class TestEnvoyObeysOverGRPC(VerdictCases):
    kind = "envoy-grpc"
    listener = "ext_authz"
    secret = [(r"# (initial_metadata: .*) SECRET\}", r"\1 secret-of-the-test}")]

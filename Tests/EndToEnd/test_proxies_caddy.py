"""Caddy in front of a service, asking the gateway about each request with the files of ops/proxies/caddy."""

import pytest

pytest.register_assert_rewrite("proxy_questions", "proxy_verdicts")
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


class TestCaddyAsks(QuestionCases):
    kind = "caddy"


class TestCaddyObeys(VerdictCases):
    kind = "caddy"
    secret = [(r"# (header_up X-Poolgate-Caller) SECRET", r"\1 secret-of-the-test")]

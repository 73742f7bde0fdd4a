"""Traefik in front of a service, asking the gateway about each request with the files of ops/proxies/traefik."""

import pytest

pytest.register_assert_rewrite("proxy_questions", "proxy_verdicts")
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


class TestTraefikAsks(QuestionCases):
    kind = "traefik"
    unreachable = {500}
    # Its forwardAuth waits 30 s, whatever its files say: too long for a test.
    knows_times = False


class TestTraefikObeys(VerdictCases):
    kind = "traefik"
    secret = [(r'X-Poolgate-Caller: ""', "X-Poolgate-Caller: secret-of-the-test")]
    unreachable = {500}

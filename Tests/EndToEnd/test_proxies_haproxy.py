"""Haproxy in front of a service, asking the gateway about each request with the files of ops/proxies/haproxy."""

import pytest

pytest.register_assert_rewrite("proxy_questions", "proxy_verdicts")
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


class TestHaproxyAsks(QuestionCases):
    kind = "haproxy"
    drops_trailers = False
    # What is no refusal is none of a gateway's responses.
    statuses = {301: 503}


class TestHaproxyObeys(VerdictCases):
    kind = "haproxy"
    secret = [(r"local secret = nil", 'local secret = "secret-of-the-test"')]

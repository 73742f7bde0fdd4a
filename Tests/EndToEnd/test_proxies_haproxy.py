"""Haproxy in front of a service, asking the gateway about each request with the files of ops/proxies/haproxy."""

import pytest

pytest.register_assert_rewrite("proxy_questions", "proxy_verdicts")
from fronts import Front  # noqa: E402
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


class TestHaproxyAsks(QuestionCases):
    kind = "haproxy"
    drops_trailers = False
    # What is no refusal is none of a gateway's responses.
    statuses = {301: 503}

    def test_a_question_that_cannot_be_put_is_no_admission(self, scene):
        front = Front("haproxy", scene.questions.port, scene.service.port, [(r"core\.httpclient", "core.nothing")])
        try:
            for _ in range(2):
                assert front.ask("acme.example.com", "token").status == 503
        finally:
            front.remove()
        assert not scene.service.requests


class TestHaproxyObeys(VerdictCases):
    kind = "haproxy"
    secret = [(r"local secret = nil", 'local secret = "secret-of-the-test"')]

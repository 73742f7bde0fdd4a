"""Nginx in front of a service, asking the gateway about each request with the files of ops/proxies/nginx."""

import pytest

pytest.register_assert_rewrite("proxy_questions", "proxy_verdicts")
from proxy_questions import QuestionCases  # noqa: E402
from proxy_verdicts import VerdictCases  # noqa: E402


class TestNginxAsks(QuestionCases):
    kind = "nginx"
    knows_prefixes = False
    # nginx knows 401 and 403; the files restore those that a request can be blamed for, and all others are 503.
    statuses = {status: 503 for status in (301, 400, 404, 421, 429, 500, 502, 504)}

    def asked(self, question):
        return (question.value("X-Original-Method"), question.value("X-Original-Host"), question.value("X-Original-URI"))

    def test_nobody_asks_in_nginxs_place(self, scene):
        assert scene.ask("acme.example.com", path="/_poolgate").status == 404
        assert not scene.service.requests


class TestNginxObeys(VerdictCases):
    kind = "nginx"
    secret = [(r'(proxy_set_header X-Poolgate-Caller) "";\n        \}', r'\1 "secret-of-the-test";\n        }')]
    #: nginx would make 500 of it.
    unknown_host = {403}

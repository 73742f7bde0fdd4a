"""Questions as proxies ask them, in every form that the gateway understands by HTTP."""

import h2wire
from wire import Answer, Connection

FAMILIES = {
    "forwarded": ("X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-Uri"),
    "original": ("X-Original-Method", "X-Original-Host", "X-Original-URI"),
}


def question(form, host, token=None, method="GET", path="/", fields=()):
    """Method, path, host and fields of the question whether a request may pass."""
    fields = list(fields) + ([("Authorization", f"Bearer {token}")] if token else [])
    if form == "envoy":
        return method, f"/ext_authz{path}", host, fields
    names = FAMILIES[form]
    return "GET", "/verify", "gate.internal", list(zip(names, (method, host, path))) + fields


def ask(port, form, host, token=None, method="GET", path="/", fields=(), connection=None, body=b""):
    """The answer to a question by HTTP/1.1."""
    method, path, host, fields = question(form, host, token, method, path, fields)
    if connection:
        return connection.request(method, path, host, None, fields, body)
    with Connection(port) as connection:
        return connection.request(method, path, host, None, fields, body)


def ask_by_http2(client, form, host, token=None, method="GET", path="/", fields=(), body=b""):
    """The answer by HTTP/2, in the form of one by HTTP/1.1."""
    method, path, host, fields = question(form, host, token, method, path, fields)
    fields = [(name.lower(), value) for name, value in fields]
    answer = client.wait(client.send(host, method=method, path=path, fields=fields, body=body), 20)
    assert answer.status is not None, f"no answer: reset {answer.reset}, goaways {client.goaways}"
    return Answer(answer.status, answer.headers, answer.body)


def http2(port):
    return h2wire.Client(port)

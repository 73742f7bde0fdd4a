"""Upstreams that authenticate a connection and not a request, as NTLM and Negotiate do: whoever comes by a connection is
taken for the one who proved who they are on it."""

import threading

import pytest

import upstream as up
from conftest import make_tenant
from processes import wait_until

PREFLIGHT = [("Origin", "https://page.test"), ("Access-Control-Request-Method", "GET")]
CHALLENGES = {
    "ntlm": "NTLM", "lower case": "ntlm", "negotiate": "Negotiate", "behind another": 'Basic realm="a, b", NTLM',
    "before another": 'Negotiate, Basic realm="x"',
}


class Domain:
    """Three messages make a connection its caller's, as in MS-NTHT §4: `User NAME 1` is challenged, `User NAME 3` done."""

    def __init__(self, scheme="NTLM", challenge="NTLM", says_so=True, legs=2):
        self.scheme, self.challenge, self.says_so, self.legs = scheme, challenge, says_so, legs
        self.callers, self.lock = {}, threading.Lock()

    def __call__(self, received, connection, number):
        proof = [value for value in received.values("Authorization") if value.lower().startswith(self.scheme.lower() + " ")]
        with self.lock:
            caller = self.callers.get(number)
            if proof:
                _, name, message = proof[0].split()
                if message == "1" and self.legs == 2:
                    self.callers[number] = None
                    return self.refuse(f"{self.challenge.split(',')[0]} challenge-for-{name}")
                self.callers[number] = caller = name
        if caller is None:
            return self.refuse(self.challenge)
        headers = [("WWW-Authenticate", f"{self.scheme} done")] if self.says_so and proof else []
        return up.answer(200, f"{caller} {number}".encode(), headers)

    def refuse(self, challenge):
        return up.answer(401, b"who?", [("WWW-Authenticate", challenge)])


class Person:
    """Somebody's connection to the gateway."""

    def __init__(self, tenant, headers=()):
        self.tenant, self.headers = tenant, list(headers)
        self.connection = tenant.gateway.connect()

    def ask(self, *proof, method="GET"):
        headers = self.headers + ([("Authorization", " ".join(proof))] if proof else [])
        return self.connection.request(method, "/", self.tenant.host, headers=headers)

    def log_in(self, scheme, name):
        assert self.ask().status == 401
        answer = self.ask(scheme, name, "1")
        assert answer.status == 401 and f"challenge-for-{name}" in answer.header("WWW-Authenticate")
        answer = self.ask(scheme, name, "3")
        assert answer.status == 200, answer.body
        return answer.body.decode().split()

    def leave(self):
        self.connection.socket.close()


@pytest.fixture
def make(start, migrated, stand_in, pool, own_upstream):
    """A tenant on one loop, so that everybody would share a connection; without tokens, or with one in a cookie."""
    def begin(domain, tokens, **options):
        own_upstream.behave = domain
        database = migrated()
        gateway = start(database_url=database.url, workers=1, **options)
        tenant = make_tenant(gateway, database, stand_in, pool, upstream=own_upstream.url, cookie_name="session")
        if not tokens:
            database.sql(f"INSERT INTO poolgate.rules (host, path_prefix, access) VALUES ('{tenant.host}', '/', 'public')")
            wait_until(lambda: tenant.get() and own_upstream.requests, 20, "a public path")
        return tenant
    return begin


def person(tenant, tokens, name):
    return Person(tenant, [("Cookie", f"session={tenant.token(sub=name)}")] if tokens else [])


@pytest.mark.parametrize("tokens", [False, True], ids=["without tokens", "with tokens"])
@pytest.mark.parametrize("challenge", CHALLENGES.values(), ids=CHALLENGES.keys())
def test_nobody_is_served_by_the_connection_that_another_authenticated(make, tokens, challenge):
    scheme = "Negotiate" if "egotiate" in challenge else "NTLM"
    tenant = make(Domain(scheme, challenge), tokens)
    alice, bob = person(tenant, tokens, "alice"), person(tenant, tokens, "bob")
    name, number = alice.log_in(scheme, "alice")
    assert name == "alice"
    for _ in range(5):
        assert bob.ask().status == 401
        answer = alice.ask()
        assert (answer.status, answer.body.decode().split()) == (200, ["alice", number])
    assert bob.log_in(scheme, "bob")[0] == "bob"
    for _ in range(3):
        assert alice.ask().body.startswith(b"alice") and bob.ask().body.startswith(b"bob")
    # And nobody after she has gone.
    alice.leave()
    assert all(person(tenant, tokens, f"carol{count}").ask().status == 401 for count in range(5))


def test_the_connection_ends_with_its_client(make, own_upstream):
    tenant = make(Domain(), False)
    alice = person(tenant, False, "alice")
    alice.log_in("NTLM", "alice")
    wait_until(lambda: own_upstream.open)
    alice.leave()
    wait_until(lambda: not own_upstream.open, 20, "the end of her connection")


@pytest.mark.parametrize("legs", [1, 2])
def test_a_proof_is_enough_where_the_upstream_never_says_that_it_authenticates_connections(make, legs):
    """A caller with a ticket sends it at once, and the answer need not mention it."""
    domain = Domain("Negotiate", "Basic realm=x", says_so=False, legs=legs)
    tenant = make(domain, False)
    alice, bob = person(tenant, False, "alice"), person(tenant, False, "bob")
    if legs == 2:
        alice.ask("Negotiate", "alice", "1")
    assert alice.ask("Negotiate", "alice", "3").body.startswith(b"alice")
    assert all(bob.ask().status == 401 for _ in range(5))
    assert alice.ask().body.startswith(b"alice")


def test_a_preflight_is_not_served_by_somebody_s_connection(make):
    tenant = make(Domain(), True)
    alice = person(tenant, True, "alice")
    alice.log_in("NTLM", "alice")
    anybody = Person(tenant, PREFLIGHT)
    assert all(anybody.ask(method="OPTIONS").status == 401 for _ in range(5))


def test_two_callers_by_one_connection_of_a_client_are_told_apart_by_their_tokens(make):
    """As where a program asks for several people, each with a token."""
    tenant = make(Domain(), True)
    alice = person(tenant, True, "alice")
    alice.log_in("NTLM", "alice")
    alice.headers = [("Cookie", f"session={tenant.token(sub='bob')}")]
    assert alice.ask().status == 401


def test_behind_a_balancer_no_connection_outlives_the_request_that_authenticated_it(make):
    """Its connections carry the requests of many clients."""
    tenant = make(Domain(legs=1), False, trusted_proxies="127.0.0.0/8")
    balancer = person(tenant, False, "")
    assert balancer.ask("NTLM", "alice", "3").body.startswith(b"alice")
    assert all(balancer.ask().status == 401 for _ in range(5))


def test_a_retry_takes_no_connection_of_another(make, own_upstream):
    """Her connection ends while idle, and she begins anew on another one; she is nobody there."""
    tenant = make(Domain(), False)
    alice, bob = person(tenant, False, "alice"), person(tenant, False, "bob")
    alice.log_in("NTLM", "alice")
    assert bob.log_in("NTLM", "bob")[0] == "bob"
    own_upstream.end_connections()
    assert alice.ask().status == bob.ask().status == 401
    assert alice.log_in("NTLM", "alice")[0] == "alice"


def test_a_challenge_to_a_request_without_a_token_does_not_forget_whose_connection_it_is(make):
    class Challenging(Domain):
        def __call__(self, received, connection, number):
            return self.refuse("NTLM") if received.method == "OPTIONS" else super().__call__(received, connection, number)
    tenant = make(Challenging(), True)
    alice = person(tenant, True, "alice")
    alice.log_in("NTLM", "alice")
    alice.headers = PREFLIGHT
    assert alice.ask(method="OPTIONS").status == 401
    alice.headers = [("Cookie", f"session={tenant.token(sub='bob')}")]
    assert alice.ask().status == 401

"""One corpus of requests through every surface: the verdict is the same, and so are the changes of the request's head."""

import collections
import concurrent.futures
import json
import re

import pytest

import asking
import checking
import corpus
import h2wire
from conftest import NUMBERS
from gateway import Gateway
from gateway import run as run_command
from processes import TOP
from processes import literal as sql_literal
from test_withdrawn_keys import kid_of
from wire import Connection

# What a surface says of a request: status, error and code where it is refused, and the request's fields as the tenant's service
# would see them where it is not.
Verdict = collections.namedtuple("Verdict", "status error code challenge fields", defaults=(None, None, None, None))

# What every forwarder writes itself, whoever decides; of a trace nothing is said here.
FORWARDERS = {
    "host", "connection", "upgrade", "content-length", "transfer-encoding", "via", "x-request-id", "x-forwarded-for",
    "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "expect",
}


def told(fields):
    """Fields by name, as a service reads them, without those that every forwarder writes."""
    found = collections.defaultdict(list)
    for name, value in fields:
        if name.lower() not in FORWARDERS:
            found[name.lower()].append(value)
    return {name: sorted(values) for name, values in found.items()}


def sql(value):
    return sql_literal(json.dumps(value) if isinstance(value, dict) else value)


class Site:
    """A gateway with every row of the corpus, its upstream, and everything that a case needs."""

    def __init__(self, gateway, stand_in, upstream, numbers):
        self.gateway, self.stand_in, self.upstream = gateway, stand_in, upstream
        self.hosts = {row: f"{row}{next(numbers)}.example.com" for row in corpus.ROWS}
        self.pools = {row: f"eu-west-1_Corpus{next(numbers):04}{row}" for row in corpus.ROWS}
        self.minted = {}

    def register(self):
        """All rows in one transaction, but for what must not meet triggers and checks."""
        def insert(table, columns):
            return f"INSERT INTO poolgate.{table} ({', '.join(columns)}) VALUES ({', '.join(map(sql, columns.values()))});"
        statements = []
        for row, (columns, rules) in corpus.ROWS.items():
            own = {"host": self.hosts[row], "region": "eu-west-1", "pool_id": self.pools[row], "upstream": self.upstream.url}
            statements.append(insert("tenants", own | columns))
            statements += [insert("rules", {"host": self.hosts[row]} | rule) for rule in rules]
        plain = {"region": "eu-west-1", "pool_id": self.pools["plain"]}
        statements += [insert("revocations", plain | {"jti": f"revoked{number}"}) for number in range(5)]
        kid = kid_of(self.stand_in.mint(self.pools["withdrawn"]))
        statements.append(insert("withdrawn_keys", {"region": "eu-west-1", "pool_id": self.pools["withdrawn"], "kid": kid}))
        self.stand_in.fail(self.pools["keyless"], "close")
        self.gateway.database.sql("BEGIN;" + "".join(statements) + f"""COMMIT;
            ALTER TABLE poolgate.tenants DISABLE TRIGGER USER;
            DO $$ DECLARE c record; BEGIN
              FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'poolgate.tenants'::regclass AND contype = 'c' LOOP
                EXECUTE format('ALTER TABLE poolgate.tenants DROP CONSTRAINT %I', c.conname);
              END LOOP; END $$;
            UPDATE poolgate.tenants SET upstream = 'nonsense', changed = pg_current_xact_id() WHERE host = '{self.hosts['broken']}';
            ALTER TABLE poolgate.tenants ENABLE TRIGGER USER; NOTIFY poolgate, 'tenants'""")
        self.gateway.wait_status(503, self.hosts["broken"], seconds=40)

    def token(self, case):
        """The token of a case; the same order has the same one for every surface."""
        order = case.token
        if order is None or isinstance(order, str):
            return order
        key = case.row, json.dumps(order, sort_keys=True)
        if key not in self.minted:
            spoil = (order := dict(order)).pop("spoil", None)
            token = self.stand_in.mint(self.pools[case.row], **order)
            if spoil is not None:
                place = len(token) - 40 - spoil
                token = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1:]
            self.minted[key] = token
        return self.minted[key]

    def request(self, case):
        """Host, method, path and fields of a case, with its token where it is to stand."""
        host, token = self.hosts[case.row], self.token(case)
        asked = (case.host or host).replace("{host}", host)
        texts = [case.path, *(value for _, value in case.fields)]
        path, *values = [text.replace("{host}", host).replace("{token}", token or "") for text in texts]
        fields = [(name, value) for (name, _), value in zip(case.fields, values)]
        if token is not None and not any("{token}" in text for text in texts):
            fields.append(("Authorization", f"Bearer {token}"))
        return asked, case.method, path, fields


@pytest.fixture(scope="module")
def site(binaries, migrated, stand_in, shared_upstream):
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, jwks_url_template=stand_in.template, forward_auth_listen="127.0.0.1:0",
        ext_authz_listen="127.0.0.1:0", trusted_callers="127.0.0.0/8")
    gateway.database = database
    gateway.asked, gateway.authz = gateway.port_of("forward_auth"), gateway.port_of("ext_authz")
    shared_upstream.reset()
    site = Site(gateway, stand_in, shared_upstream, NUMBERS)
    site.register()
    yield site
    gateway.remove()


# The surfaces. Each has `asks(case)`, whether it can be told that request, and `verdict(case)`; the next one is added to SURFACES.

class Proxy:
    """The gateway as a reverse proxy."""

    def __init__(self, site):
        self.site = site

    def asks(self, case):
        return True

    def verdict(self, case):
        host, method, path, fields = self.site.request(case)
        if any(name == "Sec-WebSocket-Key" for name, _ in fields):
            fields = [*fields, ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        before = len(self.site.upstream.requests)
        answer = self.send(host, method, path, fields)
        if answer.status == 200:
            assert len(self.site.upstream.requests) == before + 1, case
            return Verdict(200, fields=told(self.site.upstream.last.headers))
        return refused(answer, method)

    def send(self, host, method, path, fields):
        with Connection(self.site.gateway.port) as connection:
            try:
                return connection.request(method, path, host, None, fields)
            except (BrokenPipeError, ConnectionResetError):
                return connection.read(is_head=method == "HEAD")


def refused(answer, method):
    """The verdict of a refusal by HTTP; one of HEAD has no body."""
    error = answer.error if answer.body else None
    return Verdict(answer.status, error, answer.header("X-Poolgate-Code"), answer.header("WWW-Authenticate"))


class ForwardAuth:
    """Questions in fields of one family, by either wire."""

    def __init__(self, site, form, wire):
        self.site, self.form, self.wire = site, form, wire
        self.port = site.gateway.asked
        self.connection = None

    def asks(self, case):
        # Where the request would go is the proxy's to know.
        return case.code != "no_upstream"

    def ask(self, host, method, path, fields):
        options = {"method": method, "path": path, "fields": fields}
        if self.wire == 2:
            if self.connection is None or self.connection.closed or self.connection.goaways:
                self.connection = h2wire.Client(self.port)
            return asking.ask_by_http2(self.connection, self.form, host, **options)
        try:
            if self.connection is None:
                self.connection = Connection(self.port)
            answer = asking.ask(self.port, self.form, host, connection=self.connection, **options)
        except (ConnectionError, TimeoutError):
            self.connection = Connection(self.port)
            answer = asking.ask(self.port, self.form, host, connection=self.connection, **options)
        if answer.header("Connection") == "close":
            self.connection = None
        return answer

    def verdict(self, case):
        host, method, path, fields = self.site.request(case)
        answer = self.ask(host, method, path, fields)
        if answer.status == 200:
            return Verdict(200, fields=self.applied(answer, fields))
        return refused(answer, "GET")

    def applied(self, answer, fields):
        """The request's fields as they are once the proxy that asked has copied what it is told to copy."""
        return {name: values for name, values in told(answer.headers).items()
                if name not in {"date", "cache-control", "x-envoy-auth-headers-to-remove"}}


class EnvoyByHTTP(ForwardAuth):
    """Envoy's ext_authz over HTTP, with what Envoy makes of the answer."""

    def __init__(self, site, wire):
        super().__init__(site, "envoy", wire)

    def asks(self, case):
        # What stands in the first line of a question is a path behind the prefix; and what is no host, target or method with
        # a path by HTTP/2 never becomes a question.
        return super().asks(case) and case.path.startswith("/") and not (self.wire == 2 and (case.code == "bad_request" or case.method == "CONNECT"))

    def applied(self, answer, fields):
        changed = super().applied(answer, fields)
        found = told(fields) | changed
        for name in (answer.header("X-Envoy-Auth-Headers-To-Remove") or "").split(","):
            assert name not in changed, f"{name} is set and removed"
            found.pop(name, None)
        return found


class EnvoyByGRPC(ForwardAuth):
    """Envoy's ext_authz over gRPC, with what Envoy makes of the answer."""

    def __init__(self, site):
        super().__init__(site, "envoy", 1)
        self.caller = checking.Caller(site.gateway.authz)

    def ask(self, host, method, path, fields):
        return self.caller.ask(host, method=method, path=path, fields=fields)

    def verdict(self, case):
        host, method, path, fields = self.site.request(case)
        said = self.ask(host, method, path, fields)
        if not said.is_ok:
            error = json.loads(said.body)["error"] if said.body else None
            return Verdict(said.status, error, said.code, said.header("WWW-Authenticate"))
        found = told(fields) | told(said.headers)
        for name in said.removed:
            found.pop(name, None)
        return Verdict(200, fields=found)


SURFACES = {
    "forward-auth of Traefik and Caddy": lambda site: ForwardAuth(site, "forwarded", 1),
    "forward-auth of Traefik and Caddy, HTTP/2": lambda site: ForwardAuth(site, "forwarded", 2),
    "forward-auth of nginx": lambda site: ForwardAuth(site, "original", 1),
    "ext_authz over HTTP": lambda site: EnvoyByHTTP(site, 1),
    "ext_authz over HTTP, HTTP/2": lambda site: EnvoyByHTTP(site, 2),
    "ext_authz over gRPC": EnvoyByGRPC,
}
# Those that tell the caller's identity alone, and leave the client's own fields to the proxy that asked.
TELL_IDENTITY_ALONE = {name for name in SURFACES if name.startswith("forward-auth")}
# nginx knows no other status than 401 and 403.
MAPPED = {name: {400: 403, 421: 403} for name in SURFACES if "nginx" in name}


@pytest.fixture(scope="module")
def proxied(site):
    """What the proxy says of each case."""
    return verdicts(Proxy, site, corpus.all_cases())


def cases_of(surface):
    """All cases that a surface can be told; by HTTP/2 one of each code and every fifth, since what is judged is the same."""
    cases = [case for case in corpus.all_cases() if surface.asks(case)]
    if getattr(surface, "wire", 1) == 1:
        return cases
    firsts = {}
    return [case for number, case in enumerate(cases) if firsts.setdefault(case.code, number) == number or number % 5 == 0]


def verdicts(make, site, cases):
    """What a surface says of each case; those that wait for a key wait at the same time, each by a connection of its own."""
    waiting = [case for case in cases if case.code == "keys_unavailable"]
    with concurrent.futures.ThreadPoolExecutor(len(waiting) or 1) as threads:
        said = dict(zip(map(str, waiting), threads.map(lambda case: make(site).verdict(case), waiting)))
    surface = make(site)
    return said | {str(case): surface.verdict(case) for case in cases if str(case) not in said}


def test_the_corpus_has_five_cases_of_each_refusal_that_a_request_can_cause():
    counts = collections.Counter(case.code for case in corpus.all_cases())
    few = {code: count for code, count in counts.items() if count < 5}
    assert not few, few
    table = (TOP / "ops/guide/refusals.md").read_text()
    rows = [[cell.strip() for cell in row.split(" | ")] for row in re.findall(r"^\| (\d{3}.*?) \|$", table, re.M)]
    codes = {re.match(r"`(\w+)`", row[1])[1] if row[2].startswith("same") else re.match(r"`(\w+)`", row[2])[1] for row in rows}
    # What is said of a connection, a body or an upstream, and what the gateway lacks itself, is no request's doing.
    others = {code for code in codes if code.startswith("upstream_")} | {
        "untrusted_caller", "bad_question", "websockets_off", "head_timeout", "body_too_large", "expectation_failed", "misdirected",
        "starting", "stale", "overloaded", "unsupported_version", "loop",
        # No target that is read as one leads to it.
        "bad_path"}
    assert codes - others == set(counts) - {"ok"}


def test_the_proxy_says_what_the_corpus_says(proxied, site):
    wrong = {}
    for case in corpus.all_cases():
        verdict = proxied[str(case)]
        user = (verdict.fields or {}).get("x-forwarded-user", [None])[0]
        if verdict.status != case.status or (verdict.status == 200 and user != case.user):
            wrong[str(case)[:200]] = verdict
    assert not wrong, wrong


@pytest.mark.parametrize("name", SURFACES)
def test_every_surface_says_the_same(site, proxied, name):
    before = len(site.upstream.requests)
    cases, wrong = cases_of(SURFACES[name](site)), {}
    said = verdicts(SURFACES[name], site, cases)
    for case in cases:
        verdict, expected = said[str(case)], proxied[str(case)]
        status = MAPPED.get(name, {}).get(expected.status, expected.status)
        same = verdict.status == status and verdict.challenge == expected.challenge
        if expected.status == 200:
            fields = expected.fields
            if name in TELL_IDENTITY_ALONE:
                sent = {field.lower() for field, _ in site.request(case)[3]}
                own = {field: values for field, values in fields.items() if field in verdict.fields or field not in sent}
                fields = own
            same = same and (verdict.fields == fields)
        else:
            # A question that is no HTTP has no code, since nobody knows whose it is.
            same = same and (expected.error is None or verdict.error in (expected.error, None)) and verdict.code in (case.code, None)
            same = same and (verdict.code is not None or verdict.error == "bad_request" or case.code in ("target_too_long", "forbidden_method"))
        if not same:
            wrong[str(case)[:200]] = (verdict, expected)
    assert not wrong, json.dumps(wrong, indent=1, default=str)[:4000]
    assert len(site.upstream.requests) == before, "a question went upstream"


def test_explain_says_the_same(binaries, site, proxied):
    """One case of each code, since each asks a program of its own."""
    settings = ("--database-url", site.gateway.database.url, "--jwks-url-template", site.stand_in.template)

    def explain(case):
        host, method, path, fields = site.request(case)
        token = site.token(case)
        arguments = ["--host", host, "--method", method, "--path", path]
        if any(name == "Sec-WebSocket-Key" for name, _ in fields):
            fields = [*fields, ("Connection", "Upgrade"), ("Upgrade", "websocket")]
        for field, value in fields:
            if token is None or f"Bearer {token}" != value:
                arguments += ["--header", f"{field}: {value.replace(token, '{token}') if token else value}"]
        if token is not None:
            arguments += ["--token", "-"]
        done = run_command(binaries, "explain", "--json", *arguments, *settings, stdin=token or "")
        assert done.stdout.startswith("{"), f"{case}: {done.stdout} {done.stderr}"
        report = json.loads(done.stdout)
        return "ok" if report["forwarded"] else report["refusal"]["code"]
    firsts = {}
    for case in corpus.all_cases():
        firsts.setdefault(case.code, case)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        said = dict(zip(firsts, threads.map(explain, firsts.values())))
    assert said == {code: code for code in firsts}

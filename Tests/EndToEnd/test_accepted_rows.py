"""Whatever SQL accepts, the gateway serves: rows drawn near every bound, over all columns of all three tables."""

import json
import random

import pytest

from processes import wait_until
from test_schema import NUMBERS, Session


def texts(draw, count, length, alphabet="abcXYZ019-_.:/@ü€😀 ,\"\\{}'%~\t"):
    return ["".join(draw.choice(alphabet) for _ in range(draw.choice([1, 2, 5, length]))) + f"{n}" for n in range(count)]


class Rows:
    """Draws values, each of them good, at a bound, beyond it, or odd."""

    def __init__(self, seed):
        self.draw = random.Random(seed)

    def one(self, *choices):
        choice = self.draw.choice(choices)
        return choice() if callable(choice) else choice

    def label(self, length):
        return "".join(self.draw.choice("abc019_-") for _ in range(length)) or "a"

    def host(self, number):
        name = f"g{number}"
        return f"{name}.example.com" if self.draw.random() < 0.6 else self.one(
            f"{name}.example.com", f"*.{name}.example.com", f"{name}." + "a" * self.one(62, 63, 64) + ".x", f"{name}.{self.label(5)}.example",
            (f"{name}." + "b.c" * 90)[: self.one(252, 253, 254)], f"{name}.xn--bcher-kva.example", f"_{name}.a_b", f"{name}.1.example",
            f"10.{number % 250}.0.{self.one(0, 255, 256)}", name, f"{name}.10", f"{name}.example.com.", f"{name}..x")

    def region(self):
        return "eu-west-1" if self.draw.random() < 0.8 else self.one("eu-west-1", "us-gov-west-1", "eusc-de-east-1", "ab-c-1", "abcd-aaaaaaaaaaaaaaaa-b-12", "abcd-aaaaaaaaaaaaaaaa-bbbbbbbb-12",
                        "abcd-aaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-99", "eu-west-0", "aa-bb-cc-dd-1", "eu-west-10", "eu-west-100", "eu1-west-1")

    def pool_id(self, region):
        return region + "_" + "P" * self.one(1, 9, 9, 9, 55, 128 - len(region) - 1, 128 - len(region))

    def list(self, most, longest, **options):
        count = self.one(0, 1, 2, 3, most, most + 1)
        return self.one(None, None, lambda: texts(self.draw, count, longest, **options), lambda: ["x" * longest], lambda: ["x" * (longest + 1)],
                        lambda: ["a", "a"], lambda: ["€" * longest], lambda: ['"' * longest + str(n) for n in range(2)])

    def origin(self):
        return self.one("http", "https", "h2c", "h2", "HTTP", "ftp", "h3") + "://" + self.one(
            "a.example", "A.example", "10.0.0.5", "10.0.0.256", "[::1]", "[2001:db8::1]", "[::ffff:10.0.0.1]", "[::g]", "a_b", "a" * 63, "a" * 64,
            "[fe80::1%25eth0]", "[0:0:0:0:0:0:0:1]", "[::]", "1.2.3") + self.one("", "", ":1", ":80", ":443", ":65535", ":65536", ":0", ":080", "/")

    def upstream(self):
        return self.one(None, self.origin, self.origin, lambda: " ".join(f"http://10.1.{n // 250}.{n % 250}" for n in range(self.one(2, 31, 32, 33))),
                        lambda: self.origin() + " " + self.origin())

    def claim(self):
        return self.one("custom:plan", "sub", "/address/locality", "/identities/0/providerName", "/a~1b/~0", "/a~2b", "/", "/a//b", "x" * 256, "x" * 257,
                        "€" * 85, "€" * 86, "email_verified", "cognito:groups", "a b", " a", 'quo"te', "back\\slash", "", "https://x.y/z", "nul", "é")

    def scalar(self):
        return self.one("x", "", "€", "true", True, False, 0, -1, 10**17, 10**18, 10**19, -(10**18) + 1, 1.5, None, 2**63, "x" * 8000, '"\\', "\u0001")

    def required_claims(self):
        def value():
            return self.one(self.scalar, self.scalar, lambda: [self.scalar() for _ in range(self.one(0, 1, 3))], lambda: {"all": [self.scalar(), self.scalar()]},
                            lambda: {"all": self.scalar()}, lambda: {"any": 1}, lambda: [[1]])
        return self.one(
            None, None, None, lambda: {self.claim(): value() for _ in range(self.one(1, 2, 4))}, lambda: {f"c{n}": 1 for n in range(self.one(255, 256, 257))},
            lambda: {"k": "x" * (8192 - self.one(9, 10, 8, 0, 50))}, lambda: [], lambda: {})

    def tenant(self, number):
        region, second = self.region(), self.region()
        row = {"host": self.host(number), "region": region, "pool_id": self.pool_id(region)}
        columns = {
            "additional_regions": lambda: self.one([], ["eu-central-1"], [self.region(), self.region()], [f"eu-west-{n}" for n in range(2, self.one(17, 18, 19))]),
            "upstream": self.upstream, "client_ids": lambda: self.list(1000, 128, alphabet="abc019-_\"\\"), "token_uses": lambda: self.one(["access"], ["id", "access"], [], ["x"]),
            "required_groups": lambda: self.list(1000, 128), "required_scopes": lambda: self.list(1000, 513, alphabet="abc/.:"),
            "allow_unverified_email": lambda: self.one(True, False, None), "status": lambda: self.one("active", "suspended", "on"),
            "upstream_ca": lambda: self.one(None, "inside", "a" * 64, "a" * 65, "A"), "max_body_bytes": lambda: self.one(None, 0, 1, 2**63 - 1, -1),
            "websockets": lambda: self.one(True, False, None), "at_expiry": lambda: self.one("close", "outlive", "expire", None), "expiry_grace": lambda: self.one(None, "0", "30 days", "1 month", "31 days", "-1 s", "0.4 s"),
            "claim_headers": lambda: json.dumps(self.one({}, {}, {f"X-{self.label(self.one(1, 5, 62, 63))}": self.claim() for _ in range(self.one(1, 3))},
                                                         {f"X-H{n}": self.claim() for n in range(self.one(31, 32, 33))},
                                                         {self.one("X-Forwarded-Client-Cert", "X-Method-Override", "X-Remote-Extra-A", "X-Goog-A", "X-Original-A", "x-a", "X-User"): "sub"})),
            "header_profile": lambda: self.one("poolgate", "oauth2-proxy", "alb", "authelia", "x"), "forward_token": lambda: self.one(True, False),
            "cookie_name": lambda: self.one(None, "t", "__Host-t", "a" * 128, "a" * 129, "a b", "!#$%&'*+.^_`|~-"), "query_parameter": lambda: self.one(None, "t", "a.b~c_d-e", "a&b", "x" * 128),
            "cors_origins": lambda: self.one(None, [self.origin() for _ in range(self.one(1, 2, 3))], [f"https://o{n}.example" for n in range(self.one(99, 100, 101))]),
            "allow_preflights": lambda: self.one(True, False), "max_token_age": lambda: self.one(None, "1 s", "0.9 s", "30 days", "30 days 1 s", "1 month", "1.5 s"),
            "comment": lambda: self.one(None, "x" * 4000, "x" * 4001, "€" * 4000), "assertion": lambda: self.one(True, False, None),
            "assertion_audience": lambda: self.one(None, "a", "https://a.example", "x" * 512, "x" * 513, "", "a b", "€", '"\\', "a\u007f"),
        }
        for name in self.draw.sample(sorted(columns), self.draw.randint(0, 5)):
            row[name] = columns[name]()
        if self.draw.random() < 0.2:
            row |= {"second_region": second, "second_pool_id": self.pool_id(second)}
        return row

    def rule(self, host):
        row = {"host": host, "path_prefix": self.one(
            "/", "/a", "/a/b", "/%C3%BC", "/%FF", "/%C3", "/%40a", "/@a", "/%0A", "/%7F", "/...", "/a/..b", "/..", "/a+b,c=d", "/%E2%82%AC/x", "/%ED%A0%80", "/" + "a" * 1023,
            "/" + "a" * 1024, "/a//b", "/%2F", "/%25", "/~a", "/%F0%9F%98%80", "/%C2%A0", "/*", "/a*b", "/(a)", "/a'b", "/%22", "/%5B", "/%5Cx")}
        columns = {
            "methods": lambda: self.one(None, ["GET"], ["GET", "POST"], ["PSOT"], ["get"], ["M-SEARCH"], ["HEAD"], ["TRACE"], []),
            "access": lambda: self.one("public", "optional", "authenticated", "x"), "required_groups": lambda: self.list(1000, 128),
            "every_group": lambda: self.list(1000, 128), "required_scopes": lambda: self.list(1000, 513, alphabet="abc/.:"),
            "every_scope": lambda: self.list(1000, 513, alphabet="abc/.:"), "required_claims": lambda: (lambda claims: claims if claims is None else json.dumps(claims))(self.required_claims()),
            "shadow": lambda: self.one(True, False), "comment": lambda: self.one(None, "x" * 4001),
        }
        for name in self.draw.sample(sorted(columns), self.draw.randint(0, 4)):
            row[name] = columns[name]()
        return row

    def revocation(self):
        region = self.region()
        row = {"region": region, "pool_id": self.pool_id(region)}
        value = self.one("8f14e45f-ceea-467f-9575-1d3f5a0e9a11", "x" * 512, "x" * 513, "€" * 170, "€" * 171, "a b", "", "é", "\"\\'")
        for name in self.draw.sample(["subject", "origin_jti", "jti", "client_id"], self.one(0, 1, 1, 1, 2)):
            row[name] = value
        if self.draw.random() < 0.5:
            row["issued_before"] = self.one("epoch", "infinity", "1900-01-01", "4713-01-01 BC", "2200-01-01", "294276-12-31", "now")
        if self.draw.random() < 0.5:
            row["expires_at"] = self.one("now", "2200-01-01", "294276-12-31", "-infinity", "tomorrow")
        return row


def insert(table, row):
    return f"INSERT INTO poolgate.{table} ({', '.join(row)}) VALUES ({', '.join(map(sql, row.values()))});"


def sql(value):
    """A literal on one line."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "ARRAY[" + ", ".join(map(sql, value)) + "]::text[]"
    return "E'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t").replace("\n", "\\n") + "'"


def test_whatever_sql_accepts_the_gateway_serves(start, database):
    """800 tenants, up to three rules each, 200 revocations: those that are accepted are served, none is quarantined."""
    rows = Rows(20261126)
    writer = Session(database)
    writer.must("SET client_min_messages = error; SET client_encoding = 'UTF8'; SET check_function_bodies = off;")
    accepted, refused, revocations = 0, 0, 0
    try:
        for _ in range(800):
            row = rows.tenant(next(NUMBERS))
            printed = writer.run(insert("tenants", row))
            if "ERROR" in printed:
                assert "HINT" in printed or "must be" in printed, printed
                refused += 1
                continue
            accepted += 1
            for _ in range(rows.one(0, 1, 2, 3)):
                printed = writer.run(insert("rules", rows.rule(row["host"])))
                assert "ERROR" not in printed or "HINT" in printed or "json" in printed, printed
        for _ in range(200):
            printed = writer.run(insert("revocations", rows.revocation()))
            assert "ERROR" not in printed or "HINT" in printed, printed
            revocations += "ERROR" not in printed
    finally:
        writer.close()
    # The generator draws from both sides of the bounds.
    assert accepted > 150 and refused > 150 and revocations > 50, (accepted, refused, revocations)
    assert int(database.sql("SELECT count(*) FROM poolgate.rules")) > 60
    gateway = start(database_url=database.url)
    served = wait_until(lambda: database.sql("SELECT tenants FROM poolgate.instances WHERE snapshot IS NOT NULL"), 20, "the report")
    assert int(served) == accepted
    wait_until(lambda: database.sql("SELECT count(*) FROM poolgate.instances WHERE snapshot IS NOT NULL AND quarantined = 0") == "1"
               or database.sql("SELECT count(*) FROM poolgate.tenant_quarantine") != "0", 20, "the report")
    assert database.sql("SELECT host || ': ' || detail FROM poolgate.tenant_quarantine") == ""
    assert gateway.process.poll() is None


@pytest.mark.parametrize("extra,is_taken", [(0, True), (1, False)])
def test_rules_of_a_host_have_one_bound_and_the_insert_tells_it(start, database, stand_in, pool, extra, is_taken):
    database.add("big.example.com", pool)
    database.sql("""INSERT INTO poolgate.rules (host, path_prefix, required_scopes)
        SELECT 'big.example.com', '/' || n, ARRAY(SELECT rpad(s::text, 509, 's') FROM generate_series(1, 900) s) FROM generate_series(1, 2) n;
        INSERT INTO poolgate.rules (host, path_prefix, required_scopes)
        SELECT 'big.example.com', '/3', ARRAY(SELECT rpad(s::text, 509, 's') FROM generate_series(1, 140) s);
        INSERT INTO poolgate.rules (host, path_prefix, required_claims) VALUES ('big.example.com', '/fill', '{"level": "x"}')""")
    missing = 1_000_000 - int(database.sql("SELECT octet_length(rules) FROM poolgate.tenant_rules"))
    assert 0 < missing < 8_000, missing
    done = database.sql(f"UPDATE poolgate.rules SET required_claims = jsonb_build_object('level', repeat('x', 1 + {missing} + {extra})) WHERE path_prefix = '/fill'", check=False)
    assert (done.returncode == 0) == is_taken, done.stderr
    if is_taken:
        start(database_url=database.url).wait_status(403, "big.example.com", stand_in.mint(pool), path="/1")
    else:
        assert "would have 1000001 bytes in all" in done.stderr and "HINT" in done.stderr

"""What /metrics says, read by the tools that will read it; and the alerts and the dashboard that go by it."""

import json
import pathlib
import re
import socket
import ssl
import subprocess
import urllib.request

import pytest
from certificates import DAY, Authority
from conftest import make_tenant
from processes import TOP, wait_until
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

PROMETHEUS, GRAFANA = TOP / "ops/prometheus", TOP / "ops/grafana"
ALERTS, PAGE = TOP / "ops/guide/alerts.md", TOP / "ops/guide/metrics.md"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NAMED_TENANTS = 50


@pytest.fixture(scope="module")
def certificate_folder(tmp_path_factory):
    """Sixty pairs, of which `p00` expires first and fifty have a series."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    for number in range(60):
        authority.issue(folder, f"p{number:02}", f"p{number:02}.example.com", lifetime=(5 + number) * DAY)
    return folder


@pytest.fixture(scope="module")
def site(binaries, migrated, stand_in, shared_upstream, certificate_folder):
    """A gateway of this file's own, so that nobody else's requests are counted."""
    from gateway import Gateway
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template,
        tls_listen="127.0.0.1:0", tls_certificates=certificate_folder)
    tenant = make_tenant(gateway, database, stand_in, "eu-west-1_Metrics01", host="counted.example.com")
    yield tenant
    gateway.remove()


class Samples:
    """A scrape: numbers by name and labels."""

    def __init__(self, text, read=read_prometheus):
        self.families = list(read(text))
        self.samples = [sample for family in self.families for sample in family.samples]

    def __call__(self, name, **labels):
        return sum(sample.value for sample in self.samples
                   if sample.name == name and labels.items() <= sample.labels.items())

    def labels(self, name, label):
        return [sample.labels[label] for sample in self.samples if sample.name == name]


def scrape(gateway):
    status, text = gateway.admin("/metrics")
    assert status == 200
    return Samples(text)


def difference(gateway, do, *wanted):
    """What each (name, labels) has grown by."""
    before = scrape(gateway)
    do()
    after = scrape(gateway)
    return [after(name, **labels) - before(name, **labels) for name, labels in wanted]


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_promtool_and_both_parsers_take_it(site):
    site.get(site.token())
    status, text = site.gateway.admin("/metrics")
    assert status == 200
    assert promtool("check", "metrics", text=text) == (0, "")
    plain = {family.name for family in read_prometheus(text)}
    status, text = site.gateway.admin("/metrics", Accept=OPENMETRICS)
    assert status == 200 and text.endswith("\n# EOF\n")
    families = list(read_openmetrics(text))
    assert {family.name.removesuffix("_info") for family in families} == {
        name.removesuffix("_info") for name in plain}
    units = {family.unit for family in families if family.name.endswith(("_seconds", "_bytes"))}
    assert units == {"seconds", "bytes"}
    # No label can be told from another series by order alone.
    for family in families:
        keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        assert len(keys) == len(set(keys)), family.name


def test_the_form_goes_by_accept(site):
    for accept, kind in [
            ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
            (OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8")]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{site.gateway.admin_port}/metrics", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.headers["Content-Type"] == kind and answer.headers["Cache-Control"] == "no-store"


def test_off_loopback_it_needs_the_token(start, database):
    gateway = start(database_url=database.url, admin_listen="0.0.0.0:0", admin_token="a-long-secret-for-scrapes")
    assert gateway.admin("/metrics")[0] == 401
    status, text = gateway.admin("/metrics", Authorization="Bearer a-long-secret-for-scrapes")
    assert status == 200 and "a-long-secret" not in text


def test_the_counts_are_what_was_sent(site, upstream):
    token = site.token()
    site.get(token)

    def send():
        for _ in range(5):
            assert site.get(token).status == 200
        for _ in range(3):
            assert site.get().status == 401
        assert site.get("x.y.z").status == 401
        assert site.gateway.get("nobody.example.com").status == 421
        with socket.create_connection(("127.0.0.1", site.gateway.port)) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            assert b" 400 " in connection.recv(4096)
    requests, durations = "poolgate_requests_total", "poolgate_request_duration_seconds_count"
    tenant = {"tenant": site.host}
    grown = difference(
        site.gateway, send, (requests, {}), (requests, {"verdict": "admitted", "code": "ok"}),
        (requests, {"code": "missing_token"}), (requests, {"code": "malformed_token"}), (requests, {"code": "unknown_host"}),
        (requests, {"code": "bad_request"}), (requests, {"verdict": "failed"}),
        (durations, {"verdict": "admitted"}), ("poolgate_gateway_duration_seconds_count", {}),
        ("poolgate_upstream_duration_seconds_count", {}), ("poolgate_upstream_responses_total", {"class": "2xx"}),
        ("poolgate_tenant_requests_total", tenant | {"verdict": "admitted"}),
        ("poolgate_tenant_requests_total", tenant | {"verdict": "refused"}),
        ("poolgate_tenant_requests_total", {"tenant": "unknown"}),
        ("poolgate_client_connections_accepted_total", {}))
    # Nine of a whole head have a time; that of two hosts has none.
    assert grown == [11, 5, 3, 1, 1, 1, 0, 5, 10, 5, 5, 5, 4, 2, 11]


def test_token_cache_signatures_and_bytes_are_counted(site, upstream):
    token = site.token()
    body = b"x" * 10_000

    def send():
        with site.gateway.connect() as connection:
            for _ in range(4):
                assert connection.request("POST", "/", site.host, token, (), body).status == 200
    grown = difference(
        site.gateway, send, ("poolgate_token_cache_misses_total", {}), ("poolgate_token_cache_hits_total", {}),
        ("poolgate_signatures_total", {"result": "genuine"}), ("poolgate_client_received_bytes_total", {}),
        ("poolgate_upstream_sent_bytes_total", {}), ("poolgate_client_sent_bytes_total", {}),
        ("poolgate_upstream_received_bytes_total", {}))
    assert grown[:3] == [1, 3, 1]
    assert all(40_000 < grown[index] < 60_000 for index in (3, 4)), grown
    assert all(400 < grown[index] for index in (5, 6)), grown


def test_a_failing_upstream_counts_as_failed_and_by_why(site):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    other = make_tenant(
        site.gateway, site.database, site.stand_in, site.pool, host="broken.example.com", upstream=f"http://127.0.0.1:{port}")
    token = other.token()
    grown = difference(
        site.gateway, lambda: [other.get(token) for _ in range(3)],
        ("poolgate_requests_total", {"verdict": "failed", "code": "upstream_refused"}),
        ("poolgate_upstream_connects_total", {"result": "upstream_refused"}),
        ("poolgate_request_duration_seconds_count", {"verdict": "failed"}))
    assert grown == [3, 3, 3]


def test_unknown_kids_and_keys_that_cannot_be_had_are_counted(site):
    token = site.token(header={"kid": "nobodys"})
    grown = difference(
        site.gateway, lambda: site.get(token), ("poolgate_key_lookups_total", {"result": "absent"}),
        ("poolgate_requests_total", {"code": "unknown_key"}), ("poolgate_key_wait_seconds_count", {}))
    assert grown == [1, 1, 1]
    site.stand_in.fail("eu-west-1_Metrics02", "404")
    keyless = make_tenant(site.gateway, site.database, site.stand_in, "eu-west-1_Metrics02", host="keyless.example.com")
    try:
        wait_until(lambda: scrape(site.gateway)("poolgate_key_fetches_total", result="status") > 0, what="a failed fetch")
        token = keyless.token()
        grown = difference(
            site.gateway, lambda: keyless.get(token), ("poolgate_key_lookups_total", {"result": "unavailable"}),
            ("poolgate_requests_total", {"verdict": "failed", "code": "keys_unavailable"}))
        assert grown == [1, 1]
        assert scrape(site.gateway)("poolgate_user_pools", state="failing") == 1
        assert scrape(site.gateway)("poolgate_key_sets", age="none") == 1
    finally:
        site.stand_in.recover(keyless.pool)


def test_a_change_of_a_row_has_a_lag(site):
    before = scrape(site.gateway)
    make_tenant(site.gateway, site.database, site.stand_in, site.pool, host="late.example.com")
    after = scrape(site.gateway)
    for name in ("poolgate_directory_generation", "poolgate_directory_tenants", "poolgate_change_lag_seconds_count",
                 "poolgate_snapshot_wait_seconds_count"):
        assert after(name) > before(name), name
    assert after("poolgate_change_lag_seconds_sum") < 60
    assert after("poolgate_outdated_loops") == 0 and after("poolgate_directory_from_disk") == 0
    assert after("poolgate_database_up") == after("poolgate_ready") == after("poolgate_notifications_arriving") == 1


def test_a_storm_of_unknown_hosts_makes_no_series(site):
    site.gateway.get("nobody.example.com")
    before = scrape(site.gateway)
    with site.gateway.connect() as connection:
        for number in range(500):
            host = f'h{number}".evil\\{{}}.example' if number % 10 == 0 else f"h{number}.evil.example"
            status = connection.request("GET", "/", host, None).status
            assert status in (400, 421)
            if status == 400:
                connection.__exit__()
                connection = site.gateway.connect()
    after = scrape(site.gateway)
    assert len(after.samples) == len(before.samples)
    assert not [sample for sample in after.samples if any("evil" in value for value in sample.labels.values())]
    assert after("poolgate_tenant_requests_total", tenant="unknown") == before(
        "poolgate_tenant_requests_total", tenant="unknown") + 500


def test_a_thousand_tenants_make_fifty_series_and_two(site):
    site.database.sql("""
        INSERT INTO poolgate.tenants (host, region, pool_id)
        SELECT 'many' || n || '.example.com', 'eu-west-1', 'eu-west-1_Metrics01' FROM generate_series(1, 1000) n""")
    site.gateway.wait_status(401, "many1000.example.com")

    def send():
        connection = site.gateway.connect()
        for number in range(1, 1001):
            assert connection.request("GET", "/", f"many{number}.example.com", None).status == 401
        connection.__exit__()
    total, = difference(site.gateway, send, ("poolgate_tenant_requests_total", {}))
    assert total == 1000
    tenants = set(scrape(site.gateway).labels("poolgate_tenant_requests_total", "tenant"))
    assert len(tenants) == NAMED_TENANTS + 2 and {"other", "unknown"} <= tenants


def test_the_process_is_told_by_the_standard_names(site):
    samples = scrape(site.gateway)
    pid = site.gateway.process.pid
    assert abs(samples("process_resident_memory_bytes") / 2**20 - site.gateway.rss_mib()) < 20
    assert abs(samples("process_open_fds") - len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))) < 20
    assert samples("process_max_fds") >= samples("process_open_fds") > 10
    assert samples("process_cpu_seconds_total") > 0 and samples("process_threads") > 2
    assert samples("process_start_time_seconds") > 1_700_000_000
    assert samples("poolgate_build_info") == 1


def test_certificates_are_told_by_when_they_expire_the_first_of_them(site, certificate_folder):
    samples = scrape(site.gateway)
    name = "poolgate_certificate_expiry_timestamp_seconds"
    assert samples.labels(name, "certificate") == [f"p{number:02}" for number in range(50)]
    written = subprocess.run(
        ["openssl", "x509", "-enddate", "-noout", "-in", certificate_folder / "p00.crt"], capture_output=True, text=True, check=True)
    assert samples(name, certificate="p00") == ssl.cert_time_to_seconds(written.stdout.strip().partition("=")[2])


def test_a_websocket_is_counted_while_it_is_open(site):
    import websockets.sync.client
    from test_websocket import Echo
    echo = Echo()
    try:
        chat = make_tenant(
            site.gateway, site.database, site.stand_in, site.pool, host="chat.example.com", upstream=echo.url)
        token = chat.token()
        before = scrape(site.gateway)
        with websockets.sync.client.connect(
                f"ws://{chat.host}/chat", sock=socket.create_connection(("127.0.0.1", site.gateway.port)),
                additional_headers={"Authorization": f"Bearer {token}"}) as connection:
            connection.send("hello")
            assert connection.recv() == "hello"
            assert scrape(site.gateway)("poolgate_websockets") == 1
        wait_until(lambda: scrape(site.gateway)("poolgate_websockets") == 0, what="the end")
    finally:
        echo.remove()
    after = scrape(site.gateway)
    opened, requests = "poolgate_websockets_opened_total", "poolgate_requests_total"
    assert after(opened) == before(opened) + 1
    assert after(requests, code="ok") == before(requests, code="ok") + 1
    assert after(requests, verdict="broken_off") == before(requests, verdict="broken_off")


# What goes by the metrics.

FUNCTIONS = {"sum", "by", "rate", "increase", "changes", "histogram_quantile", "clamp_min", "topk", "max", "min", "time", "on",
             "ignoring", "group_left", "and", "or", "unless", "without", "avg", "count", "label_values", "vector", "absent"}


def names_in(expression):
    """The names of metrics in an expression, without labels, durations and functions."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    return {name for name in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", bare) if name not in FUNCTIONS}


def existing(site):
    samples = scrape(site.gateway)
    return {sample.name for sample in samples.samples} | {"up"}, samples


def labels_in(expression):
    """Which labels an expression asks of which metric, with values where they are plain."""
    for name, inside in re.findall(r"([a-z_]+)\{([^}]*)\}", expression):
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=|!~)"([^"]*)"', inside):
            yield name, label, value if operator == "=" and "$" not in value else None


def check_expression(expression, site, where):
    names, samples = existing(site)
    assert names_in(expression) and names_in(expression) <= names, (where, names_in(expression) - names)
    for name, label, value in labels_in(expression):
        if label in ("job", "instance"):
            continue
        known = {sample.labels.get(label) for sample in samples.samples if sample.name == name}
        assert known - {None}, (where, name, label)
        assert value is None or value in known, (where, name, label, value)


def test_every_alert_fires_and_does_not_as_its_test_says():
    status, text = promtool("check", "rules", PROMETHEUS / "alerts.yaml")
    assert status == 0, text
    status, text = promtool("test", "rules", PROMETHEUS / "alerts.test.yaml")
    assert status == 0, text
    alerts = re.findall(r"- alert: (\w+)", (PROMETHEUS / "alerts.yaml").read_text())
    tests = (PROMETHEUS / "alerts.test.yaml").read_text()
    assert len(alerts) > 20
    for alert in alerts:
        assert f"- name: {alert} fires\n" in tests and f"- name: {alert} does not fire\n" in tests, alert


def test_every_alert_goes_by_metrics_that_exist_and_has_its_section(site):
    rules = (PROMETHEUS / "alerts.yaml").read_text()
    sections = re.findall(r"^## (\w+)$", ALERTS.read_text(), re.M)
    alerts = re.findall(r"- alert: (\w+)\n        expr: (.*)\n", rules)
    assert sections == [name for name, _ in alerts]
    assert re.findall(r"runbook: (\S+)", rules) == [f"ops/guide/alerts.md#{name.lower()}" for name, _ in alerts]
    for name, expression in alerts:
        check_expression(expression, site, name)


def test_the_scrape_configuration_is_one(tmp_path):
    for name in ("scrape.yaml", "alerts.yaml"):
        (tmp_path / name).write_text((PROMETHEUS / name).read_text().replace("/etc/prometheus/", f"{tmp_path}/"))
    (tmp_path / "poolgate-admin-token").write_text("token")
    status, text = promtool("check", "config", tmp_path / "scrape.yaml")
    assert status == 0, text


def test_every_query_of_the_dashboard_names_a_metric_that_exists(site):
    board = json.loads((GRAFANA / "poolgate.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len(panels) > 15 and len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        assert panel["targets"] and panel["title"] and panel["description"], panel["title"]
        for target in panel["targets"]:
            check_expression(target["expr"].replace("$__rate_interval", "5m"), site, panel["title"])
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            check_expression(variable["query"]["query"].replace(", instance)", ")"), site, variable["name"])


def test_the_page_has_every_metric_as_it_is(site):
    site.get(site.token())
    _, text = site.gateway.admin("/metrics")
    families = {family.name: family for family in read_prometheus(text)}
    told = {}
    for line in PAGE.read_text().splitlines():
        if match := re.fullmatch(r"\| `(\w+)` \| (\w+) \| (.*) \| (.*) \|", line):
            told[match[1]] = (match[2], match[3], match[4])
    real = {}
    for family in families.values():
        counter = family.type == "counter"
        labels = []
        for sample in family.samples:
            labels += [label for label in sample.labels if label not in (*labels, "le")]
        real[family.name + "_total" * counter] = (
            family.type, ", ".join(f"`{label}`" for label in labels) or "–", family.documentation)
    assert told == real

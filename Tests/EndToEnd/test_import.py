"""`poolgate import` and `export`: many tenants at once, all of them or none."""

import csv
import io
import json
import os
import pty
import random
import signal
import subprocess

import pytest

from gateway import run as run_command
from processes import literal


@pytest.fixture(scope="module")
def databases(migrated):
    return migrated(), migrated()


@pytest.fixture(autouse=True)
def empty(databases):
    for database in databases:
        database.sql("DELETE FROM poolgate.tenants")


@pytest.fixture
def poolgate(binaries, databases):
    def begin(*words, status=0, database=databases[0], **options):
        done = run_command(binaries, *words, environment={"POOLGATE_DATABASE_URL": database.url}, **options)
        assert done.returncode == status, ((done.stdout or "") + done.stderr)[:3000]
        return done
    return begin


def text(rows, header=("host", "pool_id")):
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows([header, *rows])
    return file.getvalue()


def tenants(count):
    return [(f"t{number:05}.example.com", f"eu-west-1_P{number % 50}") for number in range(count)]


def test_ten_thousand_tenants_are_imported_in_one_transaction(poolgate, databases, tmp_path, start):
    gateway = start(database_url=databases[0].url)
    file = tmp_path / "tenants.csv"
    file.write_text(text(tenants(10_000)))
    done = json.loads(poolgate("import", str(file), "--wait", "30s").stdout)
    assert (done["inserted"], done["updated"], done["unchanged"], done["live_on"]) == (10_000, 0, 0, 1)
    assert gateway.get("t09999.example.com").status == 401
    assert databases[0].sql("SELECT count(DISTINCT changed), bool_and(xmin = changed::xid) FROM poolgate.tenants") == "1|t"
    # Once more, with one that is another now, and a new one.
    rows = tenants(10_001)
    rows[17] = (rows[17][0], "eu-west-1_Other")
    again = json.loads(poolgate("import", "-", stdin=text(rows)).stdout)
    assert (again["inserted"], again["updated"], again["unchanged"]) == (1, 1, 9_999)


def test_columns_that_the_file_does_not_name_stay_as_they_are(poolgate, databases):
    databases[0].add("a.example.com", "eu-west-1_A", comment="mine", status="suspended")
    poolgate("import", "-", stdin="host,pool_id,comment\na.example.com,eu-west-1_B,theirs\nb.example.com,eu-west-1_B,\n")
    assert databases[0].sql("SELECT host, pool_id, comment, status FROM poolgate.tenants ORDER BY 1").splitlines() == [
        "a.example.com|eu-west-1_B|theirs|suspended", "b.example.com|eu-west-1_B||active"]


def test_of_a_file_with_bad_lines_nothing_stays_and_every_bad_line_is_told(poolgate, databases):
    rows = tenants(2_000)
    rows[3] = ("UPPER.example.com", "eu-west-1_A")
    rows[4] = ("short.example.com",)
    rows[700] = ("b.example.com", "nonsense")
    rows[1_500] = (rows[2][0], "eu-west-1_A")
    rows[1_999] = ("c.example.com", "eu-west-1_A_B")
    before = databases[0].sql("SELECT coalesce(max(id), 0) FROM poolgate.tenant_history")
    done = poolgate("import", "-", stdin=text(rows), status=1)
    told = [line for line in done.stderr.splitlines() if line.startswith("poolgate: line ")]
    assert [int(line.split()[2].rstrip(":")) for line in told] == [5, 6, 702, 1_502, 2_001]
    assert "HINT: " in told[0] and "1 fields, the header has 2" in told[1] and "stands on line 4 already" in told[3]
    assert "nothing was imported: 5 lines are bad" in done.stderr
    assert [line["line"] for line in json.loads(done.stdout)["bad_lines"]] == [5, 6, 702, 1_502, 2_001]
    assert databases[0].sql("SELECT count(*) FROM poolgate.tenants") == "0"
    assert databases[0].sql("SELECT coalesce(max(id), 0) FROM poolgate.tenant_history") == before


def test_bad_lines_are_told_up_to_a_bound(poolgate, databases):
    done = poolgate("import", "-", stdin=text([(f"B{number}.example.com", "eu-west-1_A") for number in range(300)]), status=1)
    told = [line for line in done.stderr.splitlines() if line.startswith("poolgate: line ")]
    assert len(told) == 100 and "more than 100 lines are bad" in done.stderr
    assert json.loads(done.stdout)["complete"] is False


def test_a_trial_of_an_import_shows_the_changes_and_leaves_nothing(poolgate, databases):
    databases[0].add("t00001.example.com", "eu-west-1_Old")
    done = json.loads(poolgate("import", "-", "--dry-run", stdin=text(tenants(3))).stdout)
    assert (done["inserted"], done["updated"], done["dry_run"]) == (2, 1, True)
    changes = {change["key"]: change for change in done["changes"]}
    assert changes["t00001.example.com"]["columns"]["pool_id"] == {"before": "eu-west-1_Old", "after": "eu-west-1_P1"}
    assert changes["t00002.example.com"]["operation"] == "insert"
    assert databases[0].sql("SELECT host, pool_id FROM poolgate.tenants") == "t00001.example.com|eu-west-1_Old"
    shown = poolgate("import", "-", "--dry-run", "--table", stdin=text(tenants(3))).stdout
    assert "pool_id: eu-west-1_Old -> eu-west-1_P1" in shown and "would import 3 tenants: 2 new, 1 changed" in shown


def hostile(random):
    """Rows with whatever the schema lets pass."""
    parts = ['"', ",", "\n", "\r\n", "'", "\\", "{", "}", "é", "日本", "\x1b[31m", "\u202e", "null", "NULL", "=1+1", "\ufeff", " ", "\t", "a"]

    def some(least=0):
        return "".join(random.choice(parts) for _ in range(random.randrange(least, 8)))

    def names(characters, most=4):
        return list(dict.fromkeys("".join(random.choice(characters) for _ in range(3)) for _ in range(random.randrange(1, most))))
    return {
        "comment": random.choice([None, "", some(1), some(1)]),
        "client_ids": random.choice([None, names("abc123")]),
        "required_groups": random.choice([None, names('ab,"\\{}é\'')]),
        "required_scopes": random.choice([None, ["orders/read", "a:b"]]),
        "token_uses": random.choice([["access"], ["id"], ["access", "id"]]),
        "claim_headers": random.choice(["{}", json.dumps({"X-Plan": 'custom:"é', "X-B": "/a/b"})]),
        "forward_token": random.choice([True, False]), "allow_preflights": random.choice([True, False]),
        "max_body_bytes": random.choice([None, 1, 10 ** 12]),
        "expiry_grace": random.choice([None, "1 day 02:03:04.5", "00:00:00.25"]),
        "max_token_age": random.choice([None, "29 days 23:59:59", "1 second"]),
        "upstream": random.choice([None, "http://10.0.0.5:8080 http://10.0.0.6:8080"]),
        "cors_origins": random.choice([None, ["https://app.example.com", "http://localhost:3000"]]),
        "status": random.choice(["active", "suspended"]),
        "assertion": random.choice([True, False]), "assertion_audience": random.choice([None, 'orders,"\\']),
        "cookie_name": random.choice([None, "__Host-token", "a'b"]),
    }


def rows_of(database):
    return database.sql("SELECT to_jsonb(t) - '{created_at,updated_at,changed}'::text[] FROM poolgate.tenants t ORDER BY host")


def test_what_is_exported_is_imported_to_the_same_rows(binaries, databases):
    chance = random.Random(11)
    statements = []
    for number in range(120):
        row = {"host": f"{'*.' if number % 9 == 0 else ''}h{number}.example.com", "region": "eu-west-1", "pool_id": "eu-west-1_A"}
        row |= hostile(chance)
        statements.append(f"INSERT INTO poolgate.tenants ({', '.join(row)}) VALUES ({', '.join(map(literal, row.values()))});")
    databases[0].sql("".join(statements))

    def exact(*words, database=databases[0], **options):
        """As bytes: Python would make other line ends of those in quotes."""
        done = subprocess.run(
            [binaries / "poolgate", *words], env=os.environ | {"POOLGATE_DATABASE_URL": database.url}, capture_output=True, **options)
        assert done.returncode == 0, done.stderr[:3000]
        return done.stdout
    exported = exact("export")
    assert json.loads(exact("import", "-", database=databases[1], input=exported))["inserted"] == 120
    assert rows_of(databases[0]) == rows_of(databases[1])
    assert exact("export", database=databases[1]) == exported
    # Into the database that it came from it changes nothing, and other readers of CSV see the same fields.
    again = json.loads(exact("import", "-", input=exported))
    assert (again["inserted"], again["updated"], again["unchanged"]) == (0, 0, 120)
    read = list(csv.DictReader(io.StringIO(exported.decode(), newline="")))
    assert len(read) == 120 and read[0]["host"] == databases[0].sql("SELECT min(host) FROM poolgate.tenants")


def test_an_export_can_be_narrowed_and_printed_as_json(poolgate, databases):
    databases[0].add("a.example.com", "eu-west-1_A", required_groups=["x,y"], comment="one\ntwo")
    databases[0].add("b.example.com", "eu-west-1_B")
    lines = [json.loads(line) for line in poolgate("export", "--json").stdout.splitlines()]
    assert [line["host"] for line in lines] == ["a.example.com", "b.example.com"]
    assert lines[0]["required_groups"] == ["x,y"] and lines[0]["comment"] == "one\ntwo" and "created_at" not in lines[0]
    assert len(poolgate("export", "--pool", "eu-west-1_B").stdout.splitlines()) == 2


@pytest.mark.parametrize("stdin, sentence", [
    ("", "line 1: the file is empty"), ("host,pool_id,upstraem\n", "did you mean 'upstream'?"),
    ("host;pool_id\na;b\n", "separated by something other than commas"),
    ('host,pool_id\n"a,b\nc,d\n', "line 2: a quotation mark is never closed"),
])
def test_a_file_that_is_no_list_of_tenants_is_told_so(poolgate, stdin, sentence):
    assert sentence in poolgate("import", "-", stdin=stdin, status=1).stderr


def test_somebody_at_a_terminal_sees_how_far_it_is_and_nothing_of_that_goes_elsewhere(poolgate, binaries, databases, tmp_path):
    file = tmp_path / "tenants.csv"
    file.write_text(text(tenants(3_000)))
    child, terminal = pty.fork()
    if child == 0:
        os.environ["POOLGATE_DATABASE_URL"] = databases[0].url
        os.execv(str(binaries / "poolgate"), ["poolgate", "import", str(file)])
    output = b""
    try:
        while piece := os.read(terminal, 65536):
            output += piece
    except OSError:
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, output
    assert b"bytes imported" in output and b"imported 3000 tenants: 3000 new" in output
    assert poolgate("import", str(file)).stderr == ""


def test_an_export_that_does_not_fit_on_the_disk_does_not_pass_for_a_whole_one(poolgate):
    poolgate("import", "-", stdin=text(tenants(3)))
    for words in (("export",), ("export", "--json"), ("tenants", "list"), ("config", "example")):
        with open("/dev/full", "wb") as full:
            done = poolgate(*words, status=74, stdout=full)
        assert "No space left on device" in done.stderr


def test_an_export_that_nobody_reads_to_its_end_ends_silently(poolgate):
    poolgate("import", "-", stdin=text(tenants(3)))
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        assert poolgate("export", status=-signal.SIGPIPE, stdout=pipe).stderr == ""

"""The documents, as somebody new uses them: what they say to type is typed, what they name is there."""

import configparser
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import documents
from documents import PAGES, blocks, shows
from processes import TOP, Postgres, free_port, wait_until
from screen import Screen

RUN = [page for page in PAGES if any(block.is_run for block in blocks(page))]


# What is run.

class Place:
    """A folder that looks like the top of the repository, and an environment in which a page's commands work.

    The ports that the pages name become free ones, Cognito becomes the stand-in, and `sudo -u postgres` the
    superuser of a cluster of the test's own.
    """

    def __init__(self, folder, binaries, cluster, database, stand_in, upstream):
        self.folder, self.cluster = folder, cluster
        (folder / ".build").mkdir()
        (folder / ".build/release").symlink_to(binaries)
        for name in "ops", "sql", "Tests":
            (folder / name).symlink_to(TOP / name)
        (folder / "bin").mkdir()
        self._shim("sudo", f'shift 2; PGHOST=127.0.0.1 PGPORT={cluster.port} PGUSER=postgres exec "$@"')
        self.ports = {port: free_port() for port in (3000, 8080, 8081, 8443, 8888, 9901, 9902)}
        if upstream:
            self.ports[3000] = int(upstream.url.rpartition(":")[2])
        self.variables = {name: value for name, value in os.environ.items() if not name.startswith(("POOLGATE_", "PG"))}
        self.variables |= {
            "PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "PGDATABASE": "postgres",
            "POOLGATE_LISTEN": f"127.0.0.1:{self.ports[8080]}", "POOLGATE_ADMIN_LISTEN": f"127.0.0.1:{self.ports[9901]}",
            "POOLGATE_JWKS_URL_TEMPLATE": stand_in.template, "POOLGATE_UPSTREAM": f"http://127.0.0.1:{self.ports[3000]}",
        }
        if database is not None:
            self.variables |= {
                name: f"postgres://{user}@127.0.0.1:{cluster.port}/{database}"
                for name, user in (("OWNER_URL", "postgres"), ("ADMIN_URL", "tenant_admin"), ("POOLGATE_DATABASE_URL", "gateway"))}

    def _shim(self, name, script):
        path = self.folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def adapted(self, script):
        """The commands with the ports of this place."""
        script = re.sub(r"(127\.0\.0\.1):(\d+)\b", lambda match: f"{match[1]}:{self.ports[int(match[2])]}", script)
        return re.sub(r"@127\.0\.0\.1/", f"@127.0.0.1:{self.cluster.port}/", script)

    def run(self, script, seconds=90):
        """Whether a script came to its end, and its output on a terminal. All processes that it leaves are ended."""
        with Screen() as screen:
            shell = subprocess.Popen(
                ["bash", "-c", f"set -eo pipefail\n{self.adapted(script)}"], cwd=self.folder, env=self.variables,
                stdin=subprocess.DEVNULL, stdout=screen.end, stderr=screen.end, start_new_session=True)
            try:
                shell.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
            self._end(shell)
        return shell.returncode, screen.text()

    def logs(self):
        """The ends of what the page's programs logged."""
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-2000:]}" for log in self.folder.glob("*.log"))

    def _end(self, shell):
        """Ends the shell's process group, and an embedded Postgres by the gateway that started it."""
        def are_left():
            try:
                os.killpg(shell.pid, 0)
            except ProcessLookupError:
                return False
            return True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
        shell.wait(10)
        wait_until(lambda: not are_left(), 20, "the end of what the page started")
        # Where root runs the tests, an embedded Postgres has its data elsewhere.
        for log in self.folder.glob("*.log"):
            for folder in re.findall(r"/var/lib/poolgate/[0-9a-f]+", log.read_text(errors="replace")):
                shutil.rmtree(folder, ignore_errors=True)


def command(block):
    """A block as lines of one shell script."""
    if block.kind == "sql":
        url = "$OWNER_URL" if "as-owner" in block.info else "$ADMIN_URL"
        text = f"psql -X -v ON_ERROR_STOP=1 \"{url}\" <<'END_OF_SQL'\n{block.text}END_OF_SQL\n"
    else:
        text = block.text
    if {"fails", "refused"} & set(block.info):
        return f"if (\n{text}) ; then echo '@@ did not fail'; exit 1; fi\n"
    return text


@pytest.fixture(scope="module")
def cluster():
    """A Postgres for the pages alone, in which some of them make a database and its users."""
    server = Postgres()
    yield server
    server.remove()


def make_new(cluster):
    """Takes from the cluster what an earlier page made there."""
    cluster.sql("DROP DATABASE IF EXISTS poolgate WITH (FORCE)", "postgres")
    cluster.sql("DROP ROLE IF EXISTS gateway, tenant_admin, poolgate_gateway, poolgate_admin, poolgate_owner", "postgres")


#: Pages that begin with the first block of the page about the stand-in, and say so.
BEGINS_WITHOUT_COGNITO = {"ops/guide/first-hour-service.md", "ops/guide/first-hour-on-call.md"}


@pytest.fixture
def place(request, tmp_path, binaries, postgres, cluster, migrated, stand_in, upstream):
    """Where a page's commands are run, prepared as the page presumes."""
    page = request.node.callspec.params["page"]
    if page in ("ops/guide/run-and-deploy.md", "ops/guide/first-hour-platform.md"):
        make_new(cluster)
        return Place(tmp_path, binaries, cluster, None, stand_in, None if "first-hour" in page else upstream)
    if page in BEGINS_WITHOUT_COGNITO | {"ops/guide/without-cognito.md"}:
        return Place(tmp_path, binaries, cluster, None, stand_in, None)
    database = migrated()
    for user, role in ("gateway", "poolgate_gateway"), ("tenant_admin", "poolgate_admin"):
        database.sql(f"""
            DO $$ BEGIN CREATE ROLE {user} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
            GRANT {role} TO {user}""")
    return Place(tmp_path, binaries, postgres, database.name, stand_in, upstream)


#: What a page presumes, as commands before its first block.
GATEWAY = """
.build/release/poolgate serve 2>gateway.log &
until curl -sf http://127.0.0.1:9901/ready; do sleep 0.05; done
"""
TENANT = """
psql -qX "$ADMIN_URL" -c "INSERT INTO poolgate.tenants (host, region, pool_id) VALUES ('acme.example.com', 'eu-west-1', 'eu-west-1_PwMfVzLQg')"
"""
PREPARED = {
    "ops/guide/metrics.md": GATEWAY,
    "README.md": "", "ops/guide/configuration.md": "", "ops/guide/identity-headers.md": TENANT, "ops/guide/assertion.md": TENANT,
    "ops/guide/refusals.md": GATEWAY, "ops/guide/commands.md": GATEWAY, "sql/README.md": GATEWAY,
    "ops/guide/first-hour-tenants.md": GATEWAY,
    "ops/guide/diagnosis.md": """
psql -qX "$ADMIN_URL" <<'SQL'
INSERT INTO poolgate.tenants (host, region, pool_id, required_groups) VALUES
    ('acme.example.com', 'eu-west-1', 'eu-west-1_AcmeProd1', '{admins}'),
    ('globex.example.com', 'eu-central-1', 'eu-central-1_GlobexP1', NULL);
SQL
curl -sf -X POST "$STAND_IN/control/eu-central-1_GlobexP1/fail?mode=500"
curl -sf -X POST "$STAND_IN/control/eu-west-1_AcmeProd1/mint" -d '{"groups": ["staff"]}' >token.txt
""" + GATEWAY,
} | {page: blocks("ops/guide/without-cognito.md")[0].text for page in BEGINS_WITHOUT_COGNITO}


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_says_to_type_does_what_it_says(page, place, stand_in):
    place.variables["STAND_IN"] = f"http://localhost:{stand_in.port}"
    script, expected = PREPARED.get(page, ""), {}
    all_of_them = blocks(page)
    for number, block in enumerate(all_of_them):
        if block.is_run:
            script += f"echo; echo '@@ {number}'\n{command(block)}"
            follower = all_of_them[number + 1] if number + 1 < len(all_of_them) else None
            if follower and follower.kind == "output":
                expected[number] = place.adapted(follower.text)
    status, output = place.run(script + "echo; echo '@@ end'\n")
    parts = re.split(r"^@@ (\d+|end)$", output, flags=re.MULTILINE)
    ran = dict(zip(parts[1::2], parts[2::2]))
    last = max((int(name) for name in ran if name != "end"), default=None)
    assert "end" in ran and status == 0, (
        f"{all_of_them[last] if last is not None else page} ended with {status}:\n{output[-3000:]}\n{place.logs()}")
    for number, lines in expected.items():
        missing = shows(ran[str(number)], lines)
        assert missing is None, f"{all_of_them[number]} did not show '{missing}':\n{ran[str(number)][-3000:]}"


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.kind == "python" for block in blocks(page))])
def test_examples_in_python_hold_what_they_assert(page):
    exec("".join(block.text for block in blocks(page) if block.kind == "python"), {})


@pytest.mark.parametrize("page", [page for page in PAGES if any(block.kind == "yaml" for block in blocks(page))])
def test_examples_of_settings_have_no_mistakes(page, tmp_path, database, run):
    for number, block in enumerate(block for block in blocks(page) if block.kind == "yaml"):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block.text)
        done = run("check", "--table", "--config", str(file), environment={"POOLGATE_DATABASE_URL": database.url})
        assert done.stdout.startswith("ok    configuration: no mistakes\n"), f"{block}: {done.stdout}{done.stderr}"


def test_the_unit_is_one_and_is_what_the_page_about_it_says(tmp_path):
    text = (TOP / "ops/systemd/poolgate.service").read_text()
    if shutil.which("systemd-analyze"):
        (tmp_path / "poolgate.service").write_text(
            text.replace("/usr/bin/poolgate", "/bin/true").replace("man:poolgate(8)", "https://example.com"))
        done = subprocess.run(
            ["systemd-analyze", "verify", str(tmp_path / "poolgate.service")], capture_output=True, text=True)
        assert done.returncode == 0 and "poolgate.service" not in done.stderr, done.stderr
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(text)
    assert unit.sections() == ["Unit", "Service", "Install"]
    page = documents.text("ops/guide/run-and-deploy.md")
    commands = "".join(block.text for block in blocks("ops/guide/run-and-deploy.md") if "needs-root" in block.info)
    service = unit["Service"]
    assert f"/usr/sbin/nologin {service['User']}\n" in commands
    assert service["EnvironmentFile"].removeprefix("-") in commands
    assert f"s|{service['ExecStart'].split()[0]}|" in commands
    seconds = int(service["WatchdogSec"])
    assert f"Every {seconds // 2} s it proves" in page and f"for {seconds} s (`WatchdogSec`)" in page


def test_tables_are_what_code_and_schema_say(binaries, database):
    if binaries.resolve() != (TOP / ".build/debug").resolve():
        pytest.skip("the tables are printed by the debug build")
    done = subprocess.run(
        [str(TOP / "ops/generate-documents"), "--check"], env=os.environ | {"DATABASE_URL": database.url},
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# What is named.

@pytest.mark.parametrize("page", PAGES)
def test_every_block_says_what_it_is(page):
    for block in blocks(page):
        assert block.kind in documents.KINDS, f"{block}: no test knows what '{' '.join(block.info)}' is"
        assert set(block.info[1:]) <= documents.KINDS[block.kind], f"{block}: {block.info}"
        if block.kind == "sh":
            done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
            assert done.returncode == 0, f"{block}: {done.stderr}"
    # A block by indentation says nothing of itself.
    lines = documents.prose(page)
    for (_, before), (number, line) in zip(lines, lines[1:]):
        assert not (line.startswith("    ") and not before.strip()), f"{page}:{number}: a block without a fence"


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for number, path, anchor in documents.links(page):
        target = (TOP / page).parent / path if path else TOP / page
        assert target.exists(), f"{page}:{number}: {path} does not exist"
        if anchor:
            name = str(target.resolve().relative_to(TOP.resolve()))
            assert anchor in documents.anchors(name), f"{page}:{number}: {name} has no heading '{anchor}'"


def exists(path):
    """Whether the repository has a file or folder of this path or pattern."""
    return any(True for _ in TOP.glob(path.rstrip("/")))


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page):
    names = [pathlib.PurePath(path).name for path in documents.files()]
    for number, line in enumerate(documents.text(page).splitlines(), 1):
        for path in re.findall(r"(?<![\w./-])((?:Sources|Tests|ops|sql)/[\w.*/+-]*\w/?)", line):
            assert exists(path), f"{page}:{number}: {path} does not exist"
        for name in re.findall(r"`([\w+-]+\.(?:swift|py|sql))`", line):
            assert name in names, f"{page}:{number}: no file is called {name}"


def test_the_guides_index_and_the_readme_name_every_page():
    for index, folder in ("ops/guide/README.md", "ops/guide/"), ("README.md", ""):
        linked = {str((TOP / index).parent.joinpath(path).resolve().relative_to(TOP.resolve()))
                  for _, path, _ in documents.links(index) if path.endswith(".md")}
        assert {page for page in PAGES if page.startswith(folder)} <= linked | {index}, index


def test_the_code_map_has_every_folder_and_no_other():
    rows = [line for _, line in documents.prose("Sources/README.md") if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([\w/]+)`", row.split("|")[1])}
    folders = {str(pathlib.PurePath(path).parent.relative_to("Sources"))
               for path in documents.files("Sources") if path != "Sources/README.md"}
    # A module with folders is told by them; those of its own files that lie above are told in the table of modules.
    assert {folder for folder in folders if not any(other.startswith(folder + "/") for other in folders)} <= named
    assert named <= folders | {folder.partition("/")[0] for folder in folders}


#: A page that code cites, with the heading that is meant: `ops/guide/traffic.md, "Memory"`.
CITED = re.compile(r'(?<![\w.*/-])([\w+/-]+\.md)\b(?:, "([^"]+)")?')


@pytest.mark.parametrize("folder", ["Sources", "Tests", "ops", "sql"])
def test_whatever_is_cited_is_in_the_repository(folder):
    missing = []
    for path in documents.files(folder):
        # What Swift files cite of pages that are nowhere is a matter of HouseRulesTests.
        is_swift = path.endswith(".swift")
        if path in PAGES or path == "Tests/EndToEnd/test_documents.py":
            continue
        for number, line in enumerate((TOP / path).read_text(errors="replace").splitlines(), 1):
            for page, heading in CITED.findall(line):
                if page not in PAGES:
                    missing += [] if is_swift else [f"{path}:{number}: {page}"]
                elif heading and documents.anchor(heading) not in documents.anchors(page):
                    missing.append(f"{path}:{number}: {page} has no heading '{heading}'")
    assert missing == []

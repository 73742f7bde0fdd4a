"""The Debian package: what is in it, and its life on a small Debian that is booted with a real systemd."""

import gzip
import json
import os
import re
import shutil
import subprocess
import time

import pytest

import debian_root
import documents
from processes import TOP, wait_until

HOST = "acme.example.com"


def build(folder, *arguments):
    done = subprocess.run(
        [str(TOP / "ops/package"), "--configuration", "debug", "--output", str(folder), *arguments],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    if not shutil.which("dpkg-shlibdeps"):
        pytest.skip("dpkg-dev is not installed (ops/install test brings it)")
    return build(tmp_path_factory.mktemp("package"), "--version", "1.0.0-1")


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "-x", package, str(folder)], check=True)
    return folder


def newer(package, folder):
    """The same package as its next version, with other settings in it."""
    root, path = folder / "newer", folder / "newer.deb"
    subprocess.run(["dpkg-deb", "-R", package, str(root)], check=True)
    control = root / "DEBIAN/control"
    control.write_text(control.read_text().replace("Version: 1.0.0-1\n", "Version: 1.0.1-1\n"))
    (root / "etc/poolgate/poolgate.yaml").write_text("# other words\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Znone", "-b", str(root), str(path)], check=True, stdout=subprocess.DEVNULL)
    return path


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], check=True, capture_output=True, text=True).stdout.strip()


def test_the_package_names_what_it_needs(package):
    needed = {part.split()[0] for part in field(package, "Depends").split(",")}
    assert {"adduser", "ca-certificates", "libc6", "libcurl4", "libnghttp2-14", "libpq5", "libssl3"} <= needed
    assert not any("swift" in name for name in needed), needed
    assert field(package, "Version") == "1.0.0-1"


def test_every_file_belongs_to_root_and_none_is_writable_by_others(package):
    lines = subprocess.run(["dpkg-deb", "-c", package], check=True, capture_output=True, text=True).stdout.splitlines()
    assert all(re.match(r"[dl-]r[w-][x-]r-[x-]r-[x-] root/root ", line) for line in lines), lines
    names = {line.split()[5].lstrip(".") for line in lines}
    assert {
        "/usr/bin/poolgate", "/lib/systemd/system/poolgate.service", "/etc/poolgate/poolgate.yaml",
        "/usr/share/man/man8/poolgate.8.gz", "/usr/share/bash-completion/completions/poolgate",
        "/usr/share/zsh/vendor-completions/_poolgate", "/usr/share/fish/vendor_completions.d/poolgate.fish",
        "/usr/share/doc/poolgate/copyright", "/usr/share/doc/poolgate/changelog.Debian.gz",
        "/usr/share/doc/poolgate/sbom.cdx.json"} <= names


def test_the_manual_page_has_every_command_and_setting(unpacked, run):
    page = gzip.decompress((unpacked / "usr/share/man/man8/poolgate.8.gz").read_bytes()).decode().replace("\\-", "-")
    tree = json.loads(run("--experimental-dump-help").stdout)
    for command in tree["command"]["subcommands"]:
        if command["commandName"] != "help":
            assert f".SS poolgate {command['commandName']}" in page
    assert "\n.SH EXIT STATUS\n.TP\n.B 0\n" in page and "\n.B 64\n" in page
    for setting in re.findall(r"^  (--[a-z0-9-]+)", run("serve", "--help").stdout, re.M):
        assert setting in ("--version", "--help") or f".B {setting}" in page, setting


def test_the_settings_that_it_brings_are_the_examples_with_none_of_them_set(unpacked, run):
    brought = (unpacked / "etc/poolgate/poolgate.yaml").read_text()
    assert brought == run("config", "example").stdout
    assert all(not line or line.startswith("#") for line in brought.splitlines())


def test_the_shells_take_their_completions(unpacked, run):
    shells = {"bash": "bash-completion/completions/poolgate", "zsh": "zsh/vendor-completions/_poolgate",
              "fish": "fish/vendor_completions.d/poolgate.fish"}
    for shell, place in shells.items():
        script = unpacked / "usr/share" / place
        assert script.read_text() == run("completion", shell).stdout, shell


def test_the_program_is_hardened(unpacked):
    done = subprocess.run([str(TOP / "ops/hardening"), str(unpacked / "usr/bin/poolgate")], capture_output=True, text=True)
    assert done.returncode == 0 and "NO " not in done.stdout, done.stdout
    assert len(done.stdout.splitlines()) == 8


def test_a_program_that_is_not_hardened_is_told_apart(tmp_path):
    source = tmp_path / "weak.c"
    source.write_text("int main(void) { return 0; }\n")
    weak = tmp_path / "weak"
    subprocess.run(["cc", "-no-pie", "-z", "execstack", "-z", "norelro", "-Wl,-rpath,/nowhere", "-o", weak, source], check=True)
    done = subprocess.run([str(TOP / "ops/hardening"), str(weak)], capture_output=True, text=True)
    assert done.returncode == 1
    assert [line[5:] for line in done.stdout.splitlines() if line.startswith("NO")] == [
        "position-independent (PIE)", "relocations read-only (RELRO)", "all of them, before the start (BIND_NOW)",
        "stack not executable", "stack protector", "no path to libraries of the build machine"]


def test_the_bill_of_materials_is_valid_and_whole(unpacked):
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = (unpacked / "usr/share/doc/poolgate/sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    bill = json.loads(text)
    versions = {one["name"]: one["version"] for one in bill["components"]}
    for pin in json.loads((TOP / "Package.resolved").read_text())["pins"]:
        assert versions[pin["identity"]] == pin["state"]["version"]
    linked = {one["name"] for one in bill["components"] if one.get("scope") == "required"}
    assert {"swift", "swift-nio", "swift-nio-ssl", "hummingbird", "libc6", "libcurl4", "libpq5", "libssl3"} <= linked
    assert {one["name"] for part in bill["components"] for one in part.get("components", [])} == {"boringssl", "llhttp"}
    contents = subprocess.run(
        ["sha256sum", str(unpacked / "usr/bin/poolgate")], check=True, capture_output=True, text=True).stdout.split()[0]
    assert bill["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": contents}]


def test_the_unit_leaves_little_to_a_gateway_that_was_taken_over():
    unit = TOP / "ops/systemd/poolgate.service"
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed (ops/install test brings it)")
    # The threshold is in tenths: 1.3 is what is left by a service that needs the network.
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=13", str(unit)], capture_output=True,
        text=True)
    assert done.returncode == 0, done.stdout
    assert "Overall exposure level for poolgate.service: 1.3 OK" in done.stdout


@pytest.fixture(scope="module")
def machine(postgres):
    """A Debian that runs; the database's socket is in its /run/pg."""
    if reason := debian_root.refusal():
        pytest.skip(reason)
    root = debian_root.Root()
    os.chmod(postgres.folder, 0o711)
    root.boot({"pg": postgres.folder})
    yield root
    root.remove()


def show(machine, name):
    return machine.run("systemctl", "show", "--value", "-p", name, "poolgate").stdout.strip()


def override(machine, *lines):
    """Lines of the unit that hold until the machine ends, in the place of those before."""
    text = "\n".join(["[Service]", *lines])
    machine.run("sh", "-ec", "cd /run/systemd/system; mkdir -p poolgate.service.d; cat >poolgate.service.d/test.conf", stdin=text)
    machine.run("systemctl", "daemon-reload")


def admin(machine, path):
    return machine.run("curl", "-s", "-m", "5", f"http://127.0.0.1:9901{path}", check=False).stdout


def test_it_installs_serves_upgrades_and_goes(package, machine, database, tmp_path):
    before = machine.files()
    machine.copy(package, "/root/poolgate.deb")
    assert "systemctl enable --now poolgate" in machine.run("dpkg", "-i", "/root/poolgate.deb").stdout
    assert show(machine, "ActiveState") == "inactive"
    assert machine.run("stat", "-c", "%U %a", "/var/lib/poolgate", "/etc/poolgate/secrets.env").stdout.split("\n")[:2] == [
        "poolgate 700", "root 600"]

    # Without a database it says what is missing, and is not tried again.
    assert machine.run("systemctl", "start", "poolgate", check=False).returncode != 0
    assert (show(machine, "Result"), show(machine, "ExecMainStatus"), show(machine, "NRestarts")) == ("exit-code", "64", "0")

    # While it waits for its database it is no failed start, although the time for starting is over.
    machine.write("/etc/poolgate/secrets.env", "POOLGATE_DATABASE_URL=postgresql://nobody@127.0.0.1:1/none\n", 0o600)
    override(machine, "TimeoutStartSec=1")
    machine.run("systemctl", "start", "--no-block", "poolgate")
    wait_until(lambda: show(machine, "StatusText").startswith("Not ready: "), 20, "the status text")
    time.sleep(2.5)
    assert (show(machine, "ActiveState"), show(machine, "NRestarts")) == ("activating", "0")
    machine.run("systemctl", "stop", "poolgate")

    # `start` returns when the gateway is ready, since it says when it is.
    override(machine)
    url = f"postgresql://postgres@/{database.name}?host=/run/pg&port={database.server.port}"
    machine.write("/etc/poolgate/secrets.env", f"POOLGATE_DATABASE_URL={url}\n", 0o600)
    machine.write("/etc/poolgate/poolgate.yaml", "upstream: http://127.0.0.1:3000\ndrain-timeout: 3s\n")
    database.add(HOST, "eu-west-1_Test00000")
    machine.run("systemctl", "enable", "--now", "poolgate")
    assert json.loads(admin(machine, "/live")) == {"status": "live"}
    assert json.loads(admin(machine, "/ready"))["status"] == "ready"
    wait_until(lambda: show(machine, "StatusText") == "Serving 1 tenant of 1 pool.", 20, "the status text")
    assert "missing_token" in machine.run("curl", "-s", "-H", f"Host: {HOST}", "http://127.0.0.1:8080/").stdout

    # It runs as its user, without a right of root's, and cannot write but to its state.
    first = show(machine, "MainPID")
    status = dict(line.split(":", 1) for line in machine.run("cat", f"/proc/{first}/status").stdout.splitlines())
    user = machine.run("id", "-u", "poolgate").stdout.strip()
    assert set(status["Uid"].split()) == {user}
    assert (status["CapBnd"].strip(), status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("0" * 16, "1", "2")
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", machine.run("cat", f"/proc/{first}/limits").stdout).groups()
    assert soft == hard and int(soft) >= 1024
    wait_until(lambda: machine.run("find", "/var/lib/poolgate", "-type", "f").stdout, 20, "the copy of the tenants on disk")

    # An upgrade keeps the settings, whatever the new package has in their place, and starts the running gateway anew.
    machine.copy(newer(package, tmp_path), "/root/poolgate.deb")
    machine.run("dpkg", "--force-confold", "-i", "/root/poolgate.deb")
    wait_until(lambda: show(machine, "MainPID") not in (first, "0") and show(machine, "ActiveState") == "active", 20,
               "the gateway of the new package")
    assert machine.run("dpkg-query", "-W", "-f", "${Version}", "poolgate").stdout == "1.0.1-1"
    assert machine.run("cat", "/etc/poolgate/poolgate.yaml").stdout.startswith("upstream: http://127.0.0.1:3000\n")
    assert "missing_token" in machine.run("curl", "-s", "-H", f"Host: {HOST}", "http://127.0.0.1:8080/").stdout

    # Port 443 needs what the guide says, and nothing else.
    blocks = documents.blocks("ops/guide/run-and-deploy.md")
    drop_in = next(block.text for block in blocks if "AmbientCapabilities" in block.text)
    machine.write("/etc/poolgate/poolgate.yaml", "upstream: http://127.0.0.1:3000\ndrain-timeout: 3s\nlisten: 0.0.0.0:443\n")
    assert machine.run("systemctl", "restart", "poolgate", check=False).returncode != 0
    machine.run("bash", "-e", stdin=drop_in)
    machine.run("systemctl", "restart", "poolgate")
    assert "missing_token" in machine.run("curl", "-s", "-H", f"Host: {HOST}", "http://127.0.0.1:443/").stdout

    # A gateway that stands still is ended by the watchdog, and started again.
    override(machine, "WatchdogSec=2")
    machine.run("systemctl", "restart", "poolgate")
    second = show(machine, "MainPID")
    machine.run("systemctl", "kill", "--signal=STOP", "--kill-who=main", "poolgate")
    wait_until(lambda: show(machine, "NRestarts") == "1" and show(machine, "ActiveState") == "active", 30, "the watchdog's restart")
    assert show(machine, "MainPID") != second

    # Removed, it keeps what is not its own to delete; purged, it leaves nothing.
    machine.run("dpkg", "-r", "poolgate")
    assert not admin(machine, "/live")
    assert {"poolgate.yaml", "secrets.env"} <= set(machine.run("ls", "/etc/poolgate").stdout.split())
    machine.run("dpkg", "-P", "poolgate")
    assert machine.run("getent", "passwd", "poolgate", check=False).returncode != 0
    left = machine.files() - before - {"root/poolgate.deb"}
    assert not left, sorted(left)

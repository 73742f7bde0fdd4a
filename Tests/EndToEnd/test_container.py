"""The image: its steps are carried out in a small Debian, and what comes out runs as its user with a read-only root."""

import os
import pathlib
import stat
import subprocess

import pytest

import containerfile
import debian_root
from gateway import Gateway
from processes import TOP

FILE = TOP / "ops/container/Containerfile"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if reason := debian_root.refusal():
        pytest.skip(reason)
    built = tmp_path_factory.mktemp("built")
    root = debian_root.Root()
    # Everything that the image may install is there already: a package that is not is an error here, and a reason to
    # add it to the root's list.
    root.write("/etc/apt/sources.list", "")

    def base(name):
        if name == "scratch":
            return tmp_path_factory.mktemp("image")
        assert name.startswith("docker.io/library/debian:bookworm"), name
        return root.path

    # The first stage has the toolchain of this machine: its last step is carried out here.
    steps = containerfile.instructions(FILE)
    last = [text for name, text in steps[:[name for name, _ in steps].index("FROM", 1)] if name == "RUN"][-1]
    assert last == "ops/package --program /out/poolgate"
    subprocess.run(
        [str(TOP / "ops/package"), "--configuration", "debug", "--program", str(built / "out/poolgate")], check=True,
        stdout=subprocess.DEVNULL, timeout=300)
    yield containerfile.Builder(FILE, TOP, base, {"build": containerfile.Image(built, {})}).build()
    root.remove()


def test_the_image_holds_the_program_and_what_it_needs_and_nothing_to_break_in_with(image):
    files = {str(path.relative_to(image.path)): path for path in image.path.rglob("*") if path.is_file()}
    programs = {name for name, path in files.items() if path.stat().st_mode & 0o111 and ".so" not in name}
    assert programs == {"usr/bin/poolgate"}, programs
    assert not any(path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH) for path in files.values())
    assert {"etc/ssl/certs/ca-certificates.crt", "etc/passwd", "var/lib/dpkg/status.d/libssl3"} <= files.keys()
    assert image.user == "65532:65532" and image.entry == ("/usr/bin/poolgate",) and image.command == ("serve",)
    assert image.check == ("/usr/bin/poolgate", "status")


@pytest.fixture
def container(image, tmp_path):
    """Runs `poolgate` as an engine would: the image's user, a root that is read-only, writable state in memory. The
    folder of a program for `Gateway`."""
    script = tmp_path / "poolgate"
    script.write_text(f"""#!/bin/bash
        exec unshare --mount bash -ec '
            mount --make-rprivate /
            mount --bind {image.path} {image.path}
            mount --bind /dev {image.path}/dev
            mount -t proc proc {image.path}/proc
            mount -t tmpfs -o mode=700,uid=65532,gid=65532 tmpfs {image.path}/var/lib/poolgate
            mount -o remount,bind,ro {image.path}
            exec chroot --userspec={image.user} {image.path} {" ".join(image.entry)} "$@"' - "$@"
        """)
    script.chmod(0o755)
    return tmp_path


def healthy(container, image, admin_port):
    """The image's check, as an engine runs it beside the gateway."""
    assert image.check[0] == image.entry[0]
    return subprocess.run(
        [str(container / "poolgate"), *image.check[1:]], env=os.environ | {"POOLGATE_ADMIN_LISTEN": f"127.0.0.1:{admin_port}"},
        capture_output=True, timeout=60)


def test_it_serves_as_nobody_with_a_read_only_root(container, image, database, stand_in, shared_upstream):
    listen = {name.removeprefix("POOLGATE_").lower(): value for name, value in image.environment.items()}
    assert listen.pop("listen") == "0.0.0.0:8080"
    state = listen.pop("state_dir")
    assert not listen
    gateway = Gateway(
        container, state=state, database_url=database.url, upstream=shared_upstream.url, jwks_url_template=stand_in.template)
    try:
        assert gateway.admin("/live") == (200, '{"status":"live"}\n')
        database.add("acme.example.com", "eu-west-1_Test00000")
        gateway.wait_status(200, "acme.example.com", stand_in.mint("eu-west-1_Test00000"))
        process = pathlib.Path(f"/proc/{gateway.process.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        assert set(status["Uid"].split()) == {"65532"} and status["CapEff"].strip() == "0" * 16
        root = next(line.split() for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/")
        assert "ro" in root[5].split(","), root
        assert not gateway.events("no_state_directory") and not gateway.events("state_directory")
        assert healthy(container, image, gateway.admin_port).returncode == 0
        gateway.process.terminate()
        assert gateway.process.wait(timeout=20) == 0
        assert healthy(container, image, gateway.admin_port).returncode != 0
    finally:
        gateway.remove()
    assert os.listdir(image.path / "var/lib/poolgate") == []

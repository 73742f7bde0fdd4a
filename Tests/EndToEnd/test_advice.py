"""Messages, read as somebody who meets them for the first time: each says what to do."""

import os
import socket

import pytest

from certificates import Authority
from processes import free_port


def serve(run, database, tmp_path, *arguments, **environment):
    return run("serve", "--database-url", database.url, "--state-dir", str(tmp_path / "state"), "--listen", "127.0.0.1:0",
               "--admin-listen", "127.0.0.1:0", *arguments, environment=environment)


@pytest.mark.parametrize("flag", ["--listen", "--admin-listen", "--tls-listen"])
def test_a_port_in_use_is_named_with_its_setting(run, database, tmp_path, flag):
    Authority(tmp_path).issue(tmp_path, "a", "a.example")
    more = ("--tls-certificates", str(tmp_path)) if flag == "--tls-listen" else ()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = serve(run, database, tmp_path, flag, f"127.0.0.1:{port}", *more)
        assert done.returncode == 1
        assert f"{flag} 127.0.0.1:{port} cannot be listened on: another program listens on port {port}" in done.stderr


@pytest.mark.parametrize("address, part", [
    ("192.0.2.77:8080", "no address 192.0.2.77"), ("no-such-name.invalid:8080", "does not resolve")])
def test_an_address_of_another_machine_is_said_to_be_none(run, database, tmp_path, address, part):
    done = serve(run, database, tmp_path, "--listen", address)
    assert done.returncode == 1 and "--listen" in done.stderr and part in done.stderr, done.stderr


def test_a_wrong_admin_token_is_called_wrong(run, start, database):
    gateway = start(database_url=database.url, admin_token="right-one")

    def pools(**environment):
        done = run("pools", "--admin-listen", f"127.0.0.1:{gateway.admin_port}", environment=environment)
        assert done.returncode == 1
        return done.stderr
    assert "set POOLGATE_ADMIN_TOKEN" in pools()
    told = pools(POOLGATE_ADMIN_TOKEN="wrong-one")
    assert "is wrong" in told and "set POOLGATE_ADMIN_TOKEN" not in told and "wrong-one" not in told


def test_folders_and_files_that_are_not_what_they_should_be(run, tmp_path):
    (tmp_path / "file").write_text("")
    cases = [
        (("--tls-listen", "127.0.0.1:0", "--tls-certificates", str(tmp_path / "no")), "is not there"),
        (("--tls-listen", "127.0.0.1:0", "--tls-certificates", str(tmp_path / "file")), "name a folder"),
        (("--ca-file", str(tmp_path)), "is a folder"), (("--ca-file", str(tmp_path / "no")), "is not there"),
        (("--config", str(tmp_path)), "is a folder"), (("--trusted-proxies", "10.1.0.0"), "10.1.0.0/16"),
        (("--upstream", "127.0.0.1:3000"), "http://127.0.0.1:3000"), (("--databse-url", "x"), "did you mean '--database-url'?"),
    ]
    for arguments, part in cases:
        done = run("serve", "--database-url", "postgresql:///x", *arguments)
        assert done.returncode == 64 and part in done.stderr, (arguments, done.stderr)


def test_a_command_that_does_not_exist_is_answered_with_the_nearest(run):
    done = run("migrte")
    assert done.returncode == 64 and "did you mean 'migrate'?" in done.stderr


def test_a_certificate_without_its_key_is_told(run, database, tmp_path):
    Authority(tmp_path).issue(tmp_path, "a", "a.example")
    (tmp_path / "a.key").unlink()
    done = serve(run, database, tmp_path, "--tls-listen", "127.0.0.1:0", "--tls-certificates", str(tmp_path))
    assert done.returncode == 1
    assert "there is no a.key beside it" in done.stderr and "NAME.crt and NAME.key" in done.stderr


def test_an_older_schema_is_told_by_check_and_explain(run, postgres):
    import pathlib
    database = postgres.new_database()
    first = sorted((pathlib.Path(__file__).parents[2] / "sql/migrations").glob("*.sql"))[0]
    database.sql(first.read_text())
    done = run("check", "--table", "--database-url", database.url)
    assert done.returncode == 1 and "run 'poolgate migrate'" in done.stdout and "does not exist" not in done.stdout
    assert "ok    database" in done.stdout, done.stdout
    done = run("explain", "--table", "--host", "a.example.com", "--database-url", database.url)
    assert done.returncode == 69 and "run 'poolgate migrate'" in done.stderr and "does not exist" not in done.stderr


def test_a_database_that_cannot_be_reached_is_told_with_its_place(run):
    port = free_port()
    done = run("check", "--table", "--database-url", f"postgresql://u@127.0.0.1:{port}/x")
    assert done.returncode == 1 and f"127.0.0.1" in done.stdout and str(port) in done.stdout
    assert "refused" in done.stdout.lower(), done.stdout


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(run, tmp_path):
    (tmp_path / "secret.yaml").write_text("workers: 2")
    (tmp_path / "secret.yaml").chmod(0)
    assert "Permission denied" in run("serve", "--config", str(tmp_path / "secret.yaml")).stderr

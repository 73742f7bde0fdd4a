"""`poolgate config`, and how commands print for people and for programs."""

import json
import os
import subprocess

from screen import Screen


def show(run, *arguments, environment=None, status=0):
    done = run("config", "show", *arguments, environment=environment)
    assert done.returncode == status, done.stdout + done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)["settings"]}, done


def test_each_setting_says_where_it_comes_from(run, tmp_path):
    file = tmp_path / "poolgate.yaml"
    file.write_text("# ours\nmax-headers: 7\nworkers: 2\n")
    settings, _ = show(run, "--config", str(file), "--workers", "3", environment={"POOLGATE_HEAD_TIMEOUT": "9s"})
    def told(name):
        row = settings[name]
        return row.get("value"), row["source"], row.get("from"), row.get("default")
    assert told("max-headers") == ("7", "file", f"{file}:2", "100")
    assert told("workers")[:3] == ("3", "flag", "--workers")
    assert told("head-timeout") == ("9s", "variable", "POOLGATE_HEAD_TIMEOUT", "15s")
    assert told("listen") == ("127.0.0.1:8080", "default", None, "127.0.0.1:8080")
    assert told("config") == (str(file), "flag", "--config", None)


def test_no_secret_is_shown_and_mistakes_are_told_all_the_same(run):
    secret = "qH7kPzwX3mTr"
    environment = {
        "POOLGATE_ADMIN_TOKEN": secret, "DATABASE_URL": f"postgres://u:{secret}@db.example/x?password={secret}",
        "POOLGATE_EGRESS_PROXY": f"http://u:{secret}@proxy.example:3128",
        "POOLGATE_JWKS_URL_TEMPLATE": f"https://k.example/{{pool}}?key={secret}", "POOLGATE_WORKERS": "none",
        "POOLGATE_NO_SUCH": "x"}
    for form in "--json", "--table":
        done = run("config", "show", form, "--upstream", f"http://u:{secret}@h", environment=environment)
        assert done.returncode == 64 and secret not in done.stdout + done.stderr
        for word in "POOLGATE_WORKERS", "POOLGATE_NO_SUCH", "--upstream":
            assert word in done.stderr, word
        for word in "postgres://u@db.example/x", "http://(hidden)@proxy.example:3128", "https://k.example/{pool}?(hidden)":
            assert word in done.stdout, word


def test_the_example_is_a_file_that_changes_nothing(run, tmp_path):
    file = tmp_path / "poolgate.yaml"
    file.write_text(run("config", "example").stdout)
    settings, _ = show(run, "--config", str(file))
    assert all(row["source"] == "default" for row in settings.values() if row["name"] != "config")
    assert all(line.startswith("#") or not line for line in file.read_text().splitlines())
    for name in settings:
        assert name == "config" or f"\n#{name}: " in file.read_text(), name


def test_a_terminal_gets_a_table_within_its_window_and_a_pipe_gets_json(binaries):
    command = [str(binaries / "poolgate"), "config", "show"]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("POOLGATE_")}
    variables |= {"POOLGATE_TRUSTED_PROXIES": ",".join(f"10.{n}.0.0/16" for n in range(40))}

    def shown(columns, *more):
        with Screen(columns) as screen:
            subprocess.run([*command, *more], stdout=screen.end, env=variables, check=True, timeout=20)
        return screen.text()
    wide, narrow = shown(2000), shown(60)
    assert "10.39.0.0/16" in next(line for line in wide.splitlines() if line.startswith("trusted-proxies"))
    assert all(len(line) <= 60 for line in narrow.splitlines()) and "SETTING" in narrow
    assert narrow.replace(" ", "").replace("\n", "").count("/16") == 40
    assert json.loads(shown(60, "--json"))["mistakes"] == []
    piped = subprocess.run(command, capture_output=True, env=variables, check=True, text=True).stdout
    assert json.loads(piped)["settings"]
    table = subprocess.run([*command, "--table"], capture_output=True, env=variables, check=True, text=True).stdout
    assert [line.split() for line in table.splitlines()] == [line.split() for line in wide.splitlines()]
    both = subprocess.run([*command, "--table", "--json"], capture_output=True, env=variables, text=True)
    assert both.returncode == 64 and "exclude each other" in both.stderr

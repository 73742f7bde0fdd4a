"""Completion, as the shells do it, and `poolgate status`."""

import json
import os
import re
import shutil
import subprocess

import pytest

BASH = """
eval "$(poolgate completion bash)"
COMP_LINE=$1 COMP_POINT=${#1}
read -ra COMP_WORDS <<<"$1"
[[ $1 == *[[:space:]] ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_poolgate 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(binaries, tmp_path):
    """What bash offers behind a line that is typed so far."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.yaml").write_text("")

    def ask(line):
        done = subprocess.run(
            ["bash", "-c", BASH, "bash", line], cwd=tmp_path, env=os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}"},
            capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()
    return ask


def test_bash_completes_commands_settings_values_and_paths(complete):
    assert {"serve", "check", "config", "completion", "help"} <= set(complete("poolgate "))
    assert "complete" not in complete("poolgate ")
    assert complete("poolgate ch") == ["check"]
    assert complete("poolgate config ") == ["show", "example"]
    assert complete("poolgate check --upstream-n") == ["--upstream-networks"]
    assert {"--strict", "--running", "--json", "--listen", "--config", "--help"} <= set(complete("poolgate check --"))
    assert complete("poolgate serve --max-headers 5 --log-level d") == ["debug"]
    assert complete("poolgate serve --log-format ") == ["json", "text"]
    assert complete("poolgate completion ") == ["bash", "zsh", "fish"]
    assert complete("poolgate serve --config f") == ["folder", "file.yaml"] or set(
        complete("poolgate serve --config f")) == {"folder", "file.yaml"}
    assert complete("poolgate serve --state-dir f") == ["folder"]
    assert complete("poolgate serve --listen ") == []
    assert complete("poolgate version --js") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_take_their_scripts(shell, binaries, run, tmp_path):
    script = run("completion", shell).stdout
    assert "complete -- " in script
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed here")
    file = tmp_path / "script"
    file.write_text(script)
    done = subprocess.run([shell, "-n", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if shell == "fish":
        done = subprocess.run(
            ["fish", "-c", f"source {file}; complete -C 'poolgate ch'"], capture_output=True, text=True,
            env=os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}"})
        assert done.stdout.split() == ["check"], done.stdout + done.stderr


def test_an_unknown_shell_is_a_mistake(run):
    assert run("completion", "tcsh").returncode == 64


def test_status_says_how_a_running_gateway_is_by_table_and_by_exit_status(run, start, database, tenant, gateway):
    place = ("--admin-listen", f"127.0.0.1:{gateway.admin_port}")
    done = run("status", *place)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["ready"] is True and report["directory"]["source"] == "database"
    table = run("status", "--table", *place).stdout
    rows = {line.split("  ")[0]: line.partition("  ")[2].strip() for line in table.splitlines()}
    assert rows["ready"] == "yes" and rows["listener proxy"] == f"127.0.0.1:{gateway.port}"
    assert rows["directory"].startswith("from database, confirmed ") and "ready" in rows["pools"]
    own, = [replica for replica in report["replicas"] if replica["self"]]
    assert own["instance"] == report["instance"] and own["state"] == "serving"
    assert "serving" in rows["replicas"] and rows[f"replica {own['instance']} (this)"].startswith("serving on ")
    lonely = start(database_url="postgresql://u@127.0.0.1:1/x", ready=False)
    port = lonely.port_of("admin")
    done = run("status", "--table", "--admin-listen", f"127.0.0.1:{port}")
    assert done.returncode == 1 and "not ready" in done.stdout, done.stdout + done.stderr
    assert re.search("^replicas +not known: ", done.stdout, re.M), done.stdout
    lonely.stop()
    done = run("status", "--admin-listen", f"127.0.0.1:{port}")
    assert done.returncode == 69 and "no gateway answers" in done.stderr
    assert done.stdout == ""


def test_each_command_says_its_exit_statuses_and_help_is_true(run):
    text = run("help").stdout
    for status in "  0 ", "  1 ", "  64", "  69":
        assert f"\n{status}" in text, text
    for command in "check", "explain", "status", "pools":
        assert run(command, "--help").returncode == 0

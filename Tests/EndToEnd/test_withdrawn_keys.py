"""A leaked key is trusted no more, at once, whatever its pool publishes."""

import asyncio
import base64
import json

import pytest

from conftest import make_tenant
from processes import free_port, wait_until
from test_websocket import chat, close_of, connect, echo  # noqa: F401


def kid_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


@pytest.fixture
def pools(run, gateway):
    """Runs `poolgate pools` against the shared gateway and its database; what it prints as JSON, and how it ended."""
    def call(*arguments, database=gateway.database):
        done = run("pools", *arguments, "--admin-listen", f"127.0.0.1:{gateway.admin_port}", "--database-url", database.url)
        return (json.loads(done.stdout) if done.stdout else None), done
    return call


def test_one_command_ends_a_key_on_every_gateway_until_it_is_lifted(gateway, tenant, stand_in, pools):
    token = tenant.token()
    kid = kid_of(token)
    assert tenant.get(token).status == 200
    fetches = stand_in.fetches(tenant.pool)
    wait_until(lambda: tenant.database.sql(
        f"SELECT 1 FROM poolgate.pool_health WHERE pool_id = '{tenant.pool}' AND '{kid}' = ANY (key_ids)"))
    # The stand-in's pools share keys, so the pool has to be named; every form that is printed anywhere will do.
    issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{tenant.pool}"
    report, done = pools("--withdraw", kid, "--pool", issuer, "--reason", "in a public repository",
                         "--actor", "ana")
    assert done.returncode == 0, done.stderr
    assert (report["pool"], report["kid"], report["withdrawn"]) == (f"eu-west-1/{tenant.pool}", kid, True)
    assert report["live_on"] == report["of"] >= 1 and report["reason"] == "in a public repository"

    refused = tenant.get(token)
    assert (refused.status, refused.error) == (401, "invalid_token")
    assert tenant.get(tenant.token(sub="another")).status == 401
    assert gateway.wait_event("refused", tenant=tenant.host, code="withdrawn_key")
    told = gateway.wait_event("withdrawn_keys", pool=f"eu-west-1/{tenant.pool}")
    assert f"{kid}, withdrawn by SQL at 20" in str(told) and "in a public repository" in str(told)
    # Nobody asked the pool for it; nor does a fetch that lists it bring it back.
    assert stand_in.fetches(tenant.pool) == fetches
    shown, done = pools("--refresh", f"eu-west-1/{tenant.pool}")
    assert done.returncode == 0 and shown[0]["withdrawn_by_sql"][kid].endswith("in a public repository")
    assert stand_in.fetches(tenant.pool) == fetches + 1
    assert tenant.get(token).status == 401
    assert tenant.database.sql(f"SELECT withdrawn_key_ids, keys FROM poolgate.tenant_summary WHERE host = '{tenant.host}'"
                               ).split("|")[0] == "{" + kid + "}"

    report, done = pools("--lift", kid, "--actor", "ben")
    assert done.returncode == 0 and report["withdrawn"] is False
    assert tenant.database.sql(
        f"SELECT operation, actor FROM poolgate.tenant_history WHERE table_name = 'withdrawn_keys' "
        f"AND coalesce(after, before) ->> 'pool_id' = '{tenant.pool}' ORDER BY id").split() == ["insert|ana", "lift|ben"]
    assert tenant.get(token).status == 200


def test_what_cannot_be_done_is_a_sentence_and_changes_nothing(tenant, pools):
    kid = kid_of(tenant.token())
    for arguments, status, words in [
            (["--withdraw", "nobodys"], 1, "no running gateway has a key of that name"),
            (["--lift", "nobodys"], 1, "no key of that name is withdrawn"),
            (["--lift", "nobodys", "--pool", tenant.pool], 1, "no key of that name is withdrawn from"),
            (["--withdraw", "a b", "--pool", tenant.pool], 1, "contains white space"),
            (["--withdraw", kid, "--pool", "Ireland"], 64, "names no pool"),
            (["--withdraw", kid, "--lift", kid], 64, "exclude each other"),
            (["--reason", "why"], 64, "--reason belongs to --withdraw"), (["--dry-run"], 64, "belong to")]:
        _, done = pools(*arguments)
        assert done.returncode == status and words in done.stderr, (arguments, done.stderr)
    report, done = pools("--withdraw", kid, "--pool", tenant.pool, "--dry-run")
    assert done.returncode == 0 and report["dry_run"] is True
    assert tenant.database.sql("SELECT count(*) FROM poolgate.withdrawn_keys") == "0"


def test_an_open_socket_ends_with_its_key(chat):
    async def talk():
        token = chat.token()
        async with connect(chat, token) as doomed:
            await doomed.send("x")
            assert await doomed.recv() == "x"
            chat.database.sql(
                f"INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid) VALUES ('eu-west-1', '{chat.pool}', '{kid_of(token)}')")
            assert await close_of(doomed) == 1008
    asyncio.run(talk())


def test_it_stays_withdrawn_without_a_database(start, database, stand_in, pool, run, tmp_path):
    gateway = start(database_url=database.url, state_dir=tmp_path / "state")
    tenant = make_tenant(gateway, database, stand_in, pool)
    token = tenant.token()
    assert tenant.get(token).status == 200
    database.sql(f"INSERT INTO poolgate.withdrawn_keys (region, pool_id, kid, reason) "
                 f"VALUES ('eu-west-1', '{pool}', '{kid_of(token)}', 'leaked')")
    wait_until(lambda: tenant.get(token).status == 401)
    done = run("explain", "--host", tenant.host, "--token", "-", "--database-url", database.url,
               "--jwks-url-template", stand_in.template, "--upstream", "http://127.0.0.1:9", stdin=token)
    assert "withdrawn by SQL at 20" in done.stdout and "leaked" in done.stdout, done.stdout + done.stderr
    assert gateway.stop() == 0
    alone = start(database_url=f"postgresql://postgres@127.0.0.1:{free_port()}/x", state_dir=tmp_path / "state")
    wait_until(lambda: alone.get(tenant.host, token).status == 401)
    assert alone.wait_event("refused", tenant=tenant.host, code="withdrawn_key")

"""Tokens that a program nobody here wrote signed, and the verdict of a verifier that nobody here wrote."""

import time

import boto3
import jwt
import pytest


@pytest.fixture(scope="module")
def cognito(moto):
    return boto3.client(
        "cognito-idp", region_name="eu-west-1", endpoint_url=f"http://127.0.0.1:{moto.port}",
        aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture(scope="module")
def moto_gateway(binaries, migrated, moto, shared_upstream):
    from gateway import Gateway
    database = migrated()
    gateway = Gateway(
        binaries, database_url=database.url, upstream=shared_upstream.url,
        jwks_url_template=f"http://127.0.0.1:{moto.port}/{{pool}}/.well-known/jwks.json")
    gateway.database = database
    yield gateway
    gateway.remove()


def make_pool(cognito, user="alice", group="staff"):
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="c", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH"])["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(
        UserPoolId=pool, Username=user, TemporaryPassword="Secret-1234", MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": "alice@example.com"}])
    cognito.admin_set_user_password(UserPoolId=pool, Username=user, Password="Secret-12345", Permanent=True)
    cognito.create_group(UserPoolId=pool, GroupName=group)
    cognito.admin_add_user_to_group(UserPoolId=pool, Username=user, GroupName=group)
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_NO_SRP_AUTH",
        AuthParameters={"USERNAME": user, "PASSWORD": "Secret-12345"})["AuthenticationResult"]
    return pool, client, answer


def test_access_and_id_token_of_moto_reach_the_upstream_as_an_identity(cognito, moto_gateway, upstream):
    pool, client, tokens = make_pool(cognito)
    host = "moto.example.com"
    moto_gateway.database.add(host, pool)
    moto_gateway.wait_status(200, host, tokens["AccessToken"])
    claims = jwt.decode(tokens["AccessToken"], options={"verify_signature": False})
    received = upstream.last
    assert received.value("X-Forwarded-User") == "alice"
    assert received.value("X-Forwarded-Groups") == "staff"
    assert received.value("X-Poolgate-Subject") == claims["sub"]
    assert received.value("X-Poolgate-Client") == client
    assert received.value("X-Poolgate-Pool") == pool
    assert received.value("X-Poolgate-Tenant") == host
    assert moto_gateway.get(host, tokens["IdToken"]).status == 200
    assert upstream.last.value("X-Forwarded-User") == "alice"
    assert upstream.last.value("X-Poolgate-Client") == client


def test_a_token_of_one_moto_pool_is_refused_at_the_host_of_another(cognito, moto_gateway):
    one, _, tokens_one = make_pool(cognito)
    two, _, tokens_two = make_pool(cognito)
    moto_gateway.database.add("one.example.com", one)
    moto_gateway.database.add("two.example.com", two)
    moto_gateway.wait_status(200, "one.example.com", tokens_one["AccessToken"])
    moto_gateway.wait_status(200, "two.example.com", tokens_two["AccessToken"])
    assert moto_gateway.get("two.example.com", tokens_one["AccessToken"]).status == 401
    assert moto_gateway.get("one.example.com", tokens_two["AccessToken"]).status == 401


def test_pyjwt_and_the_gateway_agree_on_every_tampering(stand_in, tenant):
    """PyJWT, with the same key set and the same rules, is the second opinion."""
    keys = jwt.PyJWKClient(stand_in.template.replace("{pool}", tenant.pool))
    issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{tenant.pool}"
    now = int(time.time())
    good = tenant.token()
    header, payload, signature = good.split(".")
    samples = {
        "good": good,
        "expired": tenant.token(ttl=-5),
        "wrong issuer": tenant.token(claims={"iss": issuer + "x"}),
        "not before": tenant.token(claims={"nbf": now + 3600}),
        "just before": tenant.token(claims={"nbf": now + 20}),
        "no exp": tenant.token(claims={"exp": None}),
        "exp as text": tenant.token(claims={"exp": "soon"}),
        "no signature": f"{header}.{payload}.",
        "short signature": f"{header}.{payload}.{signature[:-4]}",
        "other payload": f"{header}.{payload[:-2]}{'AA' if payload[-2:] != 'AA' else 'BB'}.{signature}",
        "two parts": f"{header}.{payload}",
        "four parts": f"{good}.x",
        "unknown kid": tenant.token(header={"kid": "nobody"}),
        "none": jwt.encode({"iss": issuer, "exp": now + 60}, None, algorithm="none", headers={"kid": "x"}),
        "padded": f"{header}.{payload}.{signature}=",
    }
    for name, token in samples.items():
        try:
            key = keys.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=["RS256"], issuer=issuer, leeway=0 if "exp" in name else 30,
                       options={"require": ["exp", "iss"], "verify_aud": False})
            verdict = True
        except jwt.PyJWTError:
            verdict = False
        if name == "expired":
            verdict = False
        assert (tenant.get(token).status == 200) == verdict, name

"""What the files for Kubernetes, systemd and the image say of the program is true of the program."""

import re

import kubernetes_validate
import pytest
import yaml

import containerfile
from processes import TOP

# The oldest and the newest that the files are meant for.
KUBERNETES = "1.28", "1.34"
FOLDER = TOP / "ops/kubernetes"


def manifests():
    return [document for path in sorted(FOLDER.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())
            if document["kind"] != "Kustomization"]


def proxied(name):
    return list(yaml.safe_load_all((FOLDER / "proxies" / name).read_text()))


def of_kind(kind):
    return next(one for one in manifests() if one["kind"] == kind)


def pods():
    return [one["spec"]["template"]["spec"] for one in manifests() if "template" in one["spec" if "spec" in one else "metadata"]]


@pytest.fixture(scope="module")
def settings(binaries):
    from gateway import run
    return set(re.findall(r"^  --([a-z0-9-]+)", run(binaries, "serve", "--help").stdout, re.M))


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_is_what_kubernetes_takes(version):
    kinds = set()
    for document in manifests():
        kubernetes_validate.validate(document, version, strict=True)
        kinds.add(document["kind"])
    assert kinds == {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Job"}


def test_a_manifest_with_a_misspelt_field_is_told_apart():
    document = of_kind("Deployment")
    document["spec"]["replica"] = document["spec"].pop("replicas")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, KUBERNETES[-1], strict=True)


def test_the_kustomization_has_every_file_but_what_is_applied_on_its_own():
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert {*listed, "kustomization.yaml", "migrate.yaml"} == {path.name for path in FOLDER.glob("*.yaml")}


def test_every_setting_that_a_file_names_exists(settings):
    variables = {one["name"] for pod in pods() for container in pod["containers"] for one in container["env"]}
    for text in (TOP / "ops/systemd/poolgate.service", TOP / "ops/container/Containerfile"):
        variables |= set(re.findall(r"\b(POOLGATE_[A-Z_]+)=?", text.read_text()))
    variables |= set(re.findall(r"(POOLGATE_[A-Z_]+)", (TOP / "ops/debian/postinst").read_text()))
    assert {"POOLGATE_ADMIN_TOKEN", "POOLGATE_STATE_DIR", "POOLGATE_SHUTDOWN_DELAY"} <= variables
    names = {variable.removeprefix("POOLGATE_").replace("_", "-").lower() for variable in variables}
    assert names <= settings, names - settings
    file = yaml.safe_load(of_kind("ConfigMap")["data"]["poolgate.yaml"])
    assert file.keys() <= settings, file.keys() - settings


def test_the_settings_file_of_the_config_map_is_one(run, tmp_path):
    path = tmp_path / "poolgate.yaml"
    path.write_text(of_kind("ConfigMap")["data"]["poolgate.yaml"])
    done = run("migrate", "--config", str(path), environment={"POOLGATE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    assert "is no setting" not in done.stdout + done.stderr and done.returncode != 64, done.stdout + done.stderr


def test_a_pod_has_time_for_its_delay_and_its_drain():
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    times = {one["name"]: one.get("value", "") for one in pod["containers"][0]["env"]}
    together = sum(int(times[f"POOLGATE_{name}"].removesuffix("s")) for name in ("SHUTDOWN_DELAY", "DRAIN_TIMEOUT"))
    assert together + 10 <= pod["terminationGracePeriodSeconds"]


def test_every_pod_is_restricted():
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            assert {"requests", "limits"} == container["resources"].keys()


def test_user_ports_and_folders_are_those_of_the_image():
    steps = dict(containerfile.instructions(TOP / "ops/container/Containerfile"))
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    user = pod["securityContext"]
    assert steps["USER"] == f"{user['runAsUser']}:{user['runAsGroup']}"
    container = pod["containers"][0]
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    environment = dict(pair.split("=", 1) for pair in steps["ENV"].split())
    assert environment["POOLGATE_LISTEN"].endswith(f":{ports['http']}") and steps["EXPOSE"] == str(ports["http"])
    assert next(one["value"] for one in container["env"] if one["name"] == "POOLGATE_ADMIN_LISTEN").endswith(f":{ports['admin']}")
    mounts = {one["mountPath"] for one in container["volumeMounts"]}
    assert environment["POOLGATE_STATE_DIR"] in mounts
    assert container["args"][-1].rsplit("/", 1)[0] in mounts


def test_policies_and_services_find_the_pods():
    pods = of_kind("Deployment")["spec"]["template"]["metadata"]["labels"]
    for document in manifests():
        spec = document.get("spec", {})
        chosen = {"Service": spec.get("selector"), "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
                  "PodDisruptionBudget": (spec.get("selector") or {}).get("matchLabels")}.get(document["kind"])
        if document["kind"] in ("Service", "NetworkPolicy", "PodDisruptionBudget"):
            assert chosen and chosen.items() <= pods.items(), document["kind"]


# Proxies that ask: no registry has the schemas of their own kinds, so what they name is looked up.

ASKING = ["envoy-gateway.yaml", "gateway-api.yaml", "ingress-nginx.yaml"]


def service_ports():
    service = next(one for one in manifests() if one["kind"] == "Service" and one["metadata"]["name"] == "poolgate")
    return {port["name"]: port for port in service["spec"]["ports"]}


def references(node):
    """Every reference to the gateway's Service, wherever it stands."""
    if isinstance(node, dict):
        if node.get("name") == "poolgate" and "port" in node:
            yield node
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_kinds_of_kubernetes_itself_are_what_it_takes(version):
    own = [document for name in ASKING for document in proxied(name)
           if document["apiVersion"] in ("v1", "networking.k8s.io/v1")]
    for document in own:
        kubernetes_validate.validate(document, version, strict=True)
    assert sorted(document["kind"] for document in own) == ["ConfigMap", "ConfigMap", "Ingress"]


def test_a_proxy_asks_a_port_that_there_is():
    for name in ASKING[:2]:
        grants = [one for one in proxied(name) if one["kind"] == "ReferenceGrant"]
        askers = [one for one in proxied(name) if list(references(one["spec"]))]
        assert len(askers) == 1
        for reference in references(askers[0]["spec"]):
            assert reference["port"] == service_ports()["ext-authz"]["port"]
            assert reference["namespace"] == grants[0]["metadata"]["namespace"] == "poolgate"
        group, kind = askers[0]["apiVersion"].split("/")[0], askers[0]["kind"]
        assert grants[0]["spec"]["from"] == [{"group": group, "kind": kind, "namespace": askers[0]["metadata"]["namespace"]}]
    url = proxied(ASKING[2])[0]["metadata"]["annotations"]["nginx.ingress.kubernetes.io/auth-url"]
    assert f".poolgate.svc.cluster.local:{service_ports()['forward-auth']['port']}/" in url


def test_a_proxy_whose_gateway_is_away_forwards_nothing():
    policy = next(one for one in proxied(ASKING[0]) if one["kind"] == "SecurityPolicy")["spec"]["extAuth"]
    assert policy["failOpen"] is False and policy["statusOnError"] == 503
    text = "".join((FOLDER / "proxies" / name).read_text() for name in ASKING)
    assert "failOpen: true" not in text and "failure_mode_allow: true" not in text


def test_the_ports_of_questions_are_those_of_the_settings():
    settings = yaml.safe_load(of_kind("ConfigMap")["data"]["poolgate.yaml"])
    ports = {one["name"]: one["containerPort"] for one in of_kind("Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]}
    for name in ("forward-auth", "ext-authz"):
        assert settings[f"{name}-listen"].endswith(f":{ports[name]}")
        assert service_ports()[name]["targetPort"] == name
    assert settings["trusted-callers"]
    policy = of_kind("NetworkPolicy")["spec"]["ingress"]
    allowed = [rule for rule in policy if {"forward-auth", "ext-authz"} & {port["port"] for port in rule["ports"]}]
    assert len(allowed) == 1 and allowed[0]["from"]


def removed_by_envoy(document):
    spec = document["spec"]["headers"]["earlyRequestHeaders"]
    return {one["value"] for one in spec["removeOnMatch"]} | set(spec["remove"])


def test_manifests_remove_what_the_files_of_proxies_remove():
    manager = yaml.safe_load((TOP / "ops/proxies/envoy/ext-authz-grpc.yaml").read_text())
    filters = manager["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    expected = set()
    for mutation in filters["early_header_mutation_extensions"][0]["typed_config"]["mutations"]:
        matcher = mutation.get("remove_on_match", {}).get("key_matcher", {})
        if "append" not in mutation:
            expected.add(mutation.get("remove") or matcher.get("prefix") or matcher["safe_regex"]["regex"])
    policy = next(one for one in proxied(ASKING[0]) if one["kind"] == "ClientTrafficPolicy")
    assert removed_by_envoy(policy) == expected
    lines = (TOP / "ops/proxies/nginx/identity-headers.conf").read_text()
    # The controller writes X-Real-IP itself, and passes no HTTP2-Settings on.
    names = set(re.findall(r'^proxy_set_header (\S+) "";$', lines, re.M)) - {"X-Real-IP", "HTTP2-Settings"}
    assert set(proxied(ASKING[2])[2]["data"]) == names
    response = proxied(ASKING[2])[0]["metadata"]["annotations"]["nginx.ingress.kubernetes.io/auth-response-headers"].split(",")
    assert set(response) == set(re.findall(r"^proxy_set_header (\S+) \$poolgate_\w+;$", lines, re.M))

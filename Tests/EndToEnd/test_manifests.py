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

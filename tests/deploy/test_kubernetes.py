"""Check that the Kubernetes manifests are valid, complete, and meet the Pod Security level "restricted"."""

from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.conftest import ROOT

FOLDER = ROOT / "deploy/kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
MANIFESTS = [each for name in KUSTOMIZATION["resources"] for each in yaml.safe_load_all((FOLDER / name).read_text())]


def only(kind: str) -> dict[str, Any]:
    """Return the one manifest of this kind."""
    [found] = [each for each in MANIFESTS if each["kind"] == kind]
    return found


POD = only("Deployment")["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_a_manifest_is_valid(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_validation_finds_a_misspelled_field() -> None:
    broken = only("PersistentVolumeClaim") | {"specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


def test_kustomize_includes_every_file_and_replaces_the_image() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {"kustomization.yaml", *KUSTOMIZATION["resources"]}
    assert [image["name"] for image in KUSTOMIZATION["images"]] == [CONTAINER["image"]]


def test_the_pod_meets_the_restricted_security_level() -> None:
    labels = only("Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert (POD["securityContext"]["runAsNonRoot"], POD["securityContext"]["runAsUser"]) == (True, 10001)
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False


def test_secrets_are_files_and_written_folders_are_volumes() -> None:
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert {mounts["data"], mounts["temporary"]} == {"/data", "/tmp"}
    values = {entry["name"]: entry["value"] for entry in CONTAINER["env"]}
    assert all(value.startswith(mounts["secrets"]) for name, value in values.items() if name.endswith("_FILE"))
    assert {volume["name"] for volume in POD["volumes"]} == mounts.keys()


def test_liveness_checks_the_process_and_readiness_the_whole_system() -> None:
    paths = {name: CONTAINER[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    # An unreachable database must not get the process killed.
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert POD["terminationGracePeriodSeconds"] >= 30


def test_selectors_match_the_pod() -> None:
    labels = only("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [only("Service")["spec"]["selector"], only("Deployment")["spec"]["selector"]["matchLabels"]]
    selectors.append(only("PodDisruptionBudget")["spec"]["selector"]["matchLabels"])
    assert all(selector.items() <= labels for selector in selectors)


def test_only_the_ingress_controller_reaches_the_pod() -> None:
    nothing, web = [each["spec"] for each in MANIFESTS if each["kind"] == "NetworkPolicy"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    [rule] = web["ingress"]
    [source] = rule["from"]
    assert source["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress-nginx"}

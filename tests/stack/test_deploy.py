"""What deploy/ ships is what Compose, Kubernetes and systemd take, and is closed by default."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.processes import BIN
from tests.stack.deploy.reading import DEPLOY, ROOT, asked, read

from handspan_exporter.access.tokens import TokenFile
from handspan_exporter.settings import Settings, from_environment, takes_spans, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.end_to_end

KUSTOMIZATIONS = ("base", "overlays/production", "embedded")
SETTINGS = {variable(one) for one in fields(Settings)}
NOT_SETTINGS = {"HANDSPAN_IMAGE", "HANDSPAN_SECRETS", "HANDSPAN_DECODER_LIBRARY"}
"""Of deploy/secrets.sh, the compose file and the image's building, not of the service."""


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that deploy/secrets.sh makes with the real command."""
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    made = subprocess.run(
        ["/bin/sh", DEPLOY / "secrets.sh", folder],
        env=os.environ | {"HANDSPAN": str(BIN / "handspan")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture(scope="module")
def environ(secrets: Path) -> dict[str, str]:
    """Return the variables of compose.env."""
    lines = (secrets / "compose.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def services(environ: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return the services of the compose file as Compose would start them."""
    found: dict[str, dict[str, Any]] = read("compose", DEPLOY / "compose.yaml", **environ)
    return found["services"]


def test_secrets_are_new_each_time_and_closed(secrets: Path, environ: dict[str, str]) -> None:
    """The service takes the tokens, and keeps nothing but their hashes."""
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert (secrets / "compose.env").stat().st_mode & 0o777 == 0o600
    passwords = [value for name, value in environ.items() if name.endswith(("PASSWORD", "SHA256"))]
    assert len({*passwords}) == 7
    assert all(re.fullmatch(r"[0-9a-f]{64}", one) for one in passwords)
    tokens = TokenFile(secrets / "tokens.json")
    found = {
        name: tokens.find(environ[f"HANDSPAN_{name}_TOKEN"]) for name in ("COLLECTOR", "JAEGER")
    }
    assert {name: one and one.scopes for name, one in found.items()} == {
        "COLLECTOR": ("ingest",),
        "JAEGER": ("read",),
    }
    again = subprocess.run(
        ["/bin/sh", DEPLOY / "secrets.sh", secrets], capture_output=True, text=True, check=False
    )
    assert again.returncode == 1
    assert "there already" in again.stderr


def test_nothing_starts_without_secrets(environ: dict[str, str]) -> None:
    """There is no default password: each missing one is named."""
    for name in {*environ} - {"HANDSPAN_BACKUP_PASSWORD"}:
        rest = {key: value for key, value in environ.items() if key != name}
        done = asked("compose", DEPLOY / "compose.yaml", **rest)
        assert done.returncode == 1, name
        assert name in done.stderr


def test_a_wrong_compose_file_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    """Else none of this would prove anything."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("mem_limit: 2g", "memory: 2g"),
        ("condition: service_healthy", "condition: up"),
    ):
        path = tmp_path / "compose.yaml"
        path.write_text(text.replace(old, new), encoding="utf-8")
        assert asked("compose", path, **environ).returncode == 1, new


def test_containers_are_pinned_hardened_and_reached_from_this_machine_alone(
    services: dict[str, dict[str, Any]],
) -> None:
    """Whatever is added to the file must be as closed as the rest."""
    for name, one in services.items():
        assert re.search(r":v?\d+\.\d+\.\d+", one["image"]), name
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert {port["host_ip"] for port in one.get("ports", [])} <= {"127.0.0.1"}, name


def test_what_compose_mounts_is_there(services: dict[str, dict[str, Any]]) -> None:
    """A missing file would be made as an empty folder."""
    mounted = [
        volume
        for one in services.values()
        for volume in one.get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert mounted
    for volume in mounted:
        assert Path(volume["source"]).exists(), volume["source"]
        assert volume["read_only"] is True, volume["source"]


def test_settings_in_compose_are_settings(services: dict[str, dict[str, Any]]) -> None:
    """A variable that nobody reads is a mistake that nobody sees."""
    ours = services["handspan"]["environment"]
    assert {*ours} <= SETTINGS
    made = from_environment(ours)
    assert made.store.startswith("clickhouse://handspan_writer:")
    assert not made.insecure_open


def test_variables_that_configurations_read_are_set_in_compose(
    services: dict[str, dict[str, Any]],
) -> None:
    """Those without a default, at least."""
    read_by = {
        "collector": ROOT / "collector-config" / "gateway.yaml",
        "jaeger": ROOT / "collector-config" / "jaeger.yaml",
    }
    for name, path in read_by.items():
        text = path.read_text(encoding="utf-8")
        known = {*re.findall(r"\$\{env:(\w+)", text)}
        assert {*services[name]["environment"]} <= known, name
    provisioned = (
        ROOT / "dashboards" / "provisioning" / "datasources" / "handspan.yaml"
    ).read_text()
    wanted = {*re.findall(r"\$\{(\w+)\}", provisioned)}
    assert wanted <= {*services["grafana"]["environment"]}


@pytest.fixture(scope="module", params=KUSTOMIZATIONS)
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """Return what `kubectl apply -k` would send, decoded strictly into Kubernetes' own types."""
    found: list[dict[str, Any]] = read("kustomize", DEPLOY / "kubernetes" / request.param)
    return found


def pods(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each pod's owner and specification."""
    for one in objects:
        if "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]


def test_pods_may_do_little(objects: list[dict[str, Any]]) -> None:
    """The profile `restricted` of Kubernetes' pod security, a read-only root, and no account."""
    for name, pod in pods(objects):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"], name


def test_settings_in_pods_are_settings_and_secrets_are_references(
    objects: list[dict[str, Any]],
) -> None:
    """No object holds a secret; the DSN, which has a password, is one."""
    assert not [one for one in objects if one["kind"] == "Secret"]
    for name, pod in pods(objects):
        (container,) = pod["containers"]
        plain = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        assert {one["name"] for one in container["env"]} <= SETTINGS, name
        assert "@" not in plain.get("HANDSPAN_STORE", ""), name
        made = from_environment(plain)
        assert not made.insecure_open, name
        named = {port["name"] for port in container["ports"]}
        assert ("otlp-grpc" in named) == takes_spans(made), name
        journal_is_kept = any(
            claim["metadata"]["name"] in ("journal", "store")
            for one in objects
            if one["metadata"]["name"] == name
            for claim in one.get("spec", {}).get("volumeClaimTemplates", [])
        )
        assert journal_is_kept == takes_spans(made), f"{name}: a journal outlives its pod"


def test_services_and_policies_find_pods_with_these_ports(objects: list[dict[str, Any]]) -> None:
    """Selectors and names of ports are text: only a comparison shows that they meet."""
    found = [
        (one["spec"]["template"]["metadata"]["labels"], one["spec"]["template"]["spec"])
        for one in objects
        if "template" in one.get("spec", {})
    ]
    for one in objects:
        if one["kind"] == "Service":
            ports = {port["targetPort"] for port in one["spec"]["ports"]}
            matched = [
                {port["name"] for port in pod["containers"][0]["ports"]}
                for labels, pod in found
                if one["spec"]["selector"].items() <= labels.items()
            ]
            assert matched, one["metadata"]["name"]
            assert all(ports <= names for names in matched), one["metadata"]["name"]
        if one["kind"] in ("PodDisruptionBudget", "NetworkPolicy"):
            selector = one["spec"].get("selector") or one["spec"]["podSelector"]
            wanted = selector["matchLabels"].items()
            assert any(wanted <= labels.items() for labels, _ in found), one["metadata"]["name"]


def test_the_operator_is_given_what_prometheus_is(objects: list[dict[str, Any]]) -> None:
    """The same rules, taken by promtool, on series of the job that the ServiceMonitor names."""
    kinds = {one["kind"]: one for one in objects}
    if "PrometheusRule" not in kinds:
        assert "ServiceMonitor" not in kinds
        return
    text = (DEPLOY / "prometheus" / "handspan.rules.yaml").read_text(encoding="utf-8")
    rules = [rule for group in kinds["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
    told = re.findall(r"- alert: (\w+)\n +expr: (.+)\n", text)
    assert len(told) == text.count("- alert:")
    assert [(one["alert"], one["expr"]) for one in rules] == told
    wanted = {name for one in rules for name in re.findall(r'job="(\w+)"', one["expr"])}
    label = kinds["ServiceMonitor"]["spec"]["jobLabel"]
    scraped = kinds["ServiceMonitor"]["spec"]["selector"]["matchLabels"].items()
    jobs = {
        one["metadata"]["labels"][label]
        for one in objects
        if one["kind"] == "Service" and scraped <= one["metadata"]["labels"].items()
    }
    assert jobs == wanted == {"handspan"}


def test_what_scales_probes_and_guards_is_there(objects: list[dict[str, Any]]) -> None:
    """Every pod has its three probes; receivers scale, and neither kind goes all at once."""
    for name, pod in pods(objects):
        (container,) = pod["containers"]
        probes = [container[f"{one}Probe"] for one in ("startup", "liveness", "readiness")]
        named = {port["name"] for port in container["ports"]}
        numbers = {port["containerPort"] for port in container["ports"]}
        for probe in probes:
            asked = probe.get("httpGet", probe.get("grpc"))["port"]
            assert asked in named | numbers, name
    kinds = [one["kind"] for one in objects]
    if "HorizontalPodAutoscaler" not in kinds:
        (alone,) = [one for one in objects if one["kind"] == "StatefulSet"]
        assert alone["spec"]["replicas"] == 1
        return
    (scaler,) = [one for one in objects if one["kind"] == "HorizontalPodAutoscaler"]
    target = scaler["spec"]["scaleTargetRef"]
    (scaled,) = [
        one
        for one in objects
        if (one["kind"], one["metadata"]["name"]) == (target["kind"], target["name"])
    ]
    assert "replicas" not in scaled["spec"]
    guarded = [one for one in objects if one["kind"] == "PodDisruptionBudget"]
    assert len(guarded) == len([*pods(objects)])
    assert {one["spec"]["maxUnavailable"] for one in guarded} == {1}
    assert scaler["spec"]["minReplicas"] >= 2
    (policy,) = [one for one in objects if one["kind"] == "NetworkPolicy"]
    assert {*policy["spec"]["policyTypes"]} == {"Ingress", "Egress"}


def test_a_misspelled_field_is_refused(tmp_path: Path) -> None:
    """Kubernetes drops what it does not know without a word, unless asked strictly."""
    shutil.copytree(DEPLOY / "kubernetes" / "base", tmp_path / "base")
    path = tmp_path / "base" / "receiver.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"), encoding="utf-8"
    )
    done = asked("kustomize", tmp_path / "base")
    assert done.returncode == 1
    assert "readOnlyRootFileSystem" in done.stderr


def test_the_production_overlay_names_a_version() -> None:
    """An image without a tag is another one tomorrow."""
    found = read("kustomize", DEPLOY / "kubernetes" / "overlays" / "production")
    images = {one["image"] for _, pod in pods(found) for one in pod["containers"]}
    assert {image.rpartition(":")[2] for image in images} == {"0.1.0"}
    assert json.dumps(found).count('"namespace": "handspan"') >= len(found) - 1


def test_the_unit_is_one_for_systemd_and_exposes_little(tmp_path: Path) -> None:
    """`systemd-analyze` says what a unit may do, from 10 (all) to 0."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is missing: install systemd"
    unit = tmp_path / "handspan.service"
    text = (DEPLOY / "systemd" / "handspan.service").read_text(encoding="utf-8")
    assert "/opt/handspan/bin/handspan serve" in text
    unit.write_text(text.replace("=/opt/handspan/bin/handspan", "=/bin/true"), encoding="utf-8")
    for words in (("verify",), ("security", "--offline=yes", "--threshold=15")):
        done = subprocess.run([program, *words, unit], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "handspan.service" not in done.stderr
    for name in re.findall(r"^Environment=(\w+)=", text, re.MULTILINE):
        assert name in SETTINGS


def test_every_variable_named_in_deploy_is_one() -> None:
    """In comments and in the README, too."""
    known = SETTINGS | NOT_SETTINGS | {"HANDSPAN_TOKEN"}
    compose = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    known |= {*re.findall(r"\$\{(HANDSPAN_\w+)", compose)}
    known |= {
        *re.findall(r"^      (HANDSPAN_CLICKHOUSE_\w+|HANDSPAN_READ_TOKEN):", compose, re.MULTILINE)
    }
    known |= {"HANDSPAN_BACKUP_PASSWORD"}
    for path in DEPLOY.rglob("*"):
        if (
            path.suffix in (".md", ".yaml", ".service", ".sh", ".py", ".xml")
            or path.name == "Dockerfile"
        ):
            named = {*re.findall(r"\bHANDSPAN_[A-Z0-9_]+\b", path.read_text(encoding="utf-8"))}
            assert named <= known, path


def test_scripts_are_scripts() -> None:
    """`dash` reads them where `sh` is dash: no bashism passes."""
    scripts = [*DEPLOY.rglob("*.sh"), *(ROOT / "stack").rglob("*.sh")]
    assert len(scripts) > 2
    for path in scripts:
        done = subprocess.run(["/bin/sh", "-n", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert os.access(path, os.X_OK), path

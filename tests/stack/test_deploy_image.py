"""The image, as far as it can be built and started without Docker: its steps, its user, its health.

Docker itself makes nothing here: deploy/README.md says what is left to try.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import clickhouse_connect
import pytest
from tests.end_to_end.processes import free_port, running, wait_for
from tests.stack.deploy.building import build, for_everyone
from tests.stack.deploy.reading import DEPLOY, asked, read
from tests.stack.spans import send_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.end_to_end

NOBODY = 65534


@pytest.fixture(scope="module")
def stages() -> list[dict[str, Any]]:
    """Return what BuildKit reads in the Dockerfile."""
    found: list[dict[str, Any]] = read("dockerfile", DEPLOY / "Dockerfile")
    return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Return a folder that any user may look into, as /opt of an image is."""
    made = Path(tempfile.mkdtemp(prefix="handspan-image-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def opt(stages: list[dict[str, Any]], folder: Path) -> Path:
    """Return what /opt holds in the slim image."""
    build(stages, ("decoder", "wheel", "server-packages"), folder / "opt")
    return folder / "opt"


def steps(stages: list[dict[str, Any]], stage: str, name: str) -> list[dict[str, Any]]:
    """Return the steps of a stage that have this name."""
    (found,) = (one for one in stages if one["name"] == stage)
    return [step for step in found["steps"] if step["name"] == name]


def test_a_wrong_dockerfile_is_refused(tmp_path: Path) -> None:
    """Else none of this would prove anything."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    for old, new in (
        ("USER 10001", "USERS 10001"),
        ("STOPSIGNAL SIGTERM", "MAINTAINER nobody"),  # deprecated: only the linter minds
        ("--interval=10s", "--interval=ten"),
    ):
        assert old in text
        path = tmp_path / "Dockerfile"
        path.write_text(text.replace(old, new), encoding="utf-8")
        done = asked("dockerfile", path)
        assert done.returncode == 1, new


def test_the_image_is_pinned_slim_by_default_and_not_root(stages: list[dict[str, Any]]) -> None:
    """The last stage is built when none is named, and a user by number is one Kubernetes sees."""
    bases = {one["base"] for one in stages} - {one["name"] for one in stages}
    assert len(bases) == 2, "Python's and Rust's"
    for base in bases:
        assert ":" in base
        assert "latest" not in base
    assert len({base.rpartition("-")[2] for base in bases}) == 1, "of the same Debian"
    assert stages[-1]["name"] == "server"
    (user,) = steps(stages, "runtime", "USER")
    assert user["args"] == ["10001:10001"]
    assert {one["base"] for one in stages if one["name"] in ("server", "embedded")} == {"runtime"}


def test_what_an_image_is_built_from_is_not_ignored(stages: list[dict[str, Any]]) -> None:
    """The list of exceptions and the COPY steps say the same."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        source
        for stage in stages
        for step in stage["steps"]
        if step["name"] == "COPY" and not step.get("from")
        for source in step["args"][:-1]
    }
    assert copied == let_in


def test_the_slim_image_has_no_engine_and_no_pip(opt: Path) -> None:
    """What is not there has no holes; and everything there is fits together."""
    names = {one.name.lower() for one in (opt / "handspan/lib").glob("python*/site-packages/*")}
    assert {"handspan", "handspan_decoder"} <= names
    assert not {"chdb", "pip", "pandas"} & names
    pip, python = opt / "build/bin/pip", opt / "handspan/bin/python"
    done = subprocess.run(
        [pip, "--python", python, "check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@contextmanager
def served(
    opt: Path, stages: list[dict[str, Any]], folder: Path, **environ: str
) -> Iterator[dict[str, str]]:
    """Run the image's command as its user would, with its variables; yield these.

    What a machine cannot give twice is changed: ports, and where its data lies.
    """
    (said,) = steps(stages, "runtime", "ENV")
    data = folder / "data"
    data.mkdir(exist_ok=True)
    open_to_all = "0.0.0.0:"
    ports = {
        name: f"{open_to_all}{free_port()}"
        for name, value in said["environ"].items()
        if value.startswith(open_to_all)
    }
    environ = {
        **said["environ"],
        **ports,
        "PATH": f"{opt / 'handspan/bin'}:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "XDG_DATA_HOME": str(data),
        **environ,
    }
    (entry,), (command,) = steps(stages, "runtime", "ENTRYPOINT"), steps(stages, "runtime", "CMD")
    port = int(ports["HANDSPAN_WEB"].rpartition(":")[2])
    as_nobody = _as_nobody(data, opt / "handspan/bin/python")
    words = [opt / "handspan/bin" / entry["args"][0], *entry["args"][1:], *command["args"]]
    with running([*as_nobody, "env", "-i", *_said(environ), *words], port):
        yield environ


def _as_nobody(data: Path, python: Path) -> list[str]:
    """Return what runs a command as somebody who may write to `data` alone.

    Root whose Python nobody else may reach gives up root's capabilities instead.
    """
    if os.getuid() != 0:
        return []
    no_more = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    if not for_everyone(python):
        return no_more
    os.chown(data, NOBODY, NOBODY)
    return [*no_more, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def _said(environ: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environ.items()]


def healthy(opt: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the image's health check."""
    script = DEPLOY / "healthcheck.py"
    command = [opt / "handspan/bin/python", script]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def token(opt: Path, folder: Path) -> str:
    """Return a token that the services know."""
    tokens = folder / _TOKENS
    made = subprocess.run(
        [opt / "handspan/bin/handspan", "token", "add", "test", "--tokens", tokens],
        capture_output=True,
        text=True,
        check=True,
    )
    tokens.chmod(0o444)
    return made.stdout.strip()


_TOKENS = "tokens.json"


def test_the_image_serves_as_nobody_and_is_healthy(
    opt: Path, stages: list[dict[str, Any]], folder: Path, clickhouse: int, token: str
) -> None:
    """Installed from hashes, without chdb, with the image's variables, on a ClickHouse server."""
    store = f"clickhouse://127.0.0.1:{clickhouse}/handspan"
    tokens = str(folder / _TOKENS)
    with served(opt, stages, folder, HANDSPAN_STORE=store, HANDSPAN_TOKENS=tokens) as environ:
        done = healthy(opt, environ)
        assert done.returncode == 0, done.stderr
        grpc = int(environ["HANDSPAN_OTLP_GRPC"].rpartition(":")[2])
        send_runs(grpc, 3, token=token)
        client = clickhouse_connect.get_client(host="127.0.0.1", port=clickhouse)
        wait_for(lambda: _count(client) == 6, "6 spans in the store")
        client.close()
        assert (folder / "data" / "handspan" / "journal").is_dir()
    done = healthy(opt, environ)
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def _count(client: Any) -> int:  # noqa: ANN401
    statement = "SELECT count() FROM handspan.otel_traces"
    return int(client.query(statement).result_rows[0][0])


@pytest.mark.usefixtures("token")
def test_a_processor_is_asked_for_its_health_at_its_api(
    opt: Path, stages: list[dict[str, Any]], folder: Path, clickhouse: int
) -> None:
    """It takes no spans, so that it has no other door; and a token nobody gives to a probe."""
    store = f"clickhouse://127.0.0.1:{clickhouse}/handspan"
    wanted = {"HANDSPAN_STORE": store, "HANDSPAN_ROLE": "processor"}
    tokens = str(folder / _TOKENS)
    with served(opt, stages, folder, **wanted, HANDSPAN_TOKENS=tokens) as environ:
        assert healthy(opt, environ).returncode == 0


def test_the_image_does_not_listen_without_a_token(
    opt: Path, stages: list[dict[str, Any]], folder: Path
) -> None:
    """Its addresses are open to other machines: secure by default."""
    (said,) = steps(stages, "runtime", "ENV")
    environ = {**said["environ"], "XDG_DATA_HOME": str(folder / "none"), "HOME": "/nonexistent"}
    done = subprocess.run(
        [opt / "handspan/bin/handspan", "serve", "--store", "clickhouse://127.0.0.1:1/handspan"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode != 0
    assert "token" in done.stderr


def test_this_python_is_the_image_s(stages: list[dict[str, Any]]) -> None:
    """What is tested on one minor version is shipped on it."""
    base = next(one["base"] for one in stages if one["name"] == "runtime")
    assert base.startswith(f"python:{sys.version_info.major}.{sys.version_info.minor}.")

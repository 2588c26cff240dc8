"""The steps of a Dockerfile without Docker: /opt of the image is a folder of this machine."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.stack.deploy.reading import ROOT

_IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")


def build(stages: list[dict[str, Any]], names: tuple[str, ...], opt: Path) -> None:
    """Take the steps of these stages, each upon the one before; /opt/x of theirs is `opt`/x.

    COPY takes from this repository, or from another stage's /opt, which is the same folder; RUN is
    run by sh with `python` being this one's base, and with this machine's Rust.
    """
    by_name = {stage["name"]: stage for stage in stages}
    here = opt
    for step in [step for name in names for step in by_name[name]["steps"]]:
        if step["name"] == "WORKDIR":
            here = _inside(step["args"][0], opt)
            here.mkdir(parents=True, exist_ok=True)
        elif step["name"] == "COPY":
            _copy(step, here, opt)
        else:
            assert (step["name"], step["shell"]) == ("RUN", True), step
            _run(step["args"][0], here, opt)


def _inside(path: str, opt: Path) -> Path:
    assert path.startswith("/opt/"), f"{path}: only /opt is built without Docker"
    return opt / path.removeprefix("/opt/")


def _copy(step: dict[str, Any], here: Path, opt: Path) -> None:
    *sources, to = step["args"]
    target = _inside(to, opt) if to.startswith("/") else here / to
    for source in (_inside(one, opt) if step.get("from") else ROOT / one for one in sources):
        if source == target:  # of another stage, whose /opt is the same folder here
            assert source.exists(), source
        elif source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, ignore=_IGNORED)
        else:
            into = target / source.name if to.endswith("/") else target
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, into)


def _run(line: str, here: Path, opt: Path) -> None:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # Downloads are kept, which spares every run 100 MB; hashes are checked all the same.
    said = line.replace("/opt/", f"{opt}/").replace("--no-cache-dir ", "")
    kept = {name: text for name, text in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    kept |= {name: text for name, text in os.environ.items() if name.lower().endswith("_proxy")}
    ours = {
        "PATH": f"{_python(opt)}:/usr/bin:/bin:{_cargo()}",
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup"),
        "HOME": str(opt),
        "PIP_CACHE_DIR": str(cache / "handspan" / "pip"),
        "PIP_NO_COMPILE": "1",
    }
    done = subprocess.run(
        ["/bin/sh", "-ec", said],
        cwd=here,
        env=kept | ours,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def _cargo() -> Path:
    found = shutil.which("cargo")
    assert found is not None, "there is no cargo: install Rust (rustup)"
    return Path(found).parent


def _python(opt: Path) -> Path:
    """Return a folder in which `python` is one of this version that any user may run."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = Path(sys.base_prefix) / "bin" / name
    found = next((one for one in (own, Path("/usr/bin") / name) if for_everyone(one)), own)
    folder = opt / "base"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "python").unlink(missing_ok=True)
    (folder / "python").symlink_to(found)
    return folder


def for_everyone(path: Path) -> bool:
    """Tell whether any user of this machine may reach the file."""
    if not path.exists():
        return False
    return all(one.stat().st_mode & stat.S_IXOTH for one in path.resolve().parents)

"""An environment for each peer, built once into the cache: nothing of it comes near `.venv`."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

_HERE = Path(__file__).parent
_READY = ".ready"


class Missing(Exception):
    """A peer could not be installed; the message says why."""


def peers() -> dict[str, dict[str, object]]:
    """Return name to version and requirements, as peers.toml says."""
    return tomllib.loads((_HERE / "peers.toml").read_text(encoding="utf-8"))


def python_of(name: str) -> str:
    """Return the interpreter to measure with; builds a peer's environment at first use.

    Takes about a minute for a peer, and needs the network once.

    Raises:
        Missing: it cannot be installed.
    """
    if name not in peers():
        return sys.executable
    folder = _cache() / f"peer-{name}-{peers()[name]['version']}"
    python = folder / "bin" / "python"
    if not (folder / _READY).exists():
        _build(name, folder, python)
    return str(python)


def _build(name: str, folder: Path, python: Path) -> None:
    sys.stderr.write(f"installing {name} into {folder} ...\n")
    requires = [str(one) for one in peers()[name]["requires"]]  # type: ignore[attr-defined]
    # uv, because pip gives up on what two of the peers require.
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]
    steps = [
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        pip,
        [str(folder / "bin" / "uv"), "pip", "install", "-q", "--python", str(python), *requires],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().splitlines()[-1:] or ["no output"]
            raise Missing(f"{name} cannot be installed: {reason[0]}")
    (folder / _READY).touch()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "handspan"

"""Installs the newest version of frameworks: `python -m stack.frameworks.newest langgraph ...`.

Into the cache, one environment per framework, brought up to date at every call.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

_PINS: Final = Path(__file__).parent / "pins"


def python_of(framework: str) -> Path:
    """Return the interpreter with the newest version, installed or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "handspan" / f"{framework}-newest" / "bin" / "python"


def main(frameworks: list[str]) -> int:
    """Install or upgrade each; takes half a minute where little is new."""
    for framework in frameworks:
        python = python_of(framework)
        if not python.exists():
            venv.create(python.parents[1], with_pip=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        asked = ["--upgrade", "--upgrade-strategy", "eager", "-r", str(_PINS / f"{framework}.in")]
        done = subprocess.run([*pip, *asked], check=False)  # noqa: S603 - pip, with our own list
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

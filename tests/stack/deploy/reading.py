"""What Docker, Compose and Kubernetes make of the files of deploy/, by their own libraries."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from stack.tools import DEPLOY_CHECK, Missing

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"


def asked(kind: str, *paths: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program that reads as `kind` does; variables but PATH and HOME are only these."""
    try:
        program = DEPLOY_CHECK.require()
    except Missing as missing:
        pytest.fail(str(missing))
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [program, kind, *paths], capture_output=True, text=True, check=False, env=kept | environ
    )


def read(kind: str, *paths: Path, **environ: str) -> Any:  # noqa: ANN401
    """Return what it made of the files; fail with what it complains about."""
    done = asked(kind, *paths, **environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

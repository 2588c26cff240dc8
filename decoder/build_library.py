"""Compiles the library with cargo when a wheel is made, and puts it in.

cargo works in `CARGO_TARGET_DIR` where that is set, else in a folder that is gone afterwards:
nothing is written into the tree. `HANDSPAN_DECODER_LIBRARY` names one that is compiled already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LIBRARIES = {"darwin": "libhandspan_decoder.dylib", "win32": "handspan_decoder.dll"}


class Build(BuildHookInterface):  # type: ignore[type-arg]
    """One build of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the library in; what it makes works with every Python 3 of this platform."""
        if version == "editable":
            raise RuntimeError("handspan-decoder cannot be installed as editable: it is compiled")
        self._scratch = tempfile.TemporaryDirectory(prefix="handspan-decoder-")
        name = _LIBRARIES.get(sys.platform, "libhandspan_decoder.so")
        library = os.environ.get("HANDSPAN_DECODER_LIBRARY") or self._compiled(name)
        build_data["force_include"][library] = f"handspan_decoder/{name}"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def _compiled(self, name: str) -> str:
        cargo = shutil.which("cargo")
        if cargo is None:
            raise RuntimeError("handspan-decoder is compiled: install Rust (rustup) first")
        target = Path(os.environ.get("CARGO_TARGET_DIR") or self._scratch.name)
        command = [cargo, "build", "--quiet", "--release", "--locked", "--offline"]
        environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
        subprocess.run(command, cwd=self.root, env=environment, check=True)  # noqa: S603 - our own crate
        return str(target / "release" / name)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Give the scratch folder back."""
        self._scratch.cleanup()

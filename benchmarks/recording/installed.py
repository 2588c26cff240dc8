"""How large `pip install handspan` is beyond the SDK and its OTLP exporter."""

from __future__ import annotations

import re
import sys
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

_SDK = ("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp")
_PACKAGES = ("handspan", "handspan_exporter")
"""Both are in the one wheel."""


def installed_mb() -> float:
    """Return the size of all that is added, bytecode of this Python included, MB."""
    added = _closure(["handspan"]) - _closure(list(_SDK)) - {"handspan"}
    own = [path for name in _PACKAGES for path in _folder(name).rglob("*") if path.is_file()]
    others = [Path(str(file.locate())) for name in added for file in distribution(name).files or ()]
    return sum(map(_size, (*own, *others))) / 1e6


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _size(path: Path) -> int:
    other = path.suffix == ".pyc" and f"{sys.implementation.cache_tag}.pyc" not in path.name
    return path.stat().st_size if path.exists() and not other else 0


def _closure(names: list[str]) -> set[str]:
    """Return the distributions that are installed with these, without any extra."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name in found:
            continue
        found.add(name)
        for requirement in distribution(name).requires or ():
            wanted = re.match(r"[\w.-]+", requirement)
            if wanted is not None and ";" not in requirement:
                names.append(re.sub(r"[-_.]+", "-", wanted[0]).lower())
    return found

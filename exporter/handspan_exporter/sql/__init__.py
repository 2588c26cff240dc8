"""Every SQL statement of the service, one per file, loaded by name."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOLE = re.compile(r"\{\{(\w+)\}\}")


@cache
def load(name: str) -> str:
    """Return the text of `<name>.sql`, for instance `load("kpi/cost_usd")`.

    Raises:
        FileNotFoundError: no such file ships with the package.
    """
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


@cache
def names(folder: str) -> tuple[str, ...]:
    """Return the names of the statements directly inside `folder`, sorted, without `.sql`."""
    found = (path.name for path in files(__name__).joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(".sql") for name in found if name.endswith(".sql")))


def holes(name: str) -> tuple[str, ...]:
    """Return the names of the holes of `<name>.sql`, each once, in order."""
    return tuple(dict.fromkeys(_HOLE.findall(load(name))))


def render(name: str, holes: Mapping[str, object]) -> str:
    """Return `<name>.sql` with each `{{hole}}` replaced by its value.

    Holes are for what a server-side parameter cannot be: identifiers, fragments, intervals
    of a TTL. Values come from settings and from other files, never from a request.

    Raises:
        KeyError: the file has a hole that `holes` does not name.
    """
    return _HOLE.sub(lambda hole: str(holes[hole[1]]), load(name))

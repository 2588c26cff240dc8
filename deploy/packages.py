"""Write what an image installs and whose it is; with --check only say which file is stale.

    python -m deploy.packages [--check]

`requirements/<image>.txt` holds the lines of constraints.txt, hashes included, that the image needs
on Linux; THIRD_PARTY.md says under which licence each of these packages is.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageMetadata, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
ROOT = HERE.parent

_MACHINES = ("x86_64", "aarch64")
"""What images are built for: a package that one of them needs is in the list of both."""
_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
_BUILD = ("hatchling",)
"""What makes the wheel, and is not in an image."""
_HOMES = ("homepage", "repository", "source", "source code", "code", "documentation")


@dataclass(frozen=True, slots=True)
class Package:
    """One distribution of an image."""

    name: str
    version: str
    licence: str
    home: str


def needed(extras: Iterable[str]) -> set[str]:
    """Return the names of all that `handspan[extras]` needs on Linux, itself not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return _closure([one for one in wanted if not one.startswith("handspan[")])


def _closure(wanted: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = [Requirement(one) for one in wanted]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if not _applies(one, ""):
            continue
        extras = sorted(one.extras) if name in found else ["", *sorted(one.extras)]
        found.add(name)
        for text in distribution(name).requires or []:
            inner = Requirement(text)
            if any(_applies(inner, extra) for extra in extras):
                inner.marker = None
                waiting.append(inner)
    return found


def _applies(one: Requirement, extra: str) -> bool:
    if one.marker is None:
        return not extra
    # What is not named here is as on this machine.
    here = {**_LINUX, "extra": extra}
    return any(one.marker.evaluate(here | {"platform_machine": name}) for name in _MACHINES)


@cache
def _pins() -> dict[str, str]:
    """Return constraints.txt by package: the pin with its hashes.

    A package may have several, each for some versions of Python: it is the one for this.
    """
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=\S)", text.strip()):
        one = Requirement(block.partition("\\")[0])
        if _applies(one, ""):
            found[canonicalize_name(one.name)] = block
    return found


def requirements(names: Iterable[str]) -> str:
    """Return the pins of these packages, as pip reads them."""
    head = "# Made from constraints.txt by `make generate`.\n"
    return head + "".join(f"{_pins()[name]}\n" for name in sorted(names))


def package(name: str) -> Package:
    """Return what constraints.txt and the package's own metadata say of it."""
    pin = re.search(r"==([^\s;\\]+)", _pins()[name])
    assert pin is not None, name  # noqa: S101 - every line of the file has one
    said = distribution(name).metadata
    return Package(name=name, version=pin[1], licence=_licence(said), home=_home(said))


def _licence(said: PackageMetadata) -> str:
    """Return the licence; of a text only its first line, of a classifier its last part."""
    for field in ("License-Expression", "License"):
        if field in said:
            return said[field].splitlines()[0].strip()
    every: list[str] = said.get_all("Classifier") or []
    classifiers = [one for one in every if one.startswith("License ::")]
    return ", ".join(one.rpartition(" :: ")[2] for one in classifiers)


def _home(said: PackageMetadata) -> str:
    links: list[str] = said.get_all("Project-URL") or []
    parts = [one.partition(", ") for one in links]
    by_label = {label.lower(): url for label, _, url in parts}
    for label in _HOMES:
        if label in by_label:
            return by_label[label]
    return said["Home-page"] if "Home-page" in said else ""  # noqa: SIM401 - not a mapping


def third_party() -> str:
    """Return THIRD_PARTY.md."""
    server, embedded = needed(["server"]), needed(["server", "embedded"])
    lines = [
        "# Packages of others in the images",
        "",
        "Made from constraints.txt and the packages' own metadata by `make generate`. The texts of",
        "the licences are in the images, in each one's `*.dist-info` below `/opt/handspan/lib`.",
        "The base image brings Debian's packages (`/usr/share/doc/*/copyright`), and Python.",
        "",
        "| package | version | licence | in |",
        "|---|---|---|---|",
    ]
    for name in sorted(embedded):
        one = package(name)
        where = "server, embedded" if name in server else "embedded"
        named = f"[{one.name}]({one.home})" if one.home else one.name
        lines.append(f"| {named} | {one.version} | {one.licence} | {where} |")
    return "\n".join(lines) + "\n"


def made() -> dict[str, str]:
    """Return the text of every file that is made here, by its path below deploy/."""
    return {
        "requirements/build.txt": requirements(_closure(_BUILD)),
        "requirements/server.txt": requirements(needed(["server"])),
        "requirements/embedded.txt": requirements(needed(["server", "embedded"])),
        "THIRD_PARTY.md": third_party(),
    }


def main() -> int:
    """Write what is stale, or with --check name it and return 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    only_check = parser.parse_args().check
    for path, text in made().items():
        file = HERE / path
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        if only_check:
            print(f"deploy/{path} is stale: run `make generate` and commit it")
            return 1
        file.write_text(text, encoding="utf-8")
        print(f"wrote deploy/{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

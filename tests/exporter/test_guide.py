"""What the guide tells people to type exists: commands, options, variables, targets, settings."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from handspan_exporter import settings
from handspan_exporter.cli.group import handspan
from handspan_exporter.query import kpi

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name / "README.md" for name in ("dashboards", "examples")),
]
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"^ {4}(\S.*)$", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_ASSIGNED = re.compile(r"^(?:[A-Z_]+=\S+ )+")
_END = re.compile(r"\s+(?:#|//|\||&&|&$|;)|;$")


def typed(text: str) -> Iterator[str]:
    """Yield what a page shows as code, a line at a time, without comments and what is piped to."""
    for language, block in _FENCED.findall(text):
        if language in ("", "sh", "console", "bash"):
            yield from block.splitlines()
    without_blocks = _FENCED.sub("", text)
    yield from _INDENTED.findall(without_blocks)
    yield from _INLINE.findall(without_blocks)


def commands(page: Path) -> list[list[str]]:
    """Return the words of each `handspan ...` of a page."""
    lines = (_ASSIGNED.sub("", line.strip()) for line in typed(page.read_text(encoding="utf-8")))
    return [
        shlex.split(_END.split(line)[0])
        for line in lines
        if re.match(r"handspan [a-z-]", line) and "..." not in line
    ]


def wrong(words: list[str]) -> str:
    """Return what of a command line does not exist; empty: all of it does."""
    command: click.Command = handspan
    context = click.Context(command)
    rest = words[1:]
    while isinstance(command, click.Group) and rest and rest[0] != "|" and rest[0][0] != "-":
        found = command.get_command(context, rest[0])
        if found is None:
            return rest[0]
        command, rest = found, rest[1:]
        if rest[:1] == ["|"]:
            return ""  # `prices show | check`: a list of names in a sentence
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    options = [word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)]
    return next((one for one in options if one not in {*known, "--help", "-h", "--version"}), "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    """A command that is copied from a page must not be refused for its name."""
    assert [" ".join(words) for words in commands(page) if wrong(words)] == []


def test_the_commands_of_the_guide_are_found_at_all() -> None:
    """The test above says nothing when nothing is found, or when everything passes."""
    assert sum(len(commands(page)) for page in PAGES) > 60
    assert wrong(["handspan", "runs", "shov"]) == "shov"
    assert wrong(["handspan", "serve", "--otlp", "127.0.0.1:1"]) == "--otlp"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_kpi_that_a_command_asks_for_exists(page: Path) -> None:
    """`handspan kpi NAME` with a name from an older version answers with an error."""
    names = {one.name for one in kpi.catalog()}
    asked = [words[2] for words in commands(page) if words[1] == "kpi" and len(words) > 2]
    assert [one for one in asked if one not in {*names, "NAME"} and one[0] not in "-["] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_of_a_page_is_read_somewhere(page: Path) -> None:
    """A variable with a typing mistake is ignored in silence."""
    named = set(re.findall(r"\bHANDSPAN_[A-Z0-9_]+\b", page.read_text(encoding="utf-8")))
    assert named - _variables_in_sources() == set()


@cache
def _variables_in_sources() -> set[str]:
    folders = ("instrumentation", "exporter", "collector-config", "dashboards", "deploy", "tests")
    sources = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".yaml", ".json", ".service"} and path != Path(__file__)
    ]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    made = {settings.variable(one) for one in fields(settings.Settings)}
    return made | set(re.findall(r"\bHANDSPAN_[A-Z0-9_]+\b", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    """The Makefile changes more often than the pages."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = (line.split("#")[0] for line in typed(page.read_text(encoding="utf-8")))
    named = {word for line in lines if line.startswith("make ") for word in shlex.split(line)[1:]}
    assert {one for one in named if re.fullmatch(r"[a-z-]+", one)} - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_extra_of_a_page_exists(page: Path) -> None:
    """`pip` installs without an extra that it does not know, and only warns."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = re.findall(r"handspan\[([a-z,-]+)\]", page.read_text(encoding="utf-8"))
    named = {extra for one in lists for extra in one.split(",")}
    assert named - set(project["optional-dependencies"]) == set()


def test_every_page_says_first_what_it_is_for_and_stands_in_the_navigation() -> None:
    """A stranger opens one page from a search, and finds the others by the list at its side."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in sorted((ROOT / "docs").glob("*.md")):
        text = re.sub(r"^<!--.*?-->\n*", "", page.read_text(encoding="utf-8"))
        blocks = text.split("\n\n")
        assert blocks[0].startswith("# "), page.name
        assert blocks[1][0].isalpha() or blocks[1][0] in "`*", page.name
        assert f": {page.name}\n" in navigation, page.name

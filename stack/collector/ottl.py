"""Statements of the Collector's transform processor, as text for its YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KIND = 'span.cache["kind"]'


def attribute(key: str) -> str:
    """Return the path of a span's attribute."""
    return f'span.attributes["{key}"]'


def text(value: str) -> str:
    """Return a literal: backslashes and quotes are escaped."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def said(path: str) -> str:
    """Return the condition that there is a value, and not an empty one."""
    return f'({path} != nil and {path} != "")'


def unsaid(path: str) -> str:
    """Return the opposite of `said`."""
    return f'({path} == nil or {path} == "")'


def one_of(path: str, words: Iterable[str]) -> str:
    """Return the condition that a text is one of the words."""
    words = tuple(words)
    return f"({' or '.join(f'{path} == {text(word)}' for word in words)})"


def matches(path: str, pattern: str) -> str:
    """Return the condition that a pattern is found in a value, text or not."""
    return f"({path} != nil and IsMatch({path}, {text(pattern)}))"


def found(path: str, pattern: str, group: str) -> str:
    """Return what a pattern's group finds in a value."""
    return f"ExtractPatterns(String({path}), {text(pattern)})[{text(group)}]"


def where(action: str, *conditions: str) -> str:
    """Return a statement."""
    return f"{action} where {' and '.join(conditions)}" if conditions else action


def first(paths: list[str]) -> str:
    """Return the first value that there is."""
    return f"Coalesce([{', '.join(paths)}])"


def as_yaml(statements: Iterable[str], indent: int) -> str:
    """Return the items of a list; `$` is doubled, the Collector would take it for a variable."""
    lines = (one.replace("$", "$$").replace("'", "''") for one in statements)
    return "".join(f"{' ' * indent}- '{line}'\n" for line in lines)

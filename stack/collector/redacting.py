"""collector-config/redaction.yaml: handspan/redaction_rules.py as statements, in RE2's words.

RE2 has no look-around: what stands before and after a match is matched too, and put back. What a
rule asks a function for is left out, so that more is redacted; `basic_auth`, which would be mere
English without its function, is not there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from handspan import redaction_rules
from stack.collector import ottl

if TYPE_CHECKING:
    from collections.abc import Iterator

NOT_EXPRESSED: Final = ("basic_auth",)
"""Rules that are nothing without their function."""

_FRAME: Final = Path(__file__).with_name("redaction.frame.yaml")
_BEFORE: Final = re.compile(r"^\(\?<!\[(?P<letters>[^\]]+)\]\)")
_AFTER: Final = re.compile(r"\(\?!\[(?P<letters>[^\]]+)\]\)$")
_KEY_VALUES: Final = (
    (r"(\\{1,8}\")", r".*?", r"(\\{1,8}\"|\z)"),
    (r"(\")", r"(?:[^\"\\]|\\.)*", r"(\"|\z)"),
    (r"(')", r"(?:[^'\\]|\\.)*", r"('|\z)"),
    (
        "()",
        r"(?:(?:bearer|basic|digest|negotiate|token|apikey)\s{1,3})?[^\s,;&\"'{}()\[\]<>\\]+",
        "()",
    ),
)
"""What opens a value, what is in it, and what closes it, as in the rule for keys in texts."""


def redaction_yaml() -> str:
    """Return the file."""
    text = _FRAME.read_text(encoding="utf-8")
    found = re.search(r"^( *)# RULES$", text, re.MULTILINE)
    while found is not None:
        filled = ottl.as_yaml(_statements(text[: found.start()]), len(found[1]))
        text = text[: found.start()] + filled.rstrip("\n") + text[found.end() :]
        found = re.search(r"^( *)# RULES$", text, re.MULTILINE)
    return text


_PLACES: Final = {
    "span": ("resource.attributes", "span.attributes", "span.name", "span.status.message"),
    "spanevent": ("spanevent.attributes",),
    "log": ("resource.attributes", "log.attributes", "log.body"),
}


def _statements(before: str) -> Iterator[str]:
    """Yield the statements of the context that the text before them names last."""
    context = re.findall(r"context: (\w+)", before)[-1]
    for place in _PLACES[context]:
        if place.endswith("attributes"):
            yield from _of_a_map(place)
            continue
        for change in _changes():
            yield ottl.where(f"replace_pattern({place}, {change}", f"IsString({place})")
        if place == "log.body":  # a structured log has its words there
            yield from (ottl.where(one, f"IsMap({place})") for one in _of_a_map(place))


def _of_a_map(place: str) -> Iterator[str]:
    yield f"delete_matching_keys({place}, {ottl.text(sensitive_key())})"
    for change in _changes():
        yield f'replace_all_patterns({place}, "value", {change}'


def _changes() -> Iterator[str]:
    for pattern, replacement in patterns():
        yield f"{ottl.text(pattern)}, {ottl.text(replacement)})"


def patterns() -> list[tuple[str, str]]:
    """Return what is looked for and what is put in its place, in RE2's words."""
    rules = [one for one in redaction_rules.RULES if one.name not in NOT_EXPRESSED]
    return [*_keys_in_text(), *(_rule(one) for one in rules)]


def _rule(rule: redaction_rules.Rule) -> tuple[str, str]:
    mark = f"[redacted:{rule.name}]"
    pattern = rule.pattern.pattern.replace(r"\Z", r"\z").replace(r"@(?!\.)", "@")
    flags = "".join(
        letter
        for letter, flag in (("i", re.IGNORECASE), ("s", re.DOTALL))
        if rule.pattern.flags & flag
    )
    if pattern.startswith("(?<=://)"):
        pattern = pattern.replace("(?<=://)", "(://)").replace("(?=@)", "(@)")
        return pattern, "${1}" + mark + "${2}"
    before, after = _BEFORE.search(pattern), _AFTER.search(pattern)
    pattern = _AFTER.sub("", _BEFORE.sub("", pattern))
    head = f"(^|[^{before['letters']}])" if before else "()"
    tail = f"([^{after['letters']}]|$)" if after else "()"
    return f"{f'(?{flags})' if flags else ''}{head}(?:{pattern}){tail}", "${1}" + mark + "${2}"


def _keys_in_text() -> Iterator[tuple[str, str]]:
    """Yield one pattern for each way of quoting a value: the quotes stay."""
    key, _, rest = redaction_rules._KEY_IN_TEXT.pattern.partition("(?P<mid>")  # noqa: SLF001
    middle = rest.partition(")(?P<value>")[0].replace(r"\\{0,8}", r"\\{0,8}")
    named = key.removeprefix("(?P<key>").removesuffix(")")
    named = re.sub(r"\(\?<!\[([^\]]+)\]\)", r"(?:^|[^\1])", named)
    for opening, value, closing in _KEY_VALUES:
        pattern = f"(?is)({named})({middle}){opening}{value}{closing}"
        yield pattern, "${1}${2}${3}[redacted:key]${4}"


def sensitive_key() -> str:
    """Return what the name of an attribute matches whose value nobody should have."""
    pattern = redaction_rules._SENSITIVE_KEY.pattern  # noqa: SLF001 - the one place of the names
    return "(?i)" + pattern.replace("(?:^|_)", "(?:^|[^a-z0-9])").replace(
        "_?", "[^a-z0-9]?"
    ).replace("(?:_(?:", "(?:[^a-z0-9](?:")

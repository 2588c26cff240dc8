"""Takes secrets out of a span before it leaves: attributes, events, links, name and status.

Spans of other instrumentations are treated the same. What the redactor fails on is not sent: its
value is replaced, and counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handspan import settings
from handspan.internal import log_internal_error, warn_once
from handspan.redaction_rules import FAILED, GROUPS, SMALLEST_CARD, Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handspan.processors.parts import Attributes, Parts

_MOST_SEEN = 10_000
LONGEST_SEEN = 64
"""Letters of a text that is remembered."""


class Redaction:
    """One redactor, with a memory of what it has found harmless.

    Most values of a span are names that come again and again: looking them up costs 50 ns, a
    look at the text itself 1 us and more. The memory holds 10,000 short texts at most.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self.failures = 0
        """How many values were replaced because the redactor failed on them."""
        self._plain_names: dict[str, bool] = {}
        """Whether a name says nothing of its value."""
        self.harmless: set[tuple[str, str] | str] = set()
        """Names with short texts in ASCII, and names of numbers, that may leave as they are."""

    def redact(self, parts: Parts) -> bool:
        """Take out what must not leave; return whether anything changed. Never raises."""
        changed = self._redact_texts(parts)
        for attributes in parts.all_attributes():
            changed |= self._redact_attributes(attributes)
        return changed

    def attributes(self, attributes: Mapping[str, Any]) -> Attributes:
        """Return attributes as they may leave."""
        clean = dict(attributes)
        self._redact_attributes(clean)
        return clean

    def text(self, text: str) -> str:
        """Return a text as it may leave; the same object when nothing changed."""
        return str(self.value("", text))

    def _redact_texts(self, parts: Parts) -> bool:
        name, status = self.text(parts.name), parts.status and self.text(parts.status)
        changed = name is not parts.name or status is not parts.status
        parts.name, parts.status = name, status
        for number, (event, attributes) in enumerate(parts.events):
            clean = self.text(event)
            if clean is not event:
                parts.events[number] = (clean, attributes)
                changed = True
        return changed

    def _redact_attributes(self, attributes: Attributes) -> bool:
        found: Attributes = {}
        for name, value in attributes.items():
            clean = self.value(name, value)
            if clean is not value:
                found[name] = clean
        attributes.update(found)
        return bool(found)

    def value(self, name: str, value: Any) -> Any:  # noqa: ANN401 - what attributes may hold
        """Return a value as it may leave; the same object when nothing changed."""
        if type(value) is str and (name, value) in self.harmless:
            return value
        try:
            clean = self.redactor.value(name, value)
        except Exception as error:  # noqa: BLE001 - also of the user's own functions
            self.failures += 1
            log_internal_error(error, "redaction")
            return FAILED
        if clean is value:
            self._remember(name, value)
        return clean

    def allows(self, name: str, text: str) -> bool:
        """Say whether a text may leave as it is, where that is found out quickly."""
        try:
            plain = self._plain_names.get(name)
            if plain is None:
                plain = not self.redactor.sensitive(name)
                if len(self._plain_names) < _MOST_SEEN:
                    self._plain_names[name] = plain
            if not plain or self.redactor.suspicious(text):
                return False
        except Exception:  # noqa: BLE001 - whoever looks again reports it
            return False
        self._remember(name, text)
        return True

    def _remember(self, name: str, value: Any) -> None:  # noqa: ANN401
        kind = type(value)
        if len(self.harmless) >= _MOST_SEEN:
            self.harmless.clear()
        if kind is str and len(value) <= LONGEST_SEEN and value.isascii():
            self.harmless.add((name, value))
        elif kind is bool or kind is float or (kind is int and value < SMALLEST_CARD):
            self.harmless.add(name)


def current() -> Redaction:
    """Return the redaction that the settings ask for; the same one as long as they stay."""
    global _last  # noqa: PLW0603 - settings are the process's
    chosen = settings.current()
    if _last is None or _last[0] is not chosen:
        _last = (chosen, _made(chosen))
    return _last[1]


_last: tuple[settings.Settings, Redaction] | None = None


def _made(chosen: settings.Settings) -> Redaction:
    keys, patterns = chosen.redact_keys, chosen.redact_patterns
    functions = chosen.redact_functions
    try:
        redactor = Redactor(chosen.redact, keys=keys, patterns=patterns, functions=functions)
    except ValueError as error:
        # Too much is replaced rather than too little.
        warn_once(f"Handspan redacts with its own rules only, a setting is wrong: {error}")
        redactor = Redactor(GROUPS, keys=keys, functions=functions)
    return Redaction(redactor)

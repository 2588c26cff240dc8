"""Every setting of the recording side: type, default, environment variable and meaning, once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from handspan.internal import warn_once

if TYPE_CHECKING:
    from collections.abc import Mapping

_YES = {"1", "true", "yes", "on", "span_only", "span_and_event"}
_NO = {"0", "false", "no", "off", "no_content", "event_only"}


def _setting(default: Any, variables: tuple[str, ...], meaning: str) -> Any:  # noqa: ANN401
    """Declare one setting; the first environment variable that is set wins."""
    return field(default=default, metadata={"variables": variables, "meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How Handspan records in this process. An argument of `configure()` wins over a variable."""

    capture_content: bool = _setting(
        False,
        ("HANDSPAN_CAPTURE_CONTENT", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
        "Whether messages, task descriptions, tool arguments and results are recorded.",
    )
    flush_timeout_s: float = _setting(
        5.0,
        ("HANDSPAN_FLUSH_TIMEOUT_S",),
        "Seconds that `flush()` waits at most when it is not told otherwise.",
    )


_current: Settings | None = None


def current() -> Settings:
    """Return the settings in force; read from the environment at first use."""
    return _current if _current is not None else use()


def use(**given: object) -> Settings:
    """Put settings in force: a given value wins over the environment, that over the default.

    A value that cannot be read is one warning and falls back to the default.
    """
    global _current  # noqa: PLW0603 - one process, one way to record
    _current = from_environment(os.environ, **given)
    return _current


def from_environment(environ: Mapping[str, str], **given: object) -> Settings:
    """Return the settings that `given` (None: not given) and `environ` ask for."""
    found: dict[str, Any] = {}
    for one in fields(Settings):
        text = next((environ[name] for name in one.metadata["variables"] if environ.get(name)), "")
        if given.get(one.name) is not None:
            found[one.name] = given[one.name]
        elif text:
            found |= _parsed(one.name, type(one.default), text)
    return replace(Settings(), **found)


def _parsed(name: str, kind: type[object], text: str) -> dict[str, object]:
    try:
        return {name: _truth(text) if kind is bool else kind(text)}  # type: ignore[call-arg]
    except ValueError:
        warn_once(f"Handspan ignores the setting {name}: {text!r} is no {kind.__name__}")
        return {}


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise ValueError(word)
    return word in _YES

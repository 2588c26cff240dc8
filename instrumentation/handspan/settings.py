"""Every setting of the recording side: type, default, environment variable and meaning, once."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypedDict

from handspan.internal import warn_once

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
        "Seconds that `flush()`, and the end of the program, wait at most when not told otherwise.",
    )
    announce_after_s: float = _setting(
        1.0,
        ("HANDSPAN_ANNOUNCE_AFTER_S",),
        "Seconds after which a workflow, agent, handoff or human span that is still open is "
        "announced by a log record.",
    )
    cost: bool = _setting(
        True,
        ("HANDSPAN_COST",),
        "Whether LLM calls get their cost before they are sent, where genai-prices is installed "
        "(extra `cost`).",
    )
    prices: str = _setting(
        "",
        ("HANDSPAN_PRICES",),
        "TOML or JSON file of own models and discounts, see docs/prices.md; read once.",
    )
    redact: tuple[str, ...] = _setting(
        ("credentials", "keys", "emails", "cards"),
        ("HANDSPAN_REDACT",),
        "What is replaced before anything is sent, separated by commas; `none` for nothing.",
    )
    redact_keys: tuple[str, ...] = _setting(
        (),
        ("HANDSPAN_REDACT_KEYS",),
        "Further names whose values are replaced, separated by commas, in any spelling.",
    )
    redact_patterns: tuple[str, ...] = _setting(
        (),
        ("HANDSPAN_REDACT_PATTERN",),
        "Further regular expressions that are replaced; the variable takes one.",
    )
    redact_functions: tuple[Callable[[str], str], ...] = _setting(
        (),
        (),
        "Functions that are called with every text; what they return is sent.",
    )
    max_attributes: int = _setting(
        128,
        ("HANDSPAN_MAX_ATTRIBUTES",),
        "Attributes that are kept per span; names, tokens, cost and model always are.",
    )
    max_value_bytes: int = _setting(
        65_536,
        ("HANDSPAN_MAX_VALUE_BYTES",),
        "Bytes that are kept of one text.",
    )
    max_span_bytes: int = _setting(
        262_144,
        ("HANDSPAN_MAX_SPAN_BYTES",),
        "Bytes that are kept of all texts of a span, its events and links.",
    )
    max_request_bytes: int = _setting(
        3_000_000,
        ("HANDSPAN_MAX_REQUEST_BYTES",),
        "Bytes of spans that are sent in one request; receivers refuse more than 4 MiB by default.",
    )


class Given(TypedDict, total=False):
    """Settings as arguments of `configure()`; None: not given."""

    capture_content: bool | None
    flush_timeout_s: float | None
    announce_after_s: float | None
    cost: bool | None
    prices: str | None
    redact: Sequence[str] | None
    redact_keys: Sequence[str] | None
    redact_patterns: Sequence[str] | None
    redact_functions: Sequence[Callable[[str], str]] | None
    max_attributes: int | None
    max_value_bytes: int | None
    max_span_bytes: int | None
    max_request_bytes: int | None


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
        asked = given.get(one.name)
        if asked is not None or text:
            found |= _checked(one.name, type(one.default), text if asked is None else asked)
    return replace(Settings(), **found)


def _checked(name: str, kind: type[object], asked: object) -> dict[str, object]:
    try:
        return {name: _converted(name, kind, asked)}
    except (TypeError, ValueError):
        wanted = _WANTED.get(kind, f"no {kind.__name__}")
        warn_once(f"Handspan ignores the setting {name}: {asked!r} is {wanted}")
        return {}


_WANTED: dict[type[object], str] = {
    float: "no number above 0",
    int: "no whole number above 0",
    str: "no name of a file",
    tuple: "no list",
}


def _converted(name: str, kind: type[object], asked: object) -> object:
    if kind is bool:
        return _truth(asked) if isinstance(asked, str) else bool(asked)
    if kind is tuple:
        return _listed(name, asked)
    if kind is str:
        return os.fspath(asked)  # type: ignore[call-overload]
    value = kind(asked)  # type: ignore[call-arg]
    if not 0 < value < float("inf"):  # type: ignore[operator]
        raise ValueError(name)
    return value


def _listed(name: str, asked: object) -> tuple[object, ...]:
    if not isinstance(asked, str):
        return tuple(asked)  # type: ignore[arg-type]
    if name == "redact_patterns":
        return (asked,)
    words = [word.strip() for word in asked.split(",")]
    return tuple(word for word in words if word not in {"", "none"})


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise ValueError(word)
    return word in _YES

"""Handspan's mapping as a processor of rotel: other conventions' names become the standard ones.

The frame of collector-config/normalise_rotel.py: tables are empty here, and filled by for_rotel.py.

    rotel start --otlp-with-trace-processor normalise_rotel.py --exporter otlp ...

It says what normalise.yaml says in the Collector: `handspan.kind` on each span, handoffs with
source, target and mode, the names of OpenTelemetry's GenAI conventions for agents, workflows,
tools, models and tokens. Names that were there stay. Handspan itself needs none of this: it reads
them all.

rotel 0.0.1 ends when a processor raises, and when one reads an attribute without a value; and it
turns lists round on each span whose attributes are looked at. So nothing here raises, only
attributes that the mapping names are read, and spans that Handspan recorded are left alone.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

Attributes = dict[str, Any]

OWN_SCOPE: Final[str] = ""
"""Whoever recorded with Handspan said the standard names."""
KIND: Final[str] = ""
"""The attribute that says what a span is."""
OPERATION: Final[str] = ""
CHAIN: Final[str] = ""
"""Work of which nobody says what it is."""
OPENINFERENCE: Final[str] = ""
KIND_RULES: Final[list[tuple[str, str, dict[str, str]]]] = []
"""Convention, attribute, its words and what they mean; the first that is known decides."""
EVENT_KINDS: Final[dict[str, str]] = {}
"""Name of a span -> what it is."""
OPERATION_KINDS: Final[dict[str, str]] = {}
"""First word of a span's name -> what it is, where one of EVIDENCE is there."""
EVIDENCE: Final[list[str]] = []
MODEL_EVIDENCE: Final[list[str]] = []
CORRECTIONS: Final[dict[str, list[tuple[str, str, str | None, str, bool, bool]]]] = {}
"""Scope -> claimed kind, attribute, its pattern (None: not there), kind, not found?, a name?"""
HANDOFF_PREFIX: Final[str] = ""
HANDOFF_TARGETS: Final[list[str]] = []
HANDOFF_MODES: Final[list[str]] = []
HANDOFF_TOOLS: Final[list[tuple[str, str, str, str, bool]]] = []
"""Pattern of a tool's name, attribute, pattern of the target in it, mode, of an event?"""
TOOL_NAMES: Final[list[str]] = []
LOCAL_COSTS: Final[dict[str, str]] = {}
"""Attribute with a cost that no provider reported -> whose figure it is."""
COST_SOURCES: Final[list[str]] = []
REPORTED_COSTS: Final[list[str]] = []
COLUMNS: Final[list[tuple[str, list[tuple[str, bool, str, list[str]]]]]] = []
"""Standard name -> attributes in order: name, foreign?, convention or "", kinds or none."""
UNKNOWN_WORDS: Final[list[tuple[list[str], list[str], list[str]]]] = []
"""Attributes of which the first has one of the words (in lower case) -> what is taken away."""
MADE_UP: Final[dict[str, list[str]]] = {}
"""Scope -> attributes in which it puts something else."""
MESSAGE_SPANS: Final[dict[str, tuple[str, str, list[tuple[str, str]], str]]] = {}
"""Scope -> attribute, its word, standard name and attribute of sender and of target, pattern."""
LANGFUSE: Final[str] = ""
CALLED: Final[dict[str, str]] = {}
"""Kind -> the standard name that gets the name of a Langfuse span."""
BUCKETS_KEY: Final[str] = ""
"""Langfuse: a JSON text with numbers of tokens by bucket."""
BUCKETS: Final[list[tuple[str, list[str]]]] = []
"""Standard name -> patterns of the buckets that hold it."""
BUCKETS_ADDED: Final[dict[str, list[str]]] = {}
"""Standard name -> patterns of buckets that count, each of them, beside those."""
BUCKETS_BESIDE: Final[dict[str, list[str]]] = {}
"""Standard name -> what lies beside it and is part of it here."""
BUCKETS_WHOLE: Final[str] = ""
"""Pattern of the bucket that tells whether the others are in input and output already."""
BUCKETS_INCLUSIVE: Final[dict[str, str]] = {}
"""Standard name -> pattern in usage as OpenAI tells it."""
ERROR_TYPE: Final[str] = ""
EXCEPTION_MESSAGE: Final[str] = ""
RAISED_IN_MESSAGE: Final[dict[str, str]] = {}
"""Scope -> where in the message of its exceptions their type stands."""
USAGE_KEY: Final[str] = ""
"""LangSmith: a JSON text with LangChain's usage."""
USAGE: Final[dict[str, list[str]]] = {}
"""Standard name -> patterns of the count in it."""
USAGE_ADDED: Final[dict[str, list[str]]] = {}
"""Standard name -> patterns of counts that are added to it."""
COST_KEY: Final[str] = ""
COST_TOTAL: Final[str] = ""
COST: Final[str] = ""

READ: Final = frozenset(
    {KIND, OPERATION, *EVIDENCE, *MODEL_EVIDENCE, *HANDOFF_TARGETS, *HANDOFF_MODES, *TOOL_NAMES}
    | {*LOCAL_COSTS, *COST_SOURCES, *REPORTED_COSTS}
    | {key for _, key, _ in KIND_RULES}
    | {key for rules in CORRECTIONS.values() for _, key, *_ in rules}
    | {key for _, key, _, _, in_event in HANDOFF_TOOLS if not in_event}
    | {key for _, sources in COLUMNS for key, *_ in sources}
    | {key for keys, _, taken in UNKNOWN_WORDS for key in (*keys, *taken)}
    | {key for keys in MADE_UP.values() for key in keys}
    | {BUCKETS_KEY, COST_KEY, USAGE_KEY, *USAGE, ERROR_TYPE, *CALLED.values()}
    | {key for key, _, ends, _ in MESSAGE_SPANS.values() for key in (key, *sum(ends, ()))}
)
_IN_EVENTS: Final = [(key, pattern) for _, key, pattern, _, in_event in HANDOFF_TOOLS if in_event]
_ERROR: Final = 2
_EVENT_KEYS: Final = frozenset({EXCEPTION_MESSAGE, *(key for key, _ in _IN_EVENTS)})


def process_spans(resource_spans: Any) -> None:  # noqa: ANN401 - rotel's types are in no package
    """Rewrite the spans of one resource in place; what cannot be done is told, and left."""
    for scope_spans in resource_spans.scope_spans:
        scope = scope_spans.scope
        name = scope.name if scope is not None else ""
        if name == OWN_SCOPE:
            continue
        for span in scope_spans.spans:
            try:
                _rewrite(span, name)
            except Exception as error:  # noqa: BLE001 - rotel ends when a processor raises
                sys.stderr.write(f"normalise_rotel: a span is left as it was: {error!r}\n")


def _rewrite(span: Any, scope: str) -> None:  # noqa: ANN401 - see above
    from rotel_sdk.open_telemetry.common.v1 import AnyValue, KeyValue  # noqa: PLC0415 - in rotel

    listed = span.attributes
    places = {one.key: place for place, one in enumerate(listed) if one.key in READ}
    before = {key: _plain(listed[place].value.value) for key, place in places.items()}
    failed = span.status is not None and int(span.status.code) == _ERROR
    after = normalise(span.name, scope, before, list(_told_by_events(span)), failed=failed)
    for key, value in after.items():
        if key not in places:
            listed.append(KeyValue(key, AnyValue(value)))
        elif value != before[key]:
            listed[places[key]] = KeyValue(key, AnyValue(value))
    for key in sorted(before.keys() - after.keys(), key=lambda one: -places[one]):
        del listed[places[key]]


def _told_by_events(span: Any) -> Any:  # noqa: ANN401 - see above
    for event in span.events:
        for one in event.attributes:
            if one.key in _EVENT_KEYS:
                yield one.key, _plain(one.value.value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - see above
    """Return a value as it is, lists as text: nothing that is rewritten is a list."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if type(value).__name__ == "KeyValueList":  # rotel ends when an empty one is looked through
        return "{}"
    return "[" + ",".join(f'"{_text(getattr(one, "value", one))}"' for one in value) + "]"


def normalise(
    name: str,
    scope: str,
    attributes: Attributes,
    events: list[tuple[str, Any]],
    *,
    failed: bool = False,
) -> Attributes:
    """Return a span's attributes with their standard names.

    Args:
        name: The span's.
        scope: The name of its instrumentation scope.
        attributes: Those of `READ` that it has.
        events: Attributes of its events that may say to whom it hands over, or what was raised.
        failed: Its status is an error.
    """
    made = dict(attributes)
    kind, convention = _kind(name, made)
    kind = _corrected(name, scope, kind, made)
    kind = _message(scope, kind, made)
    kind = _handoff(name, kind, convention, made, events)
    _cost_source(made)
    for standard, sources in COLUMNS if kind else ():
        _column(standard, sources, kind, convention, made)
    if kind and convention == LANGFUSE:
        _langfuse(name, kind, made, failed=failed)
    if failed and scope in RAISED_IN_MESSAGE and not _said(made, ERROR_TYPE):
        _raised(RAISED_IN_MESSAGE[scope], made, events)
    if kind and USAGE_KEY in made:
        _langsmith(made)
    _take_away(scope, made)
    return made


def _said(attributes: Attributes, key: str) -> bool:
    return attributes.get(key) not in (None, "")


def _any_said(attributes: Attributes, keys: list[str]) -> bool:
    return any(_said(attributes, key) for key in keys)


def _text(value: Any) -> str:  # noqa: ANN401 - any attribute
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first(attributes: Attributes, keys: list[str]) -> str | None:
    """Return the first value that there is, as text."""
    value = next((attributes[key] for key in keys if attributes.get(key) is not None), None)
    return None if value is None else _text(value)


def _kind(name: str, attributes: Attributes) -> tuple[str, str]:
    """Return what a span is and whose words say so, each empty when nobody does."""
    for convention, key, kinds in KIND_RULES:
        kind = kinds.get(attributes[key]) if isinstance(attributes.get(key), str) else None
        if kind:
            return kind, convention
    if name in EVENT_KINDS:
        return EVENT_KINDS[name], ""
    if _said(attributes, OPERATION):
        return CHAIN, ""
    kind = OPERATION_KINDS.get(name.partition(" ")[0])
    if kind and _any_said(attributes, EVIDENCE):
        return kind, ""
    return ("llm" if _any_said(attributes, MODEL_EVIDENCE) else ""), ""


def _corrected(name: str, scope: str, kind: str, attributes: Attributes) -> str:
    """Return what a span is where its scope is known to claim something else."""
    for says, key, pattern, meant, but_not, is_name in CORRECTIONS.get(scope, ()):
        value = attributes.get(key)
        if kind != says or (value is None) != (pattern is None):
            continue
        found = None if pattern is None else re.search(pattern, _text(value))
        if is_name:
            holds = found is not None and found["name"] == name
        else:
            holds = pattern is None or (found is None) == but_not
        kind = meant if holds else kind
    return kind


def _message(scope: str, kind: str, attributes: Attributes) -> str:
    """Say from whom to whom where a span is a message; return what it is."""
    if scope not in MESSAGE_SPANS:
        return kind
    key, word, ends, pattern = MESSAGE_SPANS[scope]
    if attributes.get(key) != word or not _said(attributes, ends[0][1]):
        return kind
    for standard, end in ends:
        found = re.search(pattern, _text(attributes.get(end, "")))
        if found and not _said(attributes, standard):
            attributes[standard] = found["name"]
    return "message"


def _handoff(
    name: str, kind: str, convention: str, attributes: Attributes, events: list[tuple[str, Any]]
) -> str:
    """Say from whom to whom where a span hands over; return what it is."""
    prefixed = name.startswith(HANDOFF_PREFIX)
    told = _any_said(attributes, HANDOFF_TARGETS)
    if kind == "tool" and (told or (convention == OPENINFERENCE and prefixed)):
        kind = "handoff"
    found = _by_tool(attributes, events) if kind == "tool" else None
    if found:
        kind = "handoff"
        if not told:
            attributes[HANDOFF_TARGETS[0]] = found[0]
        if not _any_said(attributes, HANDOFF_MODES):
            attributes[HANDOFF_MODES[0]] = found[1]
    elif kind == "handoff" and prefixed and not told and len(name) > len(HANDOFF_PREFIX):
        attributes[HANDOFF_TARGETS[0]] = name[len(HANDOFF_PREFIX) :]
    if kind and attributes.get(KIND) is None:
        attributes[KIND] = kind
    return kind


def _by_tool(attributes: Attributes, events: list[tuple[str, Any]]) -> tuple[str, str] | None:
    """Return the target and the mode of a tool that hands over."""
    tool = _first(attributes, TOOL_NAMES)
    for named, key, pattern, mode, in_event in HANDOFF_TOOLS:
        if tool is None or not re.fullmatch(named, tool, re.IGNORECASE):
            continue
        texts = (
            [value for one, value in events if one == key] if in_event else [attributes.get(key)]
        )
        for value in texts:
            found = None if value is None else re.search(pattern, _text(value))
            if found:
                return found["target"], mode
    return None


def _cost_source(attributes: Attributes) -> None:
    """Say whose figure a cost is, before the cost gets its standard name."""
    for key, source in LOCAL_COSTS.items():
        others = _any_said(attributes, COST_SOURCES) or _any_said(attributes, REPORTED_COSTS)
        if _said(attributes, key) and not others:
            attributes[COST_SOURCES[0]] = source


def _column(
    standard: str,
    sources: list[tuple[str, bool, str, list[str]]],
    kind: str,
    convention: str,
    attributes: Attributes,
) -> None:
    """Write one standard name where only another convention says it."""
    for key, foreign, only_of, kinds in sources:
        counts = (not only_of or only_of == convention) and (not kinds or kind in kinds)
        if counts and _said(attributes, key):
            if foreign:
                attributes[standard] = attributes[key]
            return


def _langfuse(name: str, kind: str, attributes: Attributes, *, failed: bool) -> None:
    """Write what Langfuse tells within other texts, where nothing else did."""
    usage = _text(attributes.get(BUCKETS_KEY, ""))
    counts = {standard: _count(usage, patterns) for standard, patterns in BUCKETS}
    _add(usage, counts, BUCKETS_ADDED)
    told = [counts[standard] for standard in BUCKETS_BESIDE]
    whole = None not in told and _count(usage, [BUCKETS_WHOLE]) == sum(one or 0 for one in told)
    for standard, beside in BUCKETS_BESIDE.items():
        own = counts[standard]
        if own is not None and not whole:
            counts[standard] = own + sum(counts[other] or 0 for other in beside)
    for standard, count in counts.items():
        inclusive = BUCKETS_INCLUSIVE.get(standard)
        if count is None and inclusive:
            count = _count(usage, [inclusive])  # noqa: PLW2901 - the other way to tell it
        if count is not None and not _said(attributes, standard):
            attributes[standard] = count
    found = re.search(COST_TOTAL, _text(attributes.get(COST_KEY, "")))
    if found and not _said(attributes, COST) and not (failed and float(found["usd"]) == 0):
        attributes[COST] = float(found["usd"])
    if kind in CALLED and not _said(attributes, CALLED[kind]):
        attributes[CALLED[kind]] = name


def _raised(pattern: str, attributes: Attributes, events: list[tuple[str, Any]]) -> None:
    """Write the type of the first exception whose message tells it."""
    told = (re.search(pattern, _text(value)) for key, value in events if key == EXCEPTION_MESSAGE)
    found = next(filter(None, told), None)
    if found:
        attributes[ERROR_TYPE] = found["type"]


def _langsmith(attributes: Attributes) -> None:
    """Write what LangSmith tells of tokens beside input and output, where nothing else did."""
    usage = _text(attributes[USAGE_KEY])
    counts = {standard: _count(usage, patterns) for standard, patterns in USAGE.items()}
    _add(usage, counts, USAGE_ADDED)
    for standard, count in counts.items():
        if count is not None and not _said(attributes, standard):
            attributes[standard] = count


def _add(text: str, counts: dict[str, int | None], added: dict[str, list[str]]) -> None:
    for standard, patterns in added.items():
        more = [_count(text, [pattern]) for pattern in patterns]
        if any(one is not None for one in more):
            counts[standard] = (counts[standard] or 0) + sum(one or 0 for one in more)


def _count(text: str, patterns: list[str]) -> int | None:
    """Return the number in the first bucket that is there."""
    found = (re.search(pattern, text) for pattern in patterns)
    return next((int(one["count"]) for one in found if one), None)


def _take_away(scope: str, attributes: Attributes) -> None:
    """Remove words that mean that nobody knows, or something else."""
    taken = list(MADE_UP.get(scope, ()))
    for keys, words, keys_taken in UNKNOWN_WORDS:
        first = _first(attributes, keys)
        if first is not None and first.lower() in words:
            taken += keys_taken
    for key in taken:
        attributes.pop(key, None)

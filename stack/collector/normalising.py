"""collector-config/normalise.yaml: columns/mapping.py as statements of the transform processor.

In the order in which columns/kinds.py and columns/agent_spans.py apply it: what a span is, what its
scope says wrongly, whether it hands over, and then the names.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from handspan import semconv
from handspan.prices import FRAMEWORK_PROVIDERS
from handspan_exporter.columns import mapping
from stack.collector import ottl

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONVENTION: Final = 'span.cache["convention"]'
_TOOL: Final = 'span.cache["tool"]'
_TARGET: Final = 'span.cache["target"]'
_MODE: Final = 'span.cache["mode"]'
_IN_EVENT: Final = "handspan.normalise.in_event"
"""Carries what an event says to its span; gone when the span leaves."""

STANDARD: Final = {
    "handoff_source": semconv.HANDOFF_SOURCE,
    "handoff_target": semconv.HANDOFF_TARGET,
    "workflow": semconv.GEN_AI_WORKFLOW_NAME,
    "agent": semconv.GEN_AI_AGENT_NAME,
    "session_id": semconv.SESSION_ID,
    "conversation_id": semconv.GEN_AI_CONVERSATION_ID,
    "user_id": semconv.USER_ID,
    "tool": semconv.GEN_AI_TOOL_NAME,
    "provider": semconv.GEN_AI_PROVIDER_NAME,
    "model": semconv.GEN_AI_REQUEST_MODEL,
    "input_tokens": semconv.GEN_AI_USAGE_INPUT_TOKENS,
    "output_tokens": semconv.GEN_AI_USAGE_OUTPUT_TOKENS,
    "cache_read_tokens": semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
    "cache_write_tokens": semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
    "reasoning_tokens": semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
    "input_audio": semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    "input_image": semconv.GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
    "output_audio": semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    "output_image": semconv.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
    "cache_read_audio": semconv.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
    "cache_read_image": semconv.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
    "cache_write_1h": semconv.USAGE_CACHE_WRITE_1H_TOKENS,
    "cost_usd": semconv.GEN_AI_USAGE_COST_AMOUNT,
}
"""Column -> the standard name (ours where there is none) that gets what other conventions call it,
in the order of writing: the agent of a handoff is its source."""

VALIDATION: Final = {"validation": semconv.GEN_AI_EVALUATION_NAME}
"""What Langfuse calls its evaluators and guards by a span's name alone."""

FOREIGN: Final = tuple(
    sorted(
        {
            source.key
            for column in mapping.BY_NAME.values()
            for source in column.sources
            if source.convention not in (mapping.HANDSPAN, mapping.OTEL)
        }.union((mapping.BUCKETS_KEY, mapping.COST_KEY, mapping.USAGE_KEY))
        - {semconv.SESSION_ID}
    )
)
"""Names of other conventions that have a standard one."""

_FRAME: Final = Path(__file__).with_name("normalise.frame.yaml")
_FILLED: Final = f"{' ' * 10}# "


def normalise_yaml() -> str:
    """Return the file."""
    text = _FRAME.read_text(encoding="utf-8")
    text = text.replace(f"{_FILLED}OF EVENTS\n", ottl.as_yaml(_of_events(), len(_FILLED) - 2))
    return text.replace(f"{_FILLED}OF SPANS\n", ottl.as_yaml(_of_spans(), len(_FILLED) - 2))


def _of_events() -> Iterator[str]:
    """Yield what is read from events before their spans are looked at."""
    for one in mapping.HANDOFF_TOOLS:
        if one.in_event:
            path = f'spanevent.attributes["{one.key}"]'
            carried = ottl.attribute(_IN_EVENT)
            target = ottl.found(path, one.pattern, "target")
            yield ottl.where(
                f"set({carried}, {target})", f"{carried} == nil", ottl.matches(path, one.pattern)
            )
    message = f'spanevent.attributes["{mapping.EXCEPTION_MESSAGE}"]'
    error_type = ottl.attribute(semconv.ERROR_TYPE)
    for scope, pattern in mapping.RAISED_IN_MESSAGE.items():
        yield ottl.where(
            f"set({error_type}, {ottl.found(message, pattern, 'type')})",
            f"scope.name == {ottl.text(scope)}",
            "span.status.code == STATUS_CODE_ERROR",
            ottl.unsaid(error_type),
            ottl.matches(message, pattern),
        )


def _of_spans() -> Iterator[str]:
    yield from _kinds()
    yield from _corrections()
    yield from _messages()
    yield from _handoffs()
    yield from _cost_sources()
    for name, standard in STANDARD.items():
        yield from _column(mapping.BY_NAME[name], standard)
    yield from _langfuse()
    yield from _langsmith()
    yield from _not_said()
    yield f"delete_key(span.attributes, {ottl.text(_IN_EVENT)})"


def _kinds() -> Iterator[str]:
    """Yield what makes `handspan.kind`: rules, names of events, operations, evidence."""
    unknown = f"{ottl.KIND} == nil"
    for rule in mapping.KIND_RULES:
        path = ottl.attribute(rule.key)
        told = ottl.one_of(path, rule.kinds)
        yield ottl.where(f"set({_CONVENTION}, {ottl.text(rule.convention)})", unknown, told)
        for kind, words in _grouped(rule.kinds).items():
            yield _kind(kind, unknown, ottl.one_of(path, words))
    for name, (kind, _) in mapping.EVENT_KINDS.items():
        yield _kind(kind, unknown, f"span.name == {ottl.text(name)}")
    yield _kind(mapping.CHAIN, unknown, ottl.said(ottl.attribute(semconv.GEN_AI_OPERATION_NAME)))
    evident = f"({' or '.join(ottl.said(ottl.attribute(key)) for key in mapping.EVIDENCE)})"
    for kind, words in _grouped(mapping.OPERATION_KINDS).items():
        pattern = f"^({'|'.join(words)})( |$)"
        named = f"IsMatch(span.name, {ottl.text(pattern)})"
        yield _kind(kind, unknown, evident, named)
    model = " or ".join(ottl.said(ottl.attribute(key)) for key in mapping.MODEL_EVIDENCE)
    yield _kind("llm", unknown, f"({model})")


def _grouped(kinds: dict[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for word, kind in kinds.items():
        groups.setdefault(kind, []).append(word)
    return groups


def _kind(kind: str, *conditions: str) -> str:
    return ottl.where(f"set({ottl.KIND}, {ottl.text(kind)})", *conditions)


def _corrections() -> Iterator[str]:
    for scope, corrections in mapping.CORRECTIONS.items():
        here = f"scope.name == {ottl.text(scope)}"
        for one in corrections:
            claimed = f"{ottl.KIND} == {ottl.text(one.says)}"
            yield _kind(one.kind, here, claimed, _holds(one))


def _messages() -> Iterator[str]:
    """Yield what makes messages of a runtime's spans, and says from whom to whom."""
    for scope, one in mapping.MESSAGE_SPANS.items():
        path, source = ottl.attribute(one.key), ottl.attribute(one.source)
        here = (f"scope.name == {ottl.text(scope)}", ottl.one_of(path, [one.word]))
        yield _kind("message", *here, ottl.said(source))
        said = (f'{ottl.KIND} == "message"', here[0])
        for name, key in (
            (semconv.MESSAGE_SOURCE, one.source),
            (semconv.MESSAGE_TARGET, one.target),
        ):
            target, found = ottl.attribute(name), ottl.attribute(key)
            agent = ottl.found(found, one.name, "name")
            unsaid = ottl.unsaid(target)
            yield ottl.where(f"set({target}, {agent})", *said, ottl.said(found), unsaid)


def _holds(one: mapping.Correction) -> str:
    path = ottl.attribute(one.key)
    if one.pattern is None:
        return f"{path} == nil"
    if one.is_name:
        named = f"{ottl.found(path, one.pattern, 'name')} == span.name"
        return f"{ottl.matches(path, one.pattern)} and {named}"
    if one.but_not:
        return f"{path} != nil and not {ottl.matches(path, one.pattern)}"
    return ottl.matches(path, one.pattern)


def _handoffs() -> Iterator[str]:
    """Yield what makes tools handoffs, and what says to whom and how."""
    tool = f'{ottl.KIND} == "tool"'
    told = " or ".join(ottl.said(ottl.attribute(one.key)) for one in mapping.HANDOFF_TARGETS)
    prefixed = f"HasPrefix(span.name, {ottl.text(mapping.HANDOFF_NAME_PREFIX)})"
    own = f"({_CONVENTION} == {ottl.text(mapping.OPENINFERENCE)} and {prefixed})"
    yield _kind("handoff", tool, f"({told} or {own})")
    names = [ottl.attribute(one.key) for one in mapping.BY_NAME["tool"].sources]
    yield ottl.where(f"set({_TOOL}, {ottl.first(names)})", tool)
    for one in mapping.HANDOFF_TOOLS:
        path = ottl.attribute(_IN_EVENT if one.in_event else one.key)
        pattern = "(?P<target>.+)" if one.in_event else one.pattern
        called = ottl.matches(_TOOL, f"(?i)^{one.tool}$")
        conditions = (tool, f"{_TARGET} == nil", called, ottl.matches(path, pattern))
        yield ottl.where(f"set({_MODE}, {ottl.text(one.mode)})", *conditions)
        yield ottl.where(f"set({_TARGET}, {ottl.found(path, pattern, 'target')})", *conditions)
    yield _kind("handoff", f"{_TARGET} != nil")
    kind = ottl.attribute(semconv.KIND)
    yield ottl.where(f"set({kind}, {ottl.KIND})", f"{kind} == nil", f"{ottl.KIND} != nil")
    modes = [ottl.attribute(one.key) for one in mapping.BY_NAME["handoff_mode"].sources]
    target = ottl.attribute(semconv.HANDOFF_TARGET)
    nowhere = [ottl.unsaid(ottl.attribute(one.key)) for one in mapping.HANDOFF_TARGETS]
    yield ottl.where(f"set({target}, {_TARGET})", f"{_TARGET} != nil", *nowhere)
    yield ottl.where(
        f"set({modes[0]}, {_MODE})", f"{_MODE} != nil", *(ottl.unsaid(mode) for mode in modes)
    )
    begin = len(mapping.HANDOFF_NAME_PREFIX)
    rest = f"Substring(span.name, {begin}, Len(span.name) - {begin})"
    is_handoff = f'{ottl.KIND} == "handoff"'
    yield ottl.where(
        f"set({target}, {rest})", is_handoff, prefixed, f"Len(span.name) > {begin}", *nowhere
    )


def _cost_sources() -> Iterator[str]:
    """Yield what says whose figure a cost is, before the cost gets its standard name."""
    sources = [ottl.attribute(one.key) for one in mapping.BY_NAME["cost_source"].sources]
    told = [
        ottl.unsaid(ottl.attribute(one.key))
        for one in mapping.BY_NAME["cost_usd"].sources
        if one.key not in mapping.LOCAL_COST_SOURCES
    ]
    for key, source in mapping.LOCAL_COST_SOURCES.items():
        nobody = [ottl.unsaid(path) for path in sources]
        has = ottl.said(ottl.attribute(key))
        yield ottl.where(f"set({sources[0]}, {ottl.text(source)})", *nobody, has, *told)


def _langfuse() -> Iterator[str]:
    """Yield what reads Langfuse's buckets, its cost, and names that are those of spans."""
    path = ottl.attribute(mapping.BUCKETS_KEY)
    for name, words in (*mapping.BUCKETS.items(), ("whole", (mapping.BUCKETS_WHOLE,))):
        for word in words:
            yield _counted(path, name, mapping.bucket(word))
    for name, words in mapping.BUCKETS_ADDED.items():
        for word in words:
            yield from _added(path, name, mapping.bucket(word))
    total = f"{_bucket('input_tokens')} + {_bucket('output_tokens')}"
    both = [f"{_bucket(name)} != nil" for name in ("input_tokens", "output_tokens", "whole")]
    inclusive = _bucket("inclusive")
    yield ottl.where(f"set({inclusive}, true)", *both, f"{_bucket('whole')} == {total}")
    for name, beside in mapping.BUCKETS_BESIDE.items():
        for other in beside:
            parts = [f"{_bucket(one)} != nil" for one in (name, other)]
            summed = f"set({_bucket(name)}, {_bucket(name)} + {_bucket(other)})"
            yield ottl.where(summed, *parts, f"{inclusive} == nil")
    for name, word in mapping.BUCKETS_INCLUSIVE.items():
        yield _counted(path, name, mapping.bucket(word))
    for name in mapping.BUCKETS:
        target = ottl.attribute(STANDARD[name])
        known = f"{_bucket(name)} != nil"
        yield ottl.where(f"set({target}, {_bucket(name)})", known, ottl.unsaid(target))
    cost, pattern = ottl.attribute(mapping.COST_KEY), mapping.COST_TOTAL
    target = ottl.attribute(STANDARD["cost_usd"])
    usd = f"Double({ottl.found(cost, pattern, 'usd')})"
    told = (ottl.matches(cost, pattern), ottl.unsaid(target))
    failed = f"(span.status.code != STATUS_CODE_ERROR or {usd} > 0.0)"
    yield ottl.where(f"set({target}, {usd})", *told, failed)
    own = f"{_CONVENTION} == {ottl.text(mapping.LANGFUSE)}"
    names = STANDARD | VALIDATION
    for kind, name in mapping.CALLED.items():
        target = ottl.attribute(names[name])
        here = f"{ottl.KIND} == {ottl.text(kind)}"
        yield ottl.where(f"set({target}, span.name)", own, here, ottl.unsaid(target))


def _langsmith() -> Iterator[str]:
    """Yield what reads LangSmith's details of usage."""
    path = ottl.attribute(mapping.USAGE_KEY)
    for name, word in mapping.USAGE.items():
        yield _counted(path, name, mapping.detail(word))
    for name, words in mapping.USAGE_ADDED.items():
        for word in words:
            yield from _added(path, name, mapping.detail(word))
    for name in mapping.USAGE:
        target = ottl.attribute(STANDARD[name])
        here = (f"{path} != nil", f"{_bucket(name)} != nil")
        yield ottl.where(f"set({target}, {_bucket(name)})", *here, ottl.unsaid(target))


def _bucket(name: str) -> str:
    return f'span.cache["{name}"]'


def _counted(path: str, name: str, pattern: str) -> str:
    """Return the statement that keeps the count that is found, where no earlier one did."""
    nothing = f"{_bucket(name)} == nil"
    told = ottl.matches(path, pattern)
    return ottl.where(f"set({_bucket(name)}, {_number(path, pattern)})", nothing, told)


def _added(path: str, name: str, pattern: str) -> Iterator[str]:
    """Yield the statements that add a count; the second where there was nothing yet."""
    summed = f"set({_bucket(name)}, {_bucket(name)} + {_number(path, pattern)})"
    yield ottl.where(summed, f"{_bucket(name)} != nil", ottl.matches(path, pattern))
    yield _counted(path, name, pattern)


def _number(path: str, pattern: str) -> str:
    return f"Int({ottl.found(path, pattern, 'count')})"


def _column(column: mapping.Column, standard: str) -> Iterator[str]:
    """Yield what writes one standard name where only another convention says it."""
    for place, source in enumerate(column.sources):
        if source.convention in (mapping.HANDSPAN, mapping.OTEL):
            continue
        path = ottl.attribute(source.key)
        earlier = [_loses(one) for one in column.sources[:place]]
        conditions = (*_counts(source), ottl.said(path), *earlier)
        known = f"{ottl.KIND} != nil"
        yield ottl.where(f"set({ottl.attribute(standard)}, {path})", known, *conditions)


def _counts(source: mapping.Source) -> tuple[str, ...]:
    """Return the conditions under which a source is looked at."""
    if source.own_only:
        return (f"{_CONVENTION} == {ottl.text(source.convention)}",)
    if not source.kinds:
        return ()
    others = [kind for kind in mapping.KINDS if kind not in source.kinds]
    if len(others) < len(source.kinds):
        return (f"not {ottl.one_of(ottl.KIND, others)}",)
    return (ottl.one_of(ottl.KIND, sorted(source.kinds)),)


def _loses(source: mapping.Source) -> str:
    """Return the condition that an earlier source does not win."""
    empty = ottl.unsaid(ottl.attribute(source.key))
    counts = _counts(source)
    return f"(not ({counts[0]}) or {empty})" if counts else empty


def _not_said() -> Iterator[str]:
    """Yield what takes away words that mean that nobody knows, or something else."""
    for name, words in mapping.NOT_SAID.items():
        yield _without(name, ottl.one_of(_first(name), words))
    frameworks = f"(?i)^({'|'.join(sorted(FRAMEWORK_PROVIDERS))})$"
    yield _without("provider", ottl.matches(_first("provider"), frameworks))
    for scope, names in mapping.MADE_UP.items():
        for name in names:
            yield _without(name, f"scope.name == {ottl.text(scope)}")


def _first(name: str) -> str:
    return ottl.first([ottl.attribute(one.key) for one in mapping.BY_NAME[name].sources])


def _without(name: str, condition: str) -> str:
    keys = (one.key for one in mapping.BY_NAME[name].sources if not one.own_only)
    pattern = f"^({'|'.join(key.replace('.', '[.]') for key in keys)})$"
    return ottl.where(f"delete_matching_keys(span.attributes, {ottl.text(pattern)})", condition)

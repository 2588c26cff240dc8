"""OpenAI Agents: what each kind of the SDK's spans says, read into recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from handspan import semconv
from handspan.frameworks._base import Plain
from handspan.frameworks._models import named
from handspan.record import Agent, Handoff, Llm, Recording, Tool
from handspan.record.failing import type_name
from handspan.record.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handspan.record import Workflow

UNRECORDED = frozenset({"task", "turn"})
"""Frames around the work: no work of their own, and the usage of what is below them."""

NEVER_CURRENT = frozenset({"speech", "speech_group", "transcription"})
"""Spans that the SDK keeps open over many tasks without making them current."""

MAX_METADATA = 32
"""Metadata of a trace that is recorded; the SDK's spans allow 128 attributes in all."""

_WELL_KNOWN_METADATA = {
    "feature": semconv.FEATURE,
    "project": semconv.PROJECT,
    "session_id": semconv.SESSION_ID,
    "user_id": semconv.USER_ID,
}

_TYPE_OF_MESSAGE = {
    "Max turns exceeded": "agents.exceptions.MaxTurnsExceeded",
    "Multiple handoffs requested": "multiple_handoffs_requested",
}
"""Errors that the SDK sets without an exception -> `error.type`."""

_FINISH_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
"""Why a response of the Responses API is incomplete -> the conventions' word."""


class Failure(NamedTuple):
    """How a span went wrong, as `Recording.end` takes it."""

    error: BaseException | str
    type: str | None


def recording(data: Any, conversation_id: str | None) -> Recording:  # noqa: ANN401 - any SpanData
    """Return the recording, not started, for one of the SDK's spans.

    A type that is not known here becomes a plain span of that name, so that the tree stays whole.
    """
    make = _RECORDINGS.get(data.type)
    return make(data, conversation_id) if make else Plain(str(data.type))


def complete(recording: Recording, data: Any, raised: BaseException | None) -> None:  # noqa: ANN401
    """Add what the SDK knows at the end.

    Args:
        recording: as `recording` made it.
        data: the span's data; None: the SDK never ended the span.
        raised: exception that ended the span.
    """
    if isinstance(recording, Llm):
        # No error, but no end either: the stream was left or the task cancelled.
        abandoned = raised is not None and not isinstance(raised, Exception)
        _complete_llm(recording, data, abandoned=abandoned)
    elif isinstance(recording, Tool) and data is not None:
        recording.arguments(data.input)
        recording.result(data.output)
    elif isinstance(recording, Validation) and data is not None and raised is None:
        recording.result("reject" if data.triggered else "pass")


def failure(
    error: Mapping[str, Any] | None, raised: BaseException | None, noted: BaseException | None
) -> Failure | None:
    """Return how a span failed, None if it did not.

    What the SDK redacts stays redacted: then the class of the exception is recorded, not its text.

    Args:
        error: the span's `SpanError`.
        raised: exception that ended the span.
        noted: exception that was being handled when `error` was set.
    """
    # A tool's own exception, not the UserError that the SDK puts around it.
    cause = noted if raised is None or (noted and raised.__cause__ is noted) else raised
    if cause is not None and not (isinstance(cause, Exception) and is_redacted(error)):
        return Failure(cause, None)
    if error is None:
        return None
    known = type_name(cause) if cause is not None else _type_in_words(error)
    return Failure(_in_words(error), known)


def set_metadata(workflow: Workflow, metadata: Mapping[str, Any]) -> None:
    """Record a trace's metadata; only scalars, which are what one groups by."""
    scalars = [(key, one) for key, one in metadata.items() if isinstance(one, str | int | float)]
    for key, value in scalars[:MAX_METADATA]:
        name = _WELL_KNOWN_METADATA.get(str(key))
        if name is not None:
            workflow.set(name, str(value))
        else:
            workflow.set(f"{semconv.WORKFLOW_METADATA_PREFIX}{key}", value)


def _generation(data: Any, conversation_id: str | None) -> Llm:  # noqa: ANN401
    config = data.model_config or {}
    model, provider = named(data.model, config.get("base_url"))
    return Llm(model, provider=provider, conversation_id=conversation_id)


def _complete_llm(call: Llm, data: Any, *, abandoned: bool) -> None:  # noqa: ANN401
    if data is None:
        call.usage(partial=abandoned)
        return
    response = getattr(data, "response", None)
    usage = data.usage or _as_mapping(getattr(response, "usage", None))
    _complete_usage(call, usage, abandoned=abandoned)
    if data.type == "response":
        _complete_response(call, data, response)
    else:
        _rename(call, data.model, (data.model_config or {}).get("base_url"))
        call.messages(input=data.input, output=data.output)


def _complete_usage(call: Llm, usage: Mapping[str, Any], *, abandoned: bool) -> None:
    read = _as_mapping(usage.get("input_tokens_details"))
    written = _as_mapping(usage.get("output_tokens_details"))
    call.usage(
        input_tokens=_count(usage, "input_tokens", "prompt_tokens"),
        output_tokens=_count(usage, "output_tokens", "completion_tokens"),
        cache_read_tokens=_count(read, "cached_tokens"),
        cache_write_tokens=_count(read, "cache_write_tokens"),
        reasoning_tokens=_count(written, "reasoning_tokens"),
        partial=abandoned,
    )


def _complete_response(call: Llm, data: Any, response: Any) -> None:  # noqa: ANN401
    """Add what a response says of itself; None: the SDK was told to hide it, or there is none."""
    if response is None:
        call.response(id=getattr(data, "_response_id", None))
        return
    model = getattr(response, "model", None)
    if model:
        call.response(model=named(model)[0])
        call.set(semconv.GEN_AI_PROVIDER_NAME, named(model)[1])
        # The SDK does not say which model was asked for; the one that answered is known now.
        call.span.update_name(f"{call.operation} {named(model)[0]}")
    call.response(id=getattr(response, "id", None), finish_reasons=_finish_reasons(response))
    call.messages(
        input=data.input,
        output=[_as_mapping(item) for item in getattr(response, "output", None) or ()],
        instructions=getattr(response, "instructions", None),
    )


def _finish_reasons(response: Any) -> list[str] | None:  # noqa: ANN401
    status = getattr(response, "status", None)
    if status == "completed":
        items = {getattr(item, "type", "") for item in getattr(response, "output", None) or ()}
        return ["tool_call" if any(one.endswith("_call") for one in items) else "stop"]
    if status == "incomplete":
        reason = getattr(getattr(response, "incomplete_details", None), "reason", None)
        return [_FINISH_REASONS.get(str(reason), str(reason))] if reason else None
    return ["error"] if status == "failed" else None


def _rename(call: Llm, model: str | None, base_url: str | None) -> None:
    """Take the model of a span that learned it after its start."""
    known, provider = named(model, base_url)
    if known is not None and known != call.model:
        call.set(semconv.GEN_AI_REQUEST_MODEL, known)
        call.set(semconv.GEN_AI_PROVIDER_NAME, provider)
        call.span.update_name(f"{call.operation} {known}")


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    found = next((usage[name] for name in names if usage.get(name) is not None), None)
    return found if isinstance(found, int) else None


def _as_mapping(thing: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a dict, a pydantic model, None
    if isinstance(thing, dict):
        return thing
    dump = getattr(thing, "model_dump", None)
    return dump() if callable(dump) else {}


def is_redacted(error: Mapping[str, Any] | None) -> bool:
    """Say whether the SDK was told to hide the error's details."""
    return error is not None and "redacted" in _in_words(error)


def _in_words(error: Mapping[str, Any]) -> str:
    detail = (error.get("data") or {}).get("error")
    return f"{error.get('message')}: {detail}" if isinstance(detail, str) else str(error["message"])


def _type_in_words(error: Mapping[str, Any]) -> str | None:
    told = (error.get("data") or {}).get("name")
    return told if isinstance(told, str) else _TYPE_OF_MESSAGE.get(str(error.get("message")))


_RECORDINGS: dict[str, Callable[[Any, str | None], Recording]] = {
    "agent": lambda data, conversation: Agent(data.name, conversation_id=conversation),
    "custom": lambda data, _: Plain(data.name),
    "function": lambda data, _: Tool(data.name, type="function"),
    "generation": _generation,
    "guardrail": lambda data, _: Validation(data.name, role="guard", validator=data.name),
    "handoff": lambda data, _: Handoff(data.from_agent, data.to_agent, mode="pass_control"),
    "mcp_tools": lambda data, _: Plain(f"tools/list {data.server or ''}".strip()),
    "response": lambda _, conversation: Llm(None, conversation_id=conversation),
    "speech": lambda data, _: Plain(f"speech {data.model or ''}".strip()),
    "transcription": lambda data, _: Plain(f"transcription {data.model or ''}".strip()),
}
"""The SDK's type of span -> what is recorded."""

"""The verb `tool`: one call of a tool."""

from __future__ import annotations

import inspect
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Protocol, TypeVar, cast, overload

from handspan import semconv
from handspan.context import run_in
from handspan.internal import contained
from handspan.record.content import as_json, captured_json, captures
from handspan.record.recording import Recording
from handspan.record.values import spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.util.types import AttributeValue

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(eq=False, repr=False)
class Tool(Recording):
    """One call of a tool, see `tool`.

    Of a decorated function arguments and result are recorded too, with content capture.
    """

    kind: ClassVar[semconv.Kind] = "tool"
    _call = cast("str | None", None)
    """Arguments of a decorated call as JSON, only with content capture."""

    name: str
    """Name of the tool."""
    _: KW_ONLY
    call_id: str | None = None
    """The model's id of the call."""
    type: str | None = None
    """function, extension or datastore."""
    description: str | None = None
    """What the tool is for."""

    def arguments(self, arguments: object) -> None:
        """Record the arguments of the call as JSON, only with content capture."""
        self.set(semconv.GEN_AI_TOOL_CALL_ARGUMENTS, captured_json(arguments, self._run))

    def result(self, result: object) -> None:
        """Record the result of the call as JSON, only with content capture."""
        self.set(semconv.GEN_AI_TOOL_CALL_RESULT, captured_json(result, self._run))

    def _span_name(self) -> str:
        return f"{semconv.OPERATION_TOOL} {spoken(self.name)}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.GEN_AI_OPERATION_NAME: semconv.OPERATION_TOOL,
            semconv.GEN_AI_TOOL_NAME: self.name,
            semconv.GEN_AI_TOOL_CALL_ID: self.call_id,
            semconv.GEN_AI_TOOL_TYPE: self.type,
            semconv.GEN_AI_TOOL_DESCRIPTION: self.description,
            semconv.GEN_AI_TOOL_CALL_ARGUMENTS: self._call,
            semconv.GEN_AI_AGENT_NAME: self._run.agent,
        }

    def _called(
        self, function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        if captures(run_in(), self.capture_content):
            self._call = as_json(_by_name(function, args, kwargs))

    def _returned(self, result: object) -> None:
        if self._call is not None:
            self.result(result)


@contained
def _by_name(
    function: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
) -> dict[str, object]:
    bound = inspect.signature(function).bind(*args, **kwargs)
    return {name: value for name, value in bound.arguments.items() if name not in {"self", "cls"}}


_NO_NAME = object()


class ToolDecorator(Protocol):
    """Records every call of a function as a tool of the function's name."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return the recorded function."""


@overload
def tool(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def tool(
    name: str,
    *,
    call_id: str | None = None,
    type: str | None = None,
    description: str | None = None,
    attributes: Mapping[str, AttributeValue | None] | None = None,
    capture_content: bool | None = None,
) -> Tool: ...


@overload
def tool(
    *,
    type: str | None = None,
    description: str | None = None,
    attributes: Mapping[str, AttributeValue | None] | None = None,
    capture_content: bool | None = None,
) -> ToolDecorator: ...


def tool(name: Any = _NO_NAME, **told: Any) -> Any:
    """Record one call of a tool by the running agent; `@handspan.tool` alone takes its own name.

    Args:
        name: name of the tool, or the function to decorate. Without one it is a decorator, and
            the tool is called as the function is.
        told: `call_id`, the model's id of the call; `type`: function, extension or datastore;
            `description`: what it is for; `attributes`: more, under names of your own;
            `capture_content`: whether arguments and result are recorded, None: as around it.

    Example:
        >>> with handspan.tool("search", call_id="call_1") as call:
        ...     call.arguments({"query": "refund policy"})
        ...     call.result(search("refund policy"))
        >>> @handspan.tool
        ... def add(left: int, right: int) -> int:
        ...     return left + right
    """
    if type(name) is str:
        return Tool(name, **told)
    if name is _NO_NAME:
        return lambda function: _of(function, told)
    return _of(name, told) if _is_function(name) else Tool(name, **told)


def _of(function: Any, told: dict[str, Any]) -> object:  # noqa: ANN401 - any function
    """Return a function recorded under its own name."""
    inner = getattr(function, "__func__", function)  # of a staticmethod, a classmethod
    name = getattr(inner, "__name__", None) or type(inner).__name__
    return Tool(name, **told)(function)


def _is_function(one: object) -> bool:
    return callable(one) or isinstance(one, staticmethod | classmethod)

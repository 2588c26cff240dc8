"""The verb `tool`: one call of a tool."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, ClassVar

from handspan import semconv
from handspan.context import run_in
from handspan.record.content import captured_json
from handspan.record.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.util.types import AttributeValue


@dataclass(eq=False, repr=False)
class Tool(Recording):
    """Record one call of a tool by the running agent.

    Example:
        >>> with handspan.tool("search", call_id="call_1") as call:
        ...     call.arguments({"query": "refund policy"})
        ...     call.result(search("refund policy"))
    """

    kind: ClassVar[semconv.Kind] = "tool"

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
        self.set(semconv.GEN_AI_TOOL_CALL_ARGUMENTS, captured_json(arguments))

    def result(self, result: object) -> None:
        """Record the result of the call as JSON, only with content capture."""
        self.set(semconv.GEN_AI_TOOL_CALL_RESULT, captured_json(result))

    def _span_name(self) -> str:
        return f"{semconv.OPERATION_TOOL} {self.name}"

    def _attributes(self) -> Mapping[str, AttributeValue | None]:
        return {
            semconv.GEN_AI_OPERATION_NAME: semconv.OPERATION_TOOL,
            semconv.GEN_AI_TOOL_NAME: self.name,
            semconv.GEN_AI_TOOL_CALL_ID: self.call_id,
            semconv.GEN_AI_TOOL_TYPE: self.type,
            semconv.GEN_AI_TOOL_DESCRIPTION: self.description,
            semconv.GEN_AI_AGENT_NAME: run_in(self._outer).agent,
        }


tool = Tool

"""The story in LangGraph, three ways to hand over: a swarm, a supervisor, a plain Command."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langchain_core.tracers.langchain import wait_for_all_tracers
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command, interrupt
from langgraph_supervisor import create_supervisor
from langgraph_swarm import create_handoff_tool, create_swarm

from stack.frameworks import story

if TYPE_CHECKING:
    from stack.frameworks.recorder import Recorder
    from stack.frameworks.story import Reply

ENDINGS: Final = (
    *(f"swarm-{ending}" for ending in story.ENDINGS),
    "swarm-approval",
    "supervisor-refund",
    "command-refund",
)
_TEAM: Final = ("langgraph", "langchain", "langgraph-swarm", "langgraph-supervisor")
PACKAGES: Final = {
    "native": (*_TEAM, "langsmith"),
    "openinference": (*_TEAM, "openinference-instrumentation-langchain"),
    "openllmetry": (*_TEAM, "opentelemetry-instrumentation-langchain"),
    "official": (*_TEAM, "opentelemetry-instrumentation-genai-langchain"),
}
"""Source of telemetry -> what its recording depends on."""
_LANGSMITH: Final = {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_TRACING_MODE": "otel",
    "LANGSMITH_REVISION_ID": "recorded",  # else it asks git
}


class Scripted(BaseChatModel):
    """A chat model that says its lines."""

    replies: Any
    model_name: str = story.MODEL

    @property
    def _llm_type(self) -> str:
        return "openai-chat"

    @property
    def _identifying_params(self) -> Any:
        return {"model": story.MODEL, "model_name": story.MODEL}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {
            "ls_provider": story.PROVIDER,
            "ls_model_name": story.MODEL,
            "ls_model_type": "chat",
        }

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Know all tools already."""
        return self

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        message = next(self.replies)
        if isinstance(message, Exception):
            raise message
        said = {"model_name": story.MODEL}
        return ChatResult(generations=[ChatGeneration(message=message)], llm_output=said)


def says(reply: Reply, name: str = "", arguments: dict[str, str] | None = None) -> AIMessage:
    """Return a reply as LangChain has it."""
    calls = []
    if reply.tool:
        calls = [
            {
                "name": name or reply.tool,
                "args": reply.arguments if arguments is None else arguments,
                "id": f"call_{reply.input_tokens}",
                "type": "tool_call",
            }
        ]
    return AIMessage(
        reply.text,
        tool_calls=calls,
        response_metadata={"model_name": story.MODEL, "finish_reason": "stop"},
        usage_metadata={
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "total_tokens": reply.input_tokens + reply.output_tokens,
            "input_token_details": {"cache_read": reply.cache_read_tokens},
            "output_token_details": {"reasoning": reply.reasoning_tokens},
        },
    )


def model(*replies: Any) -> Scripted:
    """Return a model that gives these replies, in order."""
    return Scripted(replies=iter(replies))


def trace(source: str, recorder: Recorder) -> None:
    """Switch one source of telemetry on."""
    recorder.install()
    if source == "native":
        os.environ |= _LANGSMITH  # it takes the global provider, and sends nothing
    elif source == "openinference":
        from openinference.instrumentation.langchain import LangChainInstrumentor as OpenInference

        OpenInference().instrument(tracer_provider=recorder.provider)
    elif source == "openllmetry":
        from opentelemetry.instrumentation.langchain import LangchainInstrumentor as OpenLlmetry

        OpenLlmetry().instrument(tracer_provider=recorder.provider)
    else:
        from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor as Official

        Official().instrument(tracer_provider=recorder.provider)


def refund_agent(ending: str, *, asks: bool = False) -> Any:
    """Return the second agent, which in the second ending cannot reach its model."""
    replies = (
        [story.ModelDown(story.MODEL_DOWN)]
        if ending == "outage"
        else [says(reply) for reply in story.REFUND_REPLIES]
    )
    tools = [tool(story.lookup_order), tool(_asks if asks else story.pay_back)]
    return create_agent(
        model(*replies), tools=tools, name=story.REFUND, middleware=[] if asks else [forgiving()]
    )


def forgiving() -> Any:
    """Return what tells the model of a tool that raised, instead of ending the run."""
    from langchain.agents.middleware import wrap_tool_call
    from langchain_core.messages import ToolMessage

    @wrap_tool_call
    def tell_the_model(request: Any, handler: Any) -> Any:
        try:
            return handler(request)
        except story.BankDown as error:
            return ToolMessage(str(error), tool_call_id=request.tool_call["id"], status="error")

    return tell_the_model


def swarm(ending: str) -> Any:
    """Return a team whose first agent hands control over by a tool."""
    hands_over = says(story.HANDS_OVER, f"transfer_to_{story.REFUND}", {})
    triage = create_agent(
        model(hands_over), tools=[create_handoff_tool(agent_name=story.REFUND)], name=story.TRIAGE
    )
    team = create_swarm(
        [triage, refund_agent(ending, asks=ending == "approval")], default_active_agent=story.TRIAGE
    )
    return team.compile(checkpointer=InMemorySaver(), name="swarm")


def supervisor(ending: str) -> Any:
    """Return a team whose first agent delegates by a tool and has the last word."""
    hands_over = says(story.HANDS_OVER, f"transfer_to_{story.REFUND}", {})
    team = create_supervisor(
        [refund_agent(ending)],
        model=model(hands_over, says(story.CLOSES)),
        supervisor_name=story.TRIAGE,
    )
    return team.compile(name="supervisor")


def command(ending: str) -> Any:
    """Return a team whose first node is a function that says where to go."""
    asked = model(says(story.HANDS_OVER))

    def triage(state: MessagesState) -> Command[Any]:
        asked.invoke(state["messages"])
        return Command(goto=story.REFUND)

    graph = StateGraph(MessagesState)
    graph.add_node(story.TRIAGE, triage)
    graph.add_node(story.REFUND, refund_agent(ending))
    graph.add_edge(START, story.TRIAGE)
    return graph.compile(name="command")


TEAMS: Final = {"swarm": swarm, "supervisor": supervisor, "command": command}


def tell(ending: str) -> None:
    """Run one team to one ending."""
    team, _, end = ending.partition("-")
    config: Any = {"configurable": {"thread_id": ending}}
    graph = TEAMS[team](end)
    try:
        graph.invoke({"messages": [("user", story.QUESTION)]}, config)
        if end == "approval":
            graph.invoke(Command(resume="approved"), config)
    except story.ModelDown:
        assert end == "outage"
    wait_for_all_tracers()  # LangSmith makes spans in a thread of its own


def _asks(order_id: str) -> str:
    """Pay an order back once somebody has approved it."""
    return f"order {order_id}: {interrupt('may I pay it back?')}"


_asks.__name__ = story.PAY_BACK

"""What each convention calls a thing: the single source for the columns of `agent_spans`.

Data only. columns/agent_spans.py applies it to whole batches, docs/mapping.md is made from it.
In a column the first source that a span has, with a value that is not empty, wins. What we
write ourselves comes from `handspan.semconv`; other names stand here and nowhere else.

What a name alone cannot tell is corrected by instrumentation scope (`CORRECTIONS`), each rule
with the reason; docs/conventions.md shows on recorded spans what that comes to. Left for later:
hashes in `graph.node.id` (agno), conversation ids made up by pydantic-ai, the workflow of an
OpenInference trace (the name of its root), an MCP server's second span for one tool call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from handspan import semconv

HANDSPAN: Final = "handspan"
OTEL: Final = "otel"
OPENINFERENCE: Final = "openinference"
OPENLLMETRY: Final = "openllmetry"
LANGFUSE: Final = "langfuse"
LANGSMITH: Final = "langsmith"

CONVENTIONS: Final = (HANDSPAN, OTEL, OPENINFERENCE, OPENLLMETRY, LANGFUSE, LANGSMITH)
"""Which names a span uses, in the order in which they are recognised."""

NATIVE_SCOPES: Final = {
    "autogen SingleThreadedAgentRuntime": "autogen",
    "agent_framework": "agent-framework",
    "gcp.vertex.agent": "google-adk",
    "langsmith": LANGSMITH,
    "mcp-python-sdk": "mcp",
    "pydantic-ai": "pydantic-ai",
    "strands.telemetry.tracer": "strands",
}
"""Instrumentation scope of a framework that traces itself -> the convention that is shown."""

KINDS: Final = (
    *(kind for kind in get_args(semconv.Kind) if kind != "drill"),
    "embedding",
    "memory",
    "budget",
    "metric",
    "queued",
    "session",
    "decision",
    "message",
    "chain",
)
"""What a span can be; `chain` is a step that is none of the others. Of `budget` to `message` there
are events, and spans without length only where no span was recording."""

CHAIN: Final = "chain"

Shape = Literal["text", "texts", "count", "number", "real", "usd", "instant", "flag", "yes_no"]
"""How a column reads the text of a value; a text that does not fit reads as absent."""


@dataclass(frozen=True, slots=True)
class KindRule:
    """The attribute by which one convention says what a span is."""

    convention: str
    key: str
    kinds: dict[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """One attribute that may hold a column's value."""

    key: str
    convention: str
    kinds: frozenset[str] = frozenset()
    """Only on spans of these kinds; empty: on all."""
    own_only: bool = False
    """Only on spans recognised as `convention`: elsewhere the name means something else."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `agent_spans` that comes from span attributes."""

    name: str
    shape: Shape
    sources: tuple[Source, ...]
    words: tuple[str, ...] = ()
    """The only values that count, when there are such."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What the spans of one scope claim to be, and what they are."""

    says: str
    """The kind that the rules above found."""
    key: str
    """The attribute that gives it away."""
    pattern: str | None
    """What its text contains; None: the span does not have it."""
    kind: str
    """What the span is."""
    why: str
    but_not: bool = False
    """The text does not contain it."""
    is_name: bool = False
    """What the pattern's group finds must be the span's name."""


@dataclass(frozen=True, slots=True)
class HandoffTool:
    """A tool by which a framework hands over, and where the target stands."""

    framework: str
    tool: str
    """Pattern of the whole name of the tool."""
    key: str
    """The attribute with the target, or with `in_event` that of a span event."""
    pattern: str
    """Its group `target` is the target's name."""
    mode: str
    in_event: bool = False


@dataclass(frozen=True, slots=True)
class MessageSpan:
    """A span of one scope that is a message between agents."""

    key: str
    """The attribute that says what the span does."""
    word: str
    """Its value where an agent takes a message in: once per agent that gets it."""
    source: str
    """The attribute with the sender; a message without one comes from outside and is none."""
    target: str
    name: str
    """Pattern of both; its group `name` is the agent's name."""


def _handspan(key: str, *kinds: str) -> Source:
    return Source(key, HANDSPAN, frozenset(kinds))


def _otel(key: str, *kinds: str) -> Source:
    return Source(key, OTEL, frozenset(kinds))


def _openinference(key: str, *kinds: str, own_only: bool = False) -> Source:
    return Source(key, OPENINFERENCE, frozenset(kinds), own_only=own_only)


def _openllmetry(key: str, *kinds: str) -> Source:
    return Source(key, OPENLLMETRY, frozenset(kinds))


def _langfuse(key: str, *, own_only: bool = False) -> Source:
    return Source(key, LANGFUSE, own_only=own_only)


def _langsmith(key: str) -> Source:
    return Source(f"langsmith.metadata.{key}", LANGSMITH)


OPERATION_KINDS: Final = {
    semconv.OPERATION_WORKFLOW: "workflow",
    semconv.OPERATION_AGENT: "agent",
    semconv.OPERATION_PLAN: "plan",
    semconv.OPERATION_TOOL: "tool",
    semconv.OPERATION_CHAT: "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "embeddings": "embedding",
    "retrieval": "retrieval",
    "search_memory": "memory",
    "create_memory": "memory",
    "update_memory": "memory",
    "upsert_memory": "memory",
    "delete_memory": "memory",
    "create_memory_store": "memory",
    "delete_memory_store": "memory",
    "create_agent": CHAIN,  # makes an agent, does not run it
    "fetch_response": CHAIN,  # asks for an answer that another span paid for
    # Frameworks' own operations.
    "invoke_swarm": "workflow",
    "execute_task": "task",
    "goto": "handoff",
    "handoff": "handoff",
    "execute_event_loop_cycle": CHAIN,
}
"""`gen_ai.operation.name`; any other value is a `chain`: GenAI work, but nobody knows which."""

KIND_RULES: Final = (
    KindRule(
        HANDSPAN,
        semconv.KIND,
        {kind: kind if kind in KINDS else CHAIN for kind in (*get_args(semconv.Kind), *KINDS)},
    ),
    KindRule(
        OPENLLMETRY,
        "traceloop.span.kind",
        {"workflow": "workflow", "task": CHAIN, "agent": "agent", "tool": "tool"},
    ),
    KindRule(
        LANGSMITH,
        "langsmith.span.kind",
        {
            "llm": "llm",
            "tool": "tool",
            "retriever": "retrieval",
            "embedding": "embedding",
            "prompt": CHAIN,
            "parser": CHAIN,
        },
    ),
    KindRule(OTEL, semconv.GEN_AI_OPERATION_NAME, OPERATION_KINDS),
    KindRule(
        OPENINFERENCE,
        "openinference.span.kind",
        {
            "LLM": "llm",
            "AGENT": "agent",
            "TOOL": "tool",
            "RETRIEVER": "retrieval",
            "RERANKER": "retrieval",
            "EMBEDDING": "embedding",
            "GUARDRAIL": "validation",
            "EVALUATOR": "validation",
            "CHAIN": CHAIN,
            "PROMPT": CHAIN,
        },
    ),
    KindRule(
        OPENLLMETRY,
        "llm.request.type",
        {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "retrieval"},
    ),
    KindRule(
        LANGFUSE,
        "langfuse.observation.type",
        {
            "generation": "llm",
            "agent": "agent",
            "tool": "tool",
            "retriever": "retrieval",
            "embedding": "embedding",
            "guardrail": "validation",
            "evaluator": "validation",
            "chain": CHAIN,
            "span": CHAIN,
            "event": CHAIN,
        },
    ),
)
"""In order; the first whose value is known decides. `traceloop.span.kind` comes before the
operation: OpenLLMetry says `invoke_agent` of crews, tasks and graph nodes too; so does LangSmith's,
which says `chat` of prompts and `embeddings` of retrievers. Its `chain` may be anything."""

_AUTOGEN_TOOL: Final = r"^Handoff to (?P<target>.+)\.$"
_OPENINFERENCE_LANGCHAIN: Final = "openinference.instrumentation.langchain"
_OPENLLMETRY_LANGCHAIN: Final = "opentelemetry.instrumentation.langchain"

CORRECTIONS: Final = {
    "openinference.instrumentation.openai_agents": (
        Correction("agent", "graph.node.id", None, "workflow", "the trace itself is typed AGENT"),
    ),
    _OPENINFERENCE_LANGCHAIN: (
        Correction(
            "agent",
            "metadata",
            '"langgraph_node"',
            CHAIN,
            'a node of a graph is typed AGENT when its name contains "agent"',
        ),
        Correction(
            CHAIN,
            "metadata",
            '"lc_agent_name": ?"(?P<name>[^"]+)"',
            "agent",
            "an agent of LangChain is typed CHAIN",
            is_name=True,
        ),
    ),
    _OPENLLMETRY_LANGCHAIN: (
        Correction(
            "agent",
            "gen_ai.workflow.nodes",
            '"(model|agent)"',
            CHAIN,
            "every graph is an agent here; one that calls no model is a team",
            but_not=True,
        ),
        Correction(
            "handoff",
            "langgraph.command.source_node",
            "^tools$",
            CHAIN,
            "a handoff by a tool is told again, twice, and its source is the tool's node",
        ),
        Correction("task", semconv.GEN_AI_OPERATION_NAME, "", CHAIN, "any node is a task"),
    ),
    "opentelemetry.instrumentation.genai.langchain": (
        Correction(
            "agent",
            semconv.GEN_AI_AGENT_NAME,
            "^call_agent$",
            CHAIN,
            "the function around each agent of a supervisor is an agent too",
        ),
    ),
    "opentelemetry.instrumentation.crewai.instrumentation": (
        Correction("agent", "crewai.crew.id", "", "workflow", "a crew is an agent too"),
    ),
    "autogen-core": (
        Correction(
            "tool",
            semconv.GEN_AI_TOOL_DESCRIPTION,
            _AUTOGEN_TOOL,
            CHAIN,
            "it hands over, but to an agent in another trace: nothing can match the two",
        ),
    ),
    "openinference.instrumentation.autogen_agentchat": (
        Correction("agent", "graph.node.id", "", CHAIN, "the framework has a span of it already"),
        Correction(
            "tool",
            "tool.description",
            _AUTOGEN_TOOL,
            CHAIN,
            "the framework has a span of it already, but not of a handoff",
            but_not=True,
        ),
    ),
    "langsmith": (
        Correction(
            CHAIN,
            "langsmith.metadata.lc_agent_name",
            "^(?P<name>.+)$",
            "agent",
            "an agent of LangChain is a chain",
            is_name=True,
        ),
    ),
    "langfuse-sdk": (
        Correction(
            CHAIN,
            "langfuse.internal.is_app_root",
            "^(true|True)$",
            "workflow",
            "the outermost observation is the trace; one typed agent is a run by itself",
        ),
    ),
    "crewai": (
        Correction(
            "tool",
            "crewai.event_name",
            "^tool_failure_detected$",
            CHAIN,
            "a tool that failed for good gets a second span",
        ),
    ),
}
"""Instrumentation scope -> what its spans claim wrongly; applied in order."""

_LANGGRAPH_TOOL: Final = "^Ask agent '(?P<target>.+)' for help$"
_COWORKER: Final = '"coworker": ?"(?P<target>[^"]+)"'
_CREWAI_TOOL: Final = "(delegate.work|ask.question).to.coworker"

HANDOFF_TOOLS: Final = (
    HandoffTool(
        "LangGraph",
        "transfer_to_.+",
        "metadata",
        '"__handoff_destination": ?"(?P<target>[^"]+)"',
        "pass_control",
    ),
    HandoffTool(
        "LangGraph",
        "transfer_to_.+",
        semconv.GEN_AI_TOOL_DESCRIPTION,
        _LANGGRAPH_TOOL,
        "pass_control",
    ),
    HandoffTool("LangGraph", "transfer_to_.+", "tool.description", _LANGGRAPH_TOOL, "pass_control"),
    HandoffTool(
        "LangGraph",
        ".+",
        "langsmith.metadata.__handoff_destination",
        "^(?P<target>.+)$",
        "pass_control",
    ),
    HandoffTool(
        "AutoGen",
        "transfer_to_.+",
        "tool.description",
        _AUTOGEN_TOOL,
        "pass_control",
    ),
    HandoffTool(
        "Strands",
        "handoff_to_agent",
        "content",
        '"agent_name": ?"(?P<target>[^"]+)"',
        "pass_control",
        in_event=True,
    ),
    HandoffTool(
        "Strands",
        "handoff_to_agent",
        "tool.parameters",
        '"agent_name": ?"(?P<target>[^"]+)"',
        "pass_control",
    ),
    HandoffTool(
        "CrewAI", _CREWAI_TOOL, semconv.GEN_AI_TOOL_CALL_ARGUMENTS, _COWORKER, "return_to_caller"
    ),
    HandoffTool("CrewAI", _CREWAI_TOOL, "input.value", _COWORKER, "return_to_caller"),
    HandoffTool(
        "Google ADK",
        "transfer_to_agent",
        "gcp.vertex.agent.tool_call_args",
        '"agent_name": ?"(?P<target>[^"]+)"',
        "pass_control",
    ),
)
"""A tool span is a handoff when one of these finds its target; the tool's name alone proves
nothing (`transfer_to_x` may well move money). The first that finds one wins."""

MESSAGE_SPANS: Final = {
    "autogen SingleThreadedAgentRuntime": MessageSpan(
        "messaging.operation",
        "process",
        "sender_agent_type",
        "recipient_agent_type",
        "^(?P<name>.+?)(?:_[0-9a-f]{8}-[0-9a-f-]{27})?$",
    ),
}
"""Scope of a runtime that carries messages -> which of its spans are one. A2A's own spans, one per
internal method, say nothing: no attribute names an agent or a message."""

SILENT_WORKFLOWS: Final = frozenset(
    {
        "openinference.instrumentation.openai_agents",
        "opentelemetry.instrumentation.genai.openai_agents",
        "opentelemetry.instrumentation.openai_agents",
        "strands.telemetry.tracer",
    }
)
"""Scopes whose workflow spans never say that they failed: such a run ended as the agent did that
ended last."""

UNTOLD: Final = "Untold"
"""The status of a workflow span of `SILENT_WORKFLOWS` that says no error."""

CALLED: Final = {
    "agent": "agent",
    "tool": "tool",
    "workflow": "workflow",
    "validation": "validation",
}
"""Kind -> the column that gets the name of a Langfuse span: nothing else says what it is called."""

BUCKETS_KEY: Final = "langfuse.observation.usage_details"
"""Langfuse: a JSON text with numbers of tokens by bucket."""

BUCKETS: Final = {
    "input_tokens": ("input",),
    "output_tokens": ("output",),
    "cache_read_tokens": (
        "cache_read_input_tokens",
        "input_cache_read",
        "input_cache_read_tokens",
        "input_cached_tokens",
    ),
    "cache_write_tokens": (
        "cache_creation_input_tokens",
        "input_cache_creation",
        "input_cache_write",
        "input_cache_write_tokens",
    ),
    "reasoning_tokens": ("output_reasoning", "output_reasoning_tokens"),
    "cache_write_1h": (
        "cache_creation_ephemeral_1h_input_tokens",
        "input_ephemeral_1h_input_tokens",
    ),
}
"""Column -> the buckets that hold it; the first that is there counts."""

BUCKETS_ADDED: Final = {
    "cache_write_tokens": ("input_ephemeral_5m_input_tokens", "input_ephemeral_1h_input_tokens"),
}
"""Column -> buckets that count, each of them, beside its own: langchain-anthropic tells by how long
they live what was written to the cache, and then 0 as their sum."""

BUCKETS_BESIDE: Final = {
    "input_tokens": ("cache_read_tokens", "cache_write_tokens"),
    "output_tokens": ("reasoning_tokens",),
}
"""Column -> columns whose buckets lie beside its own, and are part of it here."""

BUCKETS_WHOLE: Final = "total"
"""The bucket that tells how it was counted: where input and output alone come to it, they include
the others already."""

BUCKETS_INCLUSIVE: Final = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cache_read_tokens": "cached_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
"""Column -> the name in usage as OpenAI tells it, which Langfuse passes on as it is."""

COST_KEY: Final = "langfuse.observation.cost_details"
"""Langfuse: a JSON text with costs by bucket, of which the total counts."""

COST_TOTAL: Final = r'"total": ?(?P<usd>[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?) ?[,}]'


USAGE_KEY: Final = "langsmith.metadata.usage_metadata"
"""LangSmith: a JSON text with LangChain's usage, where input and output include their details."""

USAGE: Final = {
    "cache_read_tokens": "input_token_details.cache_read",
    "cache_write_tokens": "input_token_details.cache_creation",
    "reasoning_tokens": "output_token_details.reasoning",
    "input_audio": "input_token_details.audio",
    "output_audio": "output_token_details.audio",
    "cache_write_1h": "input_token_details.ephemeral_1h_input_tokens",
}
"""Column -> the count in it, behind the object that it is in."""

USAGE_ADDED: Final = {
    "cache_write_tokens": (
        "input_token_details.ephemeral_5m_input_tokens",
        "input_token_details.ephemeral_1h_input_tokens",
    ),
}
"""Column -> counts beside its own, see `BUCKETS_ADDED`."""


def detail(name: str) -> str:
    """Return the pattern of a count in an object in a JSON text; its group is `count`."""
    outer, _, inner = name.partition(".")
    return f'"{outer}":[{{][^}}]*"{inner}":(?P<count>[0-9]{{1,18}})[,}}]'


def bucket(*names: str) -> str:
    """Return the pattern of a count in a JSON text; its group is `count`."""
    return f'"(?:{"|".join(names)})": ?(?P<count>[0-9]{{1,18}}) ?[,}}]'


NOT_SAID: Final = {"model": ("unknown",)}
"""Column -> what instrumentors write when they do not know."""

MADE_UP: Final = {"crewai": ("conversation_id",)}
"""Scope -> the columns in which it puts what is something else (the id of a task)."""

EVENT_KINDS: Final = {
    semconv.EVENT_FAULT: ("fault", HANDSPAN),
    semconv.EVENT_BUDGET: ("budget", HANDSPAN),
    semconv.EVENT_METRIC: ("metric", HANDSPAN),
    semconv.EVENT_TASK_QUEUED: ("queued", HANDSPAN),
    semconv.EVENT_SESSION: ("session", HANDSPAN),
    semconv.EVENT_DECISION: ("decision", HANDSPAN),
    semconv.EVENT_MESSAGE: ("message", HANDSPAN),
    "gen_ai.evaluation.result": ("validation", OTEL),
}
"""Span events that are agent work by themselves: each is a row, as if it were a span without
length below the span that has it. A span of such a name is of the same kind."""

ATTRIBUTION: Final = (
    "workflow_id",
    "workflow",
    "agent",
    "attempt",
    "project",
    "feature",
    "session_id",
    "conversation_id",
    "user_id",
)
"""The columns that an event takes from its span where it says nothing itself."""

EVIDENCE: Final = (
    semconv.GEN_AI_PROVIDER_NAME,
    "gen_ai.system",
    semconv.GEN_AI_REQUEST_MODEL,
    semconv.GEN_AI_RESPONSE_MODEL,
    semconv.GEN_AI_AGENT_NAME,
    semconv.GEN_AI_WORKFLOW_NAME,
    semconv.GEN_AI_TOOL_NAME,
)
"""A span without an operation is GenAI work when it has one of these and the first word of its
name is an operation, or when it names a model. `handspan.agent.name` and the like prove
nothing: our span processor puts them on HTTP and database spans too."""

MODEL_EVIDENCE: Final = (semconv.GEN_AI_RESPONSE_MODEL, semconv.GEN_AI_REQUEST_MODEL)

HANDOFF_NAME_PREFIX: Final = "handoff to "
"""OpenInference: a TOOL span of this name is a handoff to the agent that follows."""

EXCEPTION_MESSAGE: Final = "exception.message"

RAISED_IN_MESSAGE: Final = {"langsmith": r"^(?P<type>[A-Za-z_][A-Za-z0-9_.]*)[(]"}
"""Scope whose exceptions all have one type -> where in their message the true one stands."""

NEVER_ERRORS: Final = ("ParentCommand", "GraphInterrupt", "CallDeferred", "ApprovalRequired")
"""Exceptions that steer a framework (LangGraph, pydantic-ai); OpenTelemetry sees them as errors."""

LOCAL_COST_SOURCES: Final = {
    "operation.cost": "genai-prices",  # pydantic-ai asks the same list
    "gen_ai.usage.cost": "custom",  # OpenLIT has its own
}
"""A reported cost without a source that the reporting side computed, not the provider."""

COST_SOURCE_WORDS: Final = {
    **{word: word for word in get_args(semconv.CostSource)},
    "local": "custom",
}

_OWN_NAME: Final = ("agent", "plan")
"""On these spans the GenAI name is the agent's own; attribution may still be the caller's."""

_OTHER_KINDS: Final = tuple(kind for kind in KINDS if kind not in _OWN_NAME)

_HANDOFF_SOURCES: Final = (
    _handspan(semconv.HANDOFF_SOURCE, "handoff"),
    _otel("gen_ai.agent.handoff.source.name", "handoff"),
    _openllmetry("gen_ai.handoff.from_agent", "handoff"),
    _openllmetry("langgraph.command.source_node", "handoff"),
)

HANDOFF_TARGETS: Final = (
    _handspan(semconv.HANDOFF_TARGET),
    _otel(semconv.GEN_AI_TRANSFER_TARGET_NAME),
    _otel("gen_ai.agent.handoff.target.name"),
    _openllmetry("gen_ai.handoff.to_agent"),
    _openllmetry("langgraph.command.goto_node"),
    _openllmetry("traceloop.association.properties.__handoff_destination"),
)
"""A tool span that names one of these is a handoff."""

COLUMNS: Final = (
    Column("workflow_id", "text", (_handspan(semconv.WORKFLOW_ID),)),
    Column(
        "workflow",
        "text",
        (
            _otel(semconv.GEN_AI_WORKFLOW_NAME, "workflow"),
            _openllmetry("traceloop.entity.name", "workflow"),
            _handspan(semconv.WORKFLOW_NAME),
            _otel(semconv.GEN_AI_WORKFLOW_NAME),
            _openllmetry("traceloop.workflow.name"),
            _langfuse("langfuse.trace.name"),
        ),
    ),
    Column(
        "agent",
        "text",
        (
            *_HANDOFF_SOURCES,
            _handspan(semconv.AGENT_NAME, *_OTHER_KINDS),
            _openllmetry("crewai.agent.role"),  # CrewAI puts a hash where the name belongs
            _otel(semconv.GEN_AI_AGENT_NAME),
            _openllmetry("traceloop.association.properties.lc_agent_name"),
            _langsmith("lc_agent_name"),
            _openinference("agent.name"),
            _openinference("graph.node.name", "agent"),
            _openinference("graph.node.id", "agent"),
            _openllmetry("traceloop.entity.name", "agent"),
            _handspan(semconv.AGENT_NAME, "plan"),
        ),
    ),
    Column("attempt", "number", (_handspan(semconv.ATTEMPT),)),
    Column("project", "text", (_handspan(semconv.PROJECT),)),
    Column("feature", "text", (_handspan(semconv.FEATURE), _handspan(semconv.TASK_FEATURE))),
    Column(
        "session_id",
        "text",
        (
            _otel(semconv.SESSION_ID),
            _openllmetry("traceloop.association.properties.session_id"),
            _langsmith("session_id"),
        ),
    ),
    Column(
        "conversation_id",
        "text",
        (
            _otel(semconv.GEN_AI_CONVERSATION_ID),
            _openinference(semconv.SESSION_ID, own_only=True),
            _langfuse(semconv.SESSION_ID, own_only=True),
            _openllmetry("traceloop.association.properties.session_id"),
            _openllmetry("traceloop.association.properties.thread_id"),
            _langsmith("session_id"),
            _langsmith("thread_id"),
            _langsmith("conversation_id"),
        ),
    ),
    Column(
        "user_id",
        "text",
        (
            _otel(semconv.USER_ID),
            _openllmetry("traceloop.association.properties.user_id"),
            _openllmetry("gen_ai.user"),
            _openllmetry("llm.user"),
            _langsmith("user_id"),
        ),
    ),
    Column("workflow_plan", "texts", (_handspan(semconv.WORKFLOW_PLAN),)),
    Column("workflow_estimated_s", "real", (_handspan(semconv.WORKFLOW_ESTIMATED_S),)),
    Column(
        "workflow_outcome",
        "text",
        (_handspan(semconv.WORKFLOW_OUTCOME),),
        get_args(semconv.WorkflowOutcome),
    ),
    Column("agent_type", "text", (_handspan(semconv.AGENT_TYPE),)),
    Column(
        "agent_version", "text", (_handspan(semconv.AGENT_VERSION), _otel("gen_ai.agent.version"))
    ),
    Column("task_id", "text", (_handspan(semconv.TASK_ID),)),
    Column("task_type", "text", (_handspan(semconv.TASK_TYPE),)),
    Column("task_domain", "text", (_handspan(semconv.TASK_DOMAIN),)),
    Column("queued_at", "instant", (_handspan(semconv.TASK_QUEUED_AT_NS),)),
    Column("task_estimated_cost_usd", "usd", (_handspan(semconv.TASK_ESTIMATED_COST_USD),)),
    Column(
        "handoff_source",
        "text",
        (
            *_HANDOFF_SOURCES,
            _handspan(semconv.AGENT_NAME, "handoff"),
            _otel(semconv.GEN_AI_AGENT_NAME, "handoff"),
        ),
    ),
    Column("handoff_target", "text", HANDOFF_TARGETS),
    Column(
        "handoff_mode",
        "text",
        (_handspan(semconv.HANDOFF_MODE), _otel(semconv.GEN_AI_TRANSFER_MODE)),
        get_args(semconv.HandoffMode),
    ),
    Column(
        "handoff_target_type",
        "text",
        (_handspan(semconv.HANDOFF_TARGET_TYPE), _otel("gen_ai.transfer.target.type")),
        get_args(semconv.HandoffTargetType),
    ),
    Column("handoff_reason", "text", (_handspan(semconv.HANDOFF_REASON),)),
    Column("handoff_artifacts", "texts", (_handspan(semconv.HANDOFF_ARTIFACTS),)),
    Column("handoff_payload_bytes", "count", (_handspan(semconv.HANDOFF_PAYLOAD_BYTES),)),
    Column(
        "handoff_outcome",
        "text",
        (_handspan(semconv.HANDOFF_OUTCOME),),
        get_args(semconv.HandoffOutcome),
    ),
    Column(
        "tool",
        "text",
        (
            _otel(semconv.GEN_AI_TOOL_NAME),
            _openinference("tool.name"),
            _openllmetry("traceloop.entity.name", "tool"),
        ),
    ),
    Column(
        "provider",
        "text",
        (
            _otel(semconv.GEN_AI_PROVIDER_NAME),
            _langsmith("ls_provider"),  # beside it gen_ai.system is a guess by the model's name
            _otel("gen_ai.system"),
            _openinference("llm.provider"),
            _openinference("llm.system"),
        ),
    ),
    Column(
        "model",
        "text",
        (
            _otel(semconv.GEN_AI_RESPONSE_MODEL),
            _otel(semconv.GEN_AI_REQUEST_MODEL),
            _openinference("llm.model_name"),
            _openinference("llm.response.model_name"),
            _openinference("llm.request.model_name"),
            _openinference("embedding.model_name"),
            _langfuse("langfuse.observation.model.name"),
        ),
    ),
    Column(
        "input_tokens",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_INPUT_TOKENS),
            _openinference("llm.token_count.prompt"),
            _openllmetry("gen_ai.usage.prompt_tokens"),
        ),
    ),
    Column(
        "output_tokens",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_OUTPUT_TOKENS),
            _openinference("llm.token_count.completion"),
            _openllmetry("gen_ai.usage.completion_tokens"),
        ),
    ),
    Column(
        "cache_read_tokens",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS),
            _openinference("llm.token_count.prompt_details.cache_read"),
            _openinference("llm.token_count.prompt_details.cache_input"),
            _openllmetry("gen_ai.usage.cache_read_input_tokens"),
        ),
    ),
    Column(
        "cache_write_tokens",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS),
            _otel("gen_ai.usage.cache_creation.input_tokens"),
            _openinference("llm.token_count.prompt_details.cache_write"),
            _openllmetry("gen_ai.usage.cache_creation_input_tokens"),
        ),
    ),
    Column(
        "reasoning_tokens",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS),
            _openinference("llm.token_count.completion_details.reasoning"),
            _openllmetry("gen_ai.usage.reasoning_tokens"),
            _openllmetry("gen_ai.usage.details.reasoning_tokens"),
        ),
    ),
    Column("time_to_first_token_s", "real", (_otel(semconv.GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK),)),
    Column(
        "cost_usd",
        "usd",
        (
            _handspan(semconv.COST_USD),
            _otel(semconv.GEN_AI_USAGE_COST_AMOUNT),
            _openinference("llm.cost.total"),
            _openllmetry("operation.cost"),
            _openllmetry("gen_ai.usage.cost"),
        ),
    ),
    Column(
        "cost_source",
        "text",
        (_handspan(semconv.COST_SOURCE), _otel(semconv.GEN_AI_USAGE_COST_SOURCE)),
        tuple(COST_SOURCE_WORDS),
    ),
    Column("usage_partial", "flag", (_handspan(semconv.USAGE_PARTIAL),)),
    Column(
        "validation",
        "text",
        (
            _handspan(semconv.VALIDATION_NAME, "validation"),
            _otel(semconv.GEN_AI_EVALUATION_NAME, "validation"),
        ),
    ),
    Column("validator", "text", (_handspan(semconv.VALIDATION_VALIDATOR),)),
    Column(
        "validation_role",
        "text",
        (_handspan(semconv.VALIDATION_ROLE),),
        get_args(semconv.ValidationRole),
    ),
    Column(
        "validation_result",
        "text",
        (
            _handspan(semconv.VALIDATION_RESULT),
            _otel(semconv.GEN_AI_EVALUATION_SCORE_LABEL, "validation"),
        ),
        get_args(semconv.ValidationResult),
    ),
    Column(
        "validation_score",
        "real",
        (
            _handspan(semconv.VALIDATION_SCORE),
            _otel(semconv.GEN_AI_EVALUATION_SCORE_VALUE, "validation"),
        ),
    ),
    Column("fault_id", "text", (_handspan(semconv.FAULT_ID),)),
    Column("fault_type", "text", (_handspan(semconv.FAULT_TYPE),)),
    Column("fault_target", "text", (_handspan(semconv.FAULT_TARGET),)),
    Column("fault_injected", "yes_no", (_handspan(semconv.FAULT_INJECTED),)),
    Column("fault_severity", "real", (_handspan(semconv.FAULT_SEVERITY),)),
    Column("fault_deadline_s", "real", (_handspan(semconv.FAULT_DEADLINE_S),)),
    Column("recovery_strategy", "text", (_handspan(semconv.RECOVERY_STRATEGY),)),
    Column("recovery_fault_id", "text", (_handspan(semconv.RECOVERY_FAULT_ID),)),
    Column("recovery_attempt", "number", (_handspan(semconv.RECOVERY_ATTEMPT),)),
    Column("recovery_success", "yes_no", (_handspan(semconv.RECOVERY_SUCCESS),)),
    Column("resilience_score", "real", (_handspan(semconv.RESILIENCE_SCORE, "workflow", "agent"),)),
    Column("human_reason", "text", (_handspan(semconv.HUMAN_REASON),)),
    Column(
        "human_priority",
        "text",
        (_handspan(semconv.HUMAN_PRIORITY),),
        get_args(semconv.HumanPriority),
    ),
    Column(
        "human_decision",
        "text",
        (_handspan(semconv.HUMAN_DECISION),),
        get_args(semconv.HumanDecision),
    ),
    Column("rating_quality", "count", (_handspan(semconv.RATING_QUALITY),)),
    Column("rating_success", "yes_no", (_handspan(semconv.RATING_SUCCESS),)),
    Column("rating_source", "text", (_handspan(semconv.RATING_SOURCE),)),
    Column("rating_notes", "text", (_handspan(semconv.RATING_NOTES),)),
    Column("rating_would_use_again", "yes_no", (_handspan(semconv.RATING_WOULD_USE_AGAIN),)),
    Column("rating_alternative_agent", "text", (_handspan(semconv.RATING_ALTERNATIVE_AGENT),)),
    Column("budget", "text", (_handspan(semconv.BUDGET_NAME),)),
    Column("budget_scope", "text", (_handspan(semconv.BUDGET_SCOPE),)),
    Column("budget_limit_usd", "usd", (_handspan(semconv.BUDGET_LIMIT_USD),)),
    Column("budget_used_usd", "usd", (_handspan(semconv.BUDGET_USED_USD),)),
    Column(
        "budget_state",
        "text",
        (_handspan(semconv.BUDGET_STATE),),
        get_args(semconv.BudgetState),
    ),
    Column("metric", "text", (_handspan(semconv.METRIC_NAME),)),
    Column("metric_value", "real", (_handspan(semconv.METRIC_VALUE),)),
    Column("session_impact", "real", (_handspan(semconv.PERFORMANCE_IMPACT),)),
    Column("session_cpu_ratio", "real", (_handspan(semconv.RESOURCE_CPU_RATIO),)),
    Column("session_memory_bytes", "count", (_handspan(semconv.RESOURCE_MEMORY_BYTES),)),
    Column("decision", "text", (_handspan(semconv.DECISION_NAME),)),
    Column("decision_choice", "text", (_handspan(semconv.DECISION_CHOICE),)),
    Column("decision_alternatives", "texts", (_handspan(semconv.DECISION_ALTERNATIVES),)),
    Column("decision_confidence", "real", (_handspan(semconv.DECISION_CONFIDENCE),)),
    Column("decision_reason", "text", (_handspan(semconv.DECISION_REASON),)),
    Column("message_source", "text", (_handspan(semconv.MESSAGE_SOURCE),)),
    Column("message_target", "text", (_handspan(semconv.MESSAGE_TARGET),)),
    Column("message_type", "text", (_handspan(semconv.MESSAGE_TYPE),)),
    Column("message_payload_bytes", "count", (_handspan(semconv.MESSAGE_PAYLOAD_BYTES),)),
)
"""Every column of `agent_spans` that comes from span attributes, in the table's order."""

MODALITIES: Final = (
    Column(
        "input_audio",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_AUDIO_INPUT_TOKENS),
            _openinference("llm.token_count.prompt_details.audio"),
            _openllmetry("gen_ai.usage.details.input_audio_tokens"),
        ),
    ),
    Column(
        "input_image",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_IMAGE_INPUT_TOKENS),
            _openllmetry("gen_ai.usage.details.input_image_tokens"),
        ),
    ),
    Column(
        "output_audio",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS),
            _openinference("llm.token_count.completion_details.audio"),
            _openllmetry("gen_ai.usage.details.output_audio_tokens"),
        ),
    ),
    Column(
        "output_image",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS),
            _openllmetry("gen_ai.usage.details.output_image_tokens"),
        ),
    ),
    Column(
        "cache_read_audio",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS),
            _openllmetry("gen_ai.usage.details.cache_audio_read_tokens"),
        ),
    ),
    Column(
        "cache_read_image",
        "count",
        (
            _otel(semconv.GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS),
            _openllmetry("gen_ai.usage.details.cache_image_read_tokens"),
        ),
    ),
    Column(
        "cache_write_1h",
        "count",
        (
            _handspan(semconv.USAGE_CACHE_WRITE_1H_TOKENS),
            _openllmetry("gen_ai.usage.cache_creation.ephemeral_1h_input_tokens"),
            _openllmetry("gen_ai.usage.details.ephemeral_1h_input_tokens"),
            _openllmetry("gen_ai.usage.details.cache_write_1h_tokens"),
        ),
    ),
)
"""The keys of the map `modality_tokens`, each with a price of its own: few calls have any."""

BY_NAME: Final = {column.name: column for column in (*COLUMNS, *MODALITIES)}


def names() -> tuple[str, ...]:
    """Return every attribute name that is read anywhere, sorted."""
    found = {source.key for column in BY_NAME.values() for source in column.sources}
    found |= {rule.key for rule in KIND_RULES} | set(EVIDENCE)
    found |= {one.key for rules in CORRECTIONS.values() for one in rules}
    found |= {key for one in MESSAGE_SPANS.values() for key in (one.key, one.source, one.target)}
    found |= {one.key for one in HANDOFF_TOOLS if not one.in_event}
    found |= {BUCKETS_KEY, COST_KEY, USAGE_KEY}
    return tuple(sorted(found | {semconv.ERROR_TYPE, semconv.GEN_AI_USAGE_COST_CURRENCY}))

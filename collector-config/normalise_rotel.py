"""Handspan's mapping as a processor of rotel: other conventions' names become the standard ones.

Made from handspan_exporter.columns.mapping by `make generate`; change that, not this file.

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

OWN_SCOPE: Final[str] = "handspan"
"""Whoever recorded with Handspan said the standard names."""
KIND: Final[str] = "handspan.kind"
"""The attribute that says what a span is."""
OPERATION: Final[str] = "gen_ai.operation.name"
CHAIN: Final[str] = "chain"
"""Work of which nobody says what it is."""
OPENINFERENCE: Final[str] = "openinference"
KIND_RULES: Final[list[tuple[str, str, dict[str, str]]]] = [
    (
        "handspan",
        "handspan.kind",
        {
            "workflow": "workflow",
            "agent": "agent",
            "plan": "plan",
            "handoff": "handoff",
            "task": "task",
            "llm": "llm",
            "tool": "tool",
            "retrieval": "retrieval",
            "validation": "validation",
            "fault": "fault",
            "recovery": "recovery",
            "human": "human",
            "rating": "rating",
            "drill": "chain",
            "embedding": "embedding",
            "memory": "memory",
            "budget": "budget",
            "metric": "metric",
            "queued": "queued",
            "session": "session",
            "decision": "decision",
            "message": "message",
            "chain": "chain",
        },
    ),
    (
        "openllmetry",
        "traceloop.span.kind",
        {"workflow": "workflow", "task": "chain", "agent": "agent", "tool": "tool"},
    ),
    (
        "langsmith",
        "langsmith.span.kind",
        {
            "llm": "llm",
            "tool": "tool",
            "retriever": "retrieval",
            "embedding": "embedding",
            "prompt": "chain",
            "parser": "chain",
        },
    ),
    (
        "otel",
        "gen_ai.operation.name",
        {
            "invoke_workflow": "workflow",
            "invoke_agent": "agent",
            "plan": "plan",
            "execute_tool": "tool",
            "chat": "llm",
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
            "create_agent": "chain",
            "fetch_response": "chain",
            "invoke_swarm": "workflow",
            "execute_task": "task",
            "goto": "handoff",
            "handoff": "handoff",
            "execute_event_loop_cycle": "chain",
        },
    ),
    (
        "openinference",
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
            "CHAIN": "chain",
            "PROMPT": "chain",
        },
    ),
    (
        "openllmetry",
        "llm.request.type",
        {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "retrieval"},
    ),
    (
        "langfuse",
        "langfuse.observation.type",
        {
            "generation": "llm",
            "agent": "agent",
            "tool": "tool",
            "retriever": "retrieval",
            "embedding": "embedding",
            "guardrail": "validation",
            "evaluator": "validation",
            "chain": "chain",
            "span": "chain",
            "event": "chain",
        },
    ),
]
"""Convention, attribute, its words and what they mean; the first that is known decides."""
EVENT_KINDS: Final[dict[str, str]] = {
    "handspan.fault": "fault",
    "handspan.budget": "budget",
    "handspan.metric": "metric",
    "handspan.task.queued": "queued",
    "handspan.session": "session",
    "handspan.decision": "decision",
    "handspan.message": "message",
    "gen_ai.evaluation.result": "validation",
}
"""Name of a span -> what it is."""
OPERATION_KINDS: Final[dict[str, str]] = {
    "invoke_workflow": "workflow",
    "invoke_agent": "agent",
    "plan": "plan",
    "execute_tool": "tool",
    "chat": "llm",
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
    "create_agent": "chain",
    "fetch_response": "chain",
    "invoke_swarm": "workflow",
    "execute_task": "task",
    "goto": "handoff",
    "handoff": "handoff",
    "execute_event_loop_cycle": "chain",
}
"""First word of a span's name -> what it is, where one of EVIDENCE is there."""
EVIDENCE: Final[list[str]] = [
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.agent.name",
    "gen_ai.workflow.name",
    "gen_ai.tool.name",
]
MODEL_EVIDENCE: Final[list[str]] = ["gen_ai.response.model", "gen_ai.request.model"]
CORRECTIONS: Final[dict[str, list[tuple[str, str, str | None, str, bool, bool]]]] = {
    "openinference.instrumentation.openai_agents": [
        ("agent", "graph.node.id", None, "workflow", False, False),
    ],
    "openinference.instrumentation.langchain": [
        ("agent", "metadata", '"langgraph_node"', "chain", False, False),
        ("chain", "metadata", '"lc_agent_name": ?"(?P<name>[^"]+)"', "agent", False, True),
    ],
    "opentelemetry.instrumentation.langchain": [
        ("agent", "gen_ai.workflow.nodes", '"(model|agent)"', "chain", True, False),
        ("handoff", "langgraph.command.source_node", "^tools$", "chain", False, False),
        ("task", "gen_ai.operation.name", "", "chain", False, False),
    ],
    "opentelemetry.instrumentation.genai.langchain": [
        ("agent", "gen_ai.agent.name", "^call_agent$", "chain", False, False),
    ],
    "opentelemetry.instrumentation.crewai.instrumentation": [
        ("agent", "crewai.crew.id", "", "workflow", False, False),
    ],
    "autogen-core": [
        (
            "tool",
            "gen_ai.tool.description",
            "^Handoff to (?P<target>.+)\\.$",
            "chain",
            False,
            False,
        ),
    ],
    "openinference.instrumentation.autogen_agentchat": [
        ("agent", "graph.node.id", "", "chain", False, False),
        ("tool", "tool.description", "^Handoff to (?P<target>.+)\\.$", "chain", True, False),
    ],
    "langsmith": [
        ("chain", "langsmith.metadata.lc_agent_name", "^(?P<name>.+)$", "agent", False, True),
    ],
    "langfuse-sdk": [
        ("chain", "langfuse.internal.is_app_root", "^(true|True)$", "workflow", False, False),
    ],
    "crewai": [("tool", "crewai.event_name", "^tool_failure_detected$", "chain", False, False)],
}
"""Scope -> claimed kind, attribute, its pattern (None: not there), kind, not found?, a name?"""
HANDOFF_PREFIX: Final[str] = "handoff to "
HANDOFF_TARGETS: Final[list[str]] = [
    "handspan.handoff.target",
    "gen_ai.transfer.target.name",
    "gen_ai.agent.handoff.target.name",
    "gen_ai.handoff.to_agent",
    "langgraph.command.goto_node",
    "traceloop.association.properties.__handoff_destination",
]
HANDOFF_MODES: Final[list[str]] = ["handspan.handoff.mode", "gen_ai.transfer.mode"]
HANDOFF_TOOLS: Final[list[tuple[str, str, str, str, bool]]] = [
    (
        "transfer_to_.+",
        "metadata",
        '"__handoff_destination": ?"(?P<target>[^"]+)"',
        "pass_control",
        False,
    ),
    (
        "transfer_to_.+",
        "gen_ai.tool.description",
        "^Ask agent '(?P<target>.+)' for help$",
        "pass_control",
        False,
    ),
    (
        "transfer_to_.+",
        "tool.description",
        "^Ask agent '(?P<target>.+)' for help$",
        "pass_control",
        False,
    ),
    (".+", "langsmith.metadata.__handoff_destination", "^(?P<target>.+)$", "pass_control", False),
    ("transfer_to_.+", "tool.description", "^Handoff to (?P<target>.+)\\.$", "pass_control", False),
    ("handoff_to_agent", "content", '"agent_name": ?"(?P<target>[^"]+)"', "pass_control", True),
    (
        "handoff_to_agent",
        "tool.parameters",
        '"agent_name": ?"(?P<target>[^"]+)"',
        "pass_control",
        False,
    ),
    (
        "(delegate.work|ask.question).to.coworker",
        "gen_ai.tool.call.arguments",
        '"coworker": ?"(?P<target>[^"]+)"',
        "return_to_caller",
        False,
    ),
    (
        "(delegate.work|ask.question).to.coworker",
        "input.value",
        '"coworker": ?"(?P<target>[^"]+)"',
        "return_to_caller",
        False,
    ),
    (
        "transfer_to_agent",
        "gcp.vertex.agent.tool_call_args",
        '"agent_name": ?"(?P<target>[^"]+)"',
        "pass_control",
        False,
    ),
]
"""Pattern of a tool's name, attribute, pattern of the target in it, mode, of an event?"""
TOOL_NAMES: Final[list[str]] = ["gen_ai.tool.name", "tool.name", "traceloop.entity.name"]
LOCAL_COSTS: Final[dict[str, str]] = {
    "operation.cost": "genai-prices",
    "gen_ai.usage.cost": "custom",
}
"""Attribute with a cost that no provider reported -> whose figure it is."""
COST_SOURCES: Final[list[str]] = ["handspan.cost.source", "gen_ai.usage.cost.source"]
REPORTED_COSTS: Final[list[str]] = [
    "handspan.cost.usd",
    "gen_ai.usage.cost.amount",
    "llm.cost.total",
]
COLUMNS: Final[list[tuple[str, list[tuple[str, bool, str, list[str]]]]]] = [
    (
        "handspan.handoff.source",
        [
            ("handspan.handoff.source", False, "", ["handoff"]),
            ("gen_ai.agent.handoff.source.name", False, "", ["handoff"]),
            ("gen_ai.handoff.from_agent", True, "", ["handoff"]),
            ("langgraph.command.source_node", True, "", ["handoff"]),
            ("handspan.agent.name", False, "", ["handoff"]),
            ("gen_ai.agent.name", False, "", ["handoff"]),
        ],
    ),
    (
        "handspan.handoff.target",
        [
            ("handspan.handoff.target", False, "", []),
            ("gen_ai.transfer.target.name", False, "", []),
            ("gen_ai.agent.handoff.target.name", False, "", []),
            ("gen_ai.handoff.to_agent", True, "", []),
            ("langgraph.command.goto_node", True, "", []),
            ("traceloop.association.properties.__handoff_destination", True, "", []),
        ],
    ),
    (
        "gen_ai.workflow.name",
        [
            ("gen_ai.workflow.name", False, "", ["workflow"]),
            ("traceloop.entity.name", True, "", ["workflow"]),
            ("handspan.workflow.name", False, "", []),
            ("gen_ai.workflow.name", False, "", []),
            ("traceloop.workflow.name", True, "", []),
            ("langfuse.trace.name", True, "", []),
        ],
    ),
    (
        "gen_ai.agent.name",
        [
            ("handspan.handoff.source", False, "", ["handoff"]),
            ("gen_ai.agent.handoff.source.name", False, "", ["handoff"]),
            ("gen_ai.handoff.from_agent", True, "", ["handoff"]),
            ("langgraph.command.source_node", True, "", ["handoff"]),
            (
                "handspan.agent.name",
                False,
                "",
                [
                    "budget",
                    "chain",
                    "decision",
                    "embedding",
                    "fault",
                    "handoff",
                    "human",
                    "llm",
                    "memory",
                    "message",
                    "metric",
                    "queued",
                    "rating",
                    "recovery",
                    "retrieval",
                    "session",
                    "task",
                    "tool",
                    "validation",
                    "workflow",
                ],
            ),
            ("crewai.agent.role", True, "", []),
            ("gen_ai.agent.name", False, "", []),
            ("traceloop.association.properties.lc_agent_name", True, "", []),
            ("langsmith.metadata.lc_agent_name", True, "", []),
            ("agent.name", True, "", []),
            ("graph.node.name", True, "", ["agent"]),
            ("graph.node.id", True, "", ["agent"]),
            ("traceloop.entity.name", True, "", ["agent"]),
            ("handspan.agent.name", False, "", ["plan"]),
        ],
    ),
    (
        "session.id",
        [
            ("session.id", False, "", []),
            ("traceloop.association.properties.session_id", True, "", []),
            ("langsmith.metadata.session_id", True, "", []),
        ],
    ),
    (
        "gen_ai.conversation.id",
        [
            ("gen_ai.conversation.id", False, "", []),
            ("session.id", True, "openinference", []),
            ("session.id", True, "langfuse", []),
            ("traceloop.association.properties.session_id", True, "", []),
            ("traceloop.association.properties.thread_id", True, "", []),
            ("langsmith.metadata.session_id", True, "", []),
            ("langsmith.metadata.thread_id", True, "", []),
            ("langsmith.metadata.conversation_id", True, "", []),
        ],
    ),
    (
        "user.id",
        [
            ("user.id", False, "", []),
            ("traceloop.association.properties.user_id", True, "", []),
            ("gen_ai.user", True, "", []),
            ("llm.user", True, "", []),
            ("langsmith.metadata.user_id", True, "", []),
        ],
    ),
    (
        "gen_ai.tool.name",
        [
            ("gen_ai.tool.name", False, "", []),
            ("tool.name", True, "", []),
            ("traceloop.entity.name", True, "", ["tool"]),
        ],
    ),
    (
        "gen_ai.provider.name",
        [
            ("gen_ai.provider.name", False, "", []),
            ("langsmith.metadata.ls_provider", True, "", []),
            ("gen_ai.system", False, "", []),
            ("llm.provider", True, "", []),
            ("llm.system", True, "", []),
        ],
    ),
    (
        "gen_ai.request.model",
        [
            ("gen_ai.response.model", False, "", []),
            ("gen_ai.request.model", False, "", []),
            ("llm.model_name", True, "", []),
            ("llm.response.model_name", True, "", []),
            ("llm.request.model_name", True, "", []),
            ("embedding.model_name", True, "", []),
            ("langfuse.observation.model.name", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.input_tokens",
        [
            ("gen_ai.usage.input_tokens", False, "", []),
            ("llm.token_count.prompt", True, "", []),
            ("gen_ai.usage.prompt_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.output_tokens",
        [
            ("gen_ai.usage.output_tokens", False, "", []),
            ("llm.token_count.completion", True, "", []),
            ("gen_ai.usage.completion_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.cache_read.input_tokens",
        [
            ("gen_ai.usage.cache_read.input_tokens", False, "", []),
            ("llm.token_count.prompt_details.cache_read", True, "", []),
            ("llm.token_count.prompt_details.cache_input", True, "", []),
            ("gen_ai.usage.cache_read_input_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.cache_write.input_tokens",
        [
            ("gen_ai.usage.cache_write.input_tokens", False, "", []),
            ("gen_ai.usage.cache_creation.input_tokens", False, "", []),
            ("llm.token_count.prompt_details.cache_write", True, "", []),
            ("gen_ai.usage.cache_creation_input_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.reasoning.output_tokens",
        [
            ("gen_ai.usage.reasoning.output_tokens", False, "", []),
            ("llm.token_count.completion_details.reasoning", True, "", []),
            ("gen_ai.usage.reasoning_tokens", True, "", []),
            ("gen_ai.usage.details.reasoning_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.audio.input_tokens",
        [
            ("gen_ai.usage.audio.input_tokens", False, "", []),
            ("llm.token_count.prompt_details.audio", True, "", []),
            ("gen_ai.usage.details.input_audio_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.image.input_tokens",
        [
            ("gen_ai.usage.image.input_tokens", False, "", []),
            ("gen_ai.usage.details.input_image_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.audio.output_tokens",
        [
            ("gen_ai.usage.audio.output_tokens", False, "", []),
            ("llm.token_count.completion_details.audio", True, "", []),
            ("gen_ai.usage.details.output_audio_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.image.output_tokens",
        [
            ("gen_ai.usage.image.output_tokens", False, "", []),
            ("gen_ai.usage.details.output_image_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.audio.cache_read.input_tokens",
        [
            ("gen_ai.usage.audio.cache_read.input_tokens", False, "", []),
            ("gen_ai.usage.details.cache_audio_read_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.image.cache_read.input_tokens",
        [
            ("gen_ai.usage.image.cache_read.input_tokens", False, "", []),
            ("gen_ai.usage.details.cache_image_read_tokens", True, "", []),
        ],
    ),
    (
        "handspan.usage.cache_write_1h_tokens",
        [
            ("handspan.usage.cache_write_1h_tokens", False, "", []),
            ("gen_ai.usage.cache_creation.ephemeral_1h_input_tokens", True, "", []),
            ("gen_ai.usage.details.ephemeral_1h_input_tokens", True, "", []),
            ("gen_ai.usage.details.cache_write_1h_tokens", True, "", []),
        ],
    ),
    (
        "gen_ai.usage.cost.amount",
        [
            ("handspan.cost.usd", False, "", []),
            ("gen_ai.usage.cost.amount", False, "", []),
            ("llm.cost.total", True, "", []),
            ("operation.cost", True, "", []),
            ("gen_ai.usage.cost", True, "", []),
        ],
    ),
]
"""Standard name -> attributes in order: name, foreign?, convention or "", kinds or none."""
UNKNOWN_WORDS: Final[list[tuple[list[str], list[str], list[str]]]] = [
    (
        [
            "gen_ai.response.model",
            "gen_ai.request.model",
            "llm.model_name",
            "llm.response.model_name",
            "llm.request.model_name",
            "embedding.model_name",
            "langfuse.observation.model.name",
        ],
        ["unknown"],
        [
            "gen_ai.response.model",
            "gen_ai.request.model",
            "llm.model_name",
            "llm.response.model_name",
            "llm.request.model_name",
            "embedding.model_name",
            "langfuse.observation.model.name",
        ],
    ),
    (
        [
            "gen_ai.provider.name",
            "langsmith.metadata.ls_provider",
            "gen_ai.system",
            "llm.provider",
            "llm.system",
        ],
        [
            "ag2",
            "agno",
            "autogen",
            "crewai",
            "dspy",
            "fm",
            "google_adk",
            "haystack",
            "langchain",
            "langgraph",
            "llama-index",
            "llama_index",
            "llamaindex",
            "microsoft.agent_framework",
            "openai-agents",
            "openai_agents",
            "pydantic-ai",
            "pydantic_ai",
            "semantic_kernel",
            "smolagents",
            "strands",
            "strands-agents",
        ],
        [
            "gen_ai.provider.name",
            "langsmith.metadata.ls_provider",
            "gen_ai.system",
            "llm.provider",
            "llm.system",
        ],
    ),
]
"""Attributes of which the first has one of the words (in lower case) -> what is taken away."""
MADE_UP: Final[dict[str, list[str]]] = {
    "crewai": [
        "gen_ai.conversation.id",
        "traceloop.association.properties.session_id",
        "traceloop.association.properties.thread_id",
        "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id",
        "langsmith.metadata.conversation_id",
    ],
}
"""Scope -> attributes in which it puts something else."""
MESSAGE_SPANS: Final[dict[str, tuple[str, str, list[tuple[str, str]], str]]] = {
    "autogen SingleThreadedAgentRuntime": (
        "messaging.operation",
        "process",
        [
            ("handspan.message.source", "sender_agent_type"),
            ("handspan.message.target", "recipient_agent_type"),
        ],
        "^(?P<name>.+?)(?:_[0-9a-f]{8}-[0-9a-f-]{27})?$",
    ),
}
"""Scope -> attribute, its word, standard name and attribute of sender and of target, pattern."""
LANGFUSE: Final[str] = "langfuse"
CALLED: Final[dict[str, str]] = {
    "agent": "gen_ai.agent.name",
    "tool": "gen_ai.tool.name",
    "workflow": "gen_ai.workflow.name",
    "validation": "gen_ai.evaluation.name",
}
"""Kind -> the standard name that gets the name of a Langfuse span."""
BUCKETS_KEY: Final[str] = "langfuse.observation.usage_details"
"""Langfuse: a JSON text with numbers of tokens by bucket."""
BUCKETS: Final[list[tuple[str, list[str]]]] = [
    ("gen_ai.usage.input_tokens", ['"(?:input)": ?(?P<count>[0-9]{1,18}) ?[,}]']),
    ("gen_ai.usage.output_tokens", ['"(?:output)": ?(?P<count>[0-9]{1,18}) ?[,}]']),
    (
        "gen_ai.usage.cache_read.input_tokens",
        [
            '"(?:cache_read_input_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_cache_read)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_cache_read_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_cached_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
        ],
    ),
    (
        "gen_ai.usage.cache_write.input_tokens",
        [
            '"(?:cache_creation_input_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_cache_creation)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_cache_write)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_cache_write_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
        ],
    ),
    (
        "gen_ai.usage.reasoning.output_tokens",
        [
            '"(?:output_reasoning)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:output_reasoning_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
        ],
    ),
    (
        "handspan.usage.cache_write_1h_tokens",
        [
            '"(?:cache_creation_ephemeral_1h_input_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
            '"(?:input_ephemeral_1h_input_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
        ],
    ),
]
"""Standard name -> patterns of the buckets that hold it."""
BUCKETS_ADDED: Final[dict[str, list[str]]] = {
    "gen_ai.usage.cache_write.input_tokens": [
        '"(?:input_ephemeral_5m_input_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
        '"(?:input_ephemeral_1h_input_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
    ],
}
"""Standard name -> patterns of buckets that count, each of them, beside those."""
BUCKETS_BESIDE: Final[dict[str, list[str]]] = {
    "gen_ai.usage.input_tokens": [
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
    ],
    "gen_ai.usage.output_tokens": ["gen_ai.usage.reasoning.output_tokens"],
}
"""Standard name -> what lies beside it and is part of it here."""
BUCKETS_WHOLE: Final[str] = '"(?:total)": ?(?P<count>[0-9]{1,18}) ?[,}]'
"""Pattern of the bucket that tells whether the others are in input and output already."""
BUCKETS_INCLUSIVE: Final[dict[str, str]] = {
    "gen_ai.usage.input_tokens": '"(?:prompt_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
    "gen_ai.usage.output_tokens": '"(?:completion_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
    "gen_ai.usage.cache_read.input_tokens": '"(?:cached_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
    "gen_ai.usage.reasoning.output_tokens": '"(?:reasoning_tokens)": ?(?P<count>[0-9]{1,18}) ?[,}]',
}
"""Standard name -> pattern in usage as OpenAI tells it."""
ERROR_TYPE: Final[str] = "error.type"
EXCEPTION_MESSAGE: Final[str] = "exception.message"
RAISED_IN_MESSAGE: Final[dict[str, str]] = {"langsmith": "^(?P<type>[A-Za-z_][A-Za-z0-9_.]*)[(]"}
"""Scope -> where in the message of its exceptions their type stands."""
USAGE_KEY: Final[str] = "langsmith.metadata.usage_metadata"
"""LangSmith: a JSON text with LangChain's usage."""
USAGE: Final[dict[str, list[str]]] = {
    "gen_ai.usage.cache_read.input_tokens": [
        '"input_token_details":[{][^}]*"cache_read":(?P<count>[0-9]{1,18})[,}]',
    ],
    "gen_ai.usage.cache_write.input_tokens": [
        '"input_token_details":[{][^}]*"cache_creation":(?P<count>[0-9]{1,18})[,}]',
    ],
    "gen_ai.usage.reasoning.output_tokens": [
        '"output_token_details":[{][^}]*"reasoning":(?P<count>[0-9]{1,18})[,}]',
    ],
    "gen_ai.usage.audio.input_tokens": [
        '"input_token_details":[{][^}]*"audio":(?P<count>[0-9]{1,18})[,}]',
    ],
    "gen_ai.usage.audio.output_tokens": [
        '"output_token_details":[{][^}]*"audio":(?P<count>[0-9]{1,18})[,}]',
    ],
    "handspan.usage.cache_write_1h_tokens": [
        '"input_token_details":[{][^}]*"ephemeral_1h_input_tokens":(?P<count>[0-9]{1,18})[,}]',
    ],
}
"""Standard name -> patterns of the count in it."""
USAGE_ADDED: Final[dict[str, list[str]]] = {
    "gen_ai.usage.cache_write.input_tokens": [
        '"input_token_details":[{][^}]*"ephemeral_5m_input_tokens":(?P<count>[0-9]{1,18})[,}]',
        '"input_token_details":[{][^}]*"ephemeral_1h_input_tokens":(?P<count>[0-9]{1,18})[,}]',
    ],
}
"""Standard name -> patterns of counts that are added to it."""
COST_KEY: Final[str] = "langfuse.observation.cost_details"
COST_TOTAL: Final[str] = '"total": ?(?P<usd>[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]+)?) ?[,}]'
COST: Final[str] = "gen_ai.usage.cost.amount"

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

"""Every name that Handspan writes: attributes, span names, events, and the values they take.

The only file with such strings, imported by both packages; it needs nothing but the standard
library. Under each constant stands, always in this form and read by docs/generate.py:

    <type>[, <unit>]. <meaning> On: <spans>. Source: <who defined it>.

Standard names are those of OpenTelemetry's GenAI conventions, which are unreleased: we follow
open-telemetry/semantic-conventions-genai as of commit 32c328e. What they lack is under
`handspan.*`; Handspan never makes up a `gen_ai.*` name.
"""

from __future__ import annotations

from typing import Final, Literal

SCHEMA_VERSION: Final = "1.0"
"""Version of this set of names, written on the resource; it moves apart from the package's."""

GENAI_CONVENTIONS_COMMIT: Final = "32c328e"
"""Commit of open-telemetry/semantic-conventions-genai whose names are used here."""

SCOPE_NAME: Final = "handspan"
"""Instrumentation scope of every span that Handspan makes."""

# --- Resource ---

HANDSPAN_SCHEMA_VERSION: Final = "handspan.schema.version"
"""string. Version of the names used by the sender, see `SCHEMA_VERSION`. On: resource. Source:
Handspan."""

SERVICE_NAME: Final = "service.name"
"""string. Name of the program that sends. On: resource. Source: OpenTelemetry."""

SERVICE_INSTANCE_ID: Final = "service.instance.id"
"""string. Tells the processes of one program apart; one that falls silent has lost its open spans.
On: resource. Source: OpenTelemetry."""

TENANT: Final = "handspan.tenant"
"""string. Whose token brought it; written by `handspan serve` alone. On: resource. Source:
Handspan."""

# --- Every span ---

KIND: Final = "handspan.kind"
"""string. What the span is, one of `Kind`. On: all spans that Handspan makes. Source: Handspan."""

AGENT_NAME: Final = "handspan.agent.name"
"""string. Agent that runs, set from context at start. On: all spans. Source: Handspan."""

WORKFLOW_NAME: Final = "handspan.workflow.name"
"""string. Workflow that runs, set from context at start. On: all spans. Source: Handspan."""

WORKFLOW_ID: Final = "handspan.workflow.id"
"""string. The user's id of the run, else its trace id; a workflow inside another without an id of
its own: trace id, a hyphen, span id. On: all spans. Source: Handspan."""

ATTEMPT: Final = "handspan.attempt"
"""int. Which attempt at the task runs, from 1. On: all spans. Source: Handspan."""

ERROR_TYPE: Final = "error.type"
"""string. Class of the error that ended the operation. On: all spans. Source: OpenTelemetry."""

ERROR_TYPE_OTHER: Final = "_OTHER"
"""Value of `error.type` when nothing better is known (OpenTelemetry)."""

# --- Workflow ---

WORKFLOW_PLAN: Final = "handspan.workflow.plan"
"""string[]. Agents in the planned order. On: workflow. Source: Handspan."""

WORKFLOW_ESTIMATED_S: Final = "handspan.workflow.estimated_s"
"""double, s. How long the run is expected to take. On: workflow. Source: Handspan."""

WORKFLOW_OUTCOME: Final = "handspan.workflow.outcome"
"""string. How the run ended, one of `WorkflowOutcome`; wins over the span's status. On: workflow.
Source: Handspan."""

PROJECT: Final = "handspan.project"
"""string. Project the run belongs to. On: workflow. Source: Handspan."""

FEATURE: Final = "handspan.feature"
"""string. Feature the run works for; cost is summed by it. On: workflow. Source: Handspan."""

SEED: Final = "handspan.seed"
"""int. Seed of the run's random choices. On: workflow. Source: Handspan."""

WORKFLOW_METADATA_PREFIX: Final = "handspan.workflow.metadata."
"""scalar. What the framework's own trace says of the run; its key is behind this prefix. On:
workflow. Source: Handspan."""

SESSION_ID: Final = "session.id"
"""string. Session of the user. On: workflow. Source: OpenTelemetry."""

USER_ID: Final = "user.id"
"""string. User on whose behalf the run works. On: workflow. Source: OpenTelemetry."""

GEN_AI_CONVERSATION_ID: Final = "gen_ai.conversation.id"
"""string. Conversation as the framework or provider names it, never made up. On: workflow, agent,
llm. Source: OpenTelemetry GenAI."""

GEN_AI_WORKFLOW_NAME: Final = "gen_ai.workflow.name"
"""string. Name of the workflow. On: workflow. Source: OpenTelemetry GenAI."""

LINK: Final = "handspan.link"
"""string. Why the span links to another, one of `LinkReason`. On: links. Source: Handspan."""

# --- Agent and task ---

GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
"""string. Name of the agent; on a tool span the agent that uses the tool. On: agent, plan, tool.
Source: OpenTelemetry GenAI."""

AGENT_TYPE: Final = "handspan.agent.type"
"""string. Kind of agent, for example researcher; orchestrator, router and planner count as
coordination. On: agent. Source: Handspan."""

AGENT_VERSION: Final = "handspan.agent.version"
"""string. Version of the agent. On: agent. Source: Handspan."""

TASK_ID: Final = "handspan.task.id"
"""string. The user's id of the task; the same for every attempt. On: agent, task. Source:
Handspan."""

TASK_TYPE: Final = "handspan.task.type"
"""string. Kind of task, for example bug_fix. On: agent, task. Source: Handspan."""

TASK_DOMAIN: Final = "handspan.task.domain"
"""string. Field the task is from, for example backend. On: agent, task. Source: Handspan."""

TASK_DESCRIPTION: Final = "handspan.task.description"
"""string. The task in words, only with content capture. On: agent, task. Source: Handspan."""

TASK_FEATURE: Final = "handspan.task.feature"
"""string. Feature the task works for. On: agent, task. Source: Handspan."""

TASK_ESTIMATED_COST_USD: Final = "handspan.task.estimated_cost_usd"
"""double, USD. What the task is expected to cost. On: agent, task. Source: Handspan."""

TASK_QUEUED_AT_NS: Final = "handspan.task.queued_at_ns"
"""int, ns since epoch. When the task was queued; time to completion starts here. On: agent, task.
Source: Handspan."""

TASK_FILES_MODIFIED: Final = "handspan.task.files_modified"
"""string[]. Files that the task changed. On: agent, task. Source: Handspan."""

STATE_PREFIX: Final = "handspan.state."
"""scalar or array. Features of the situation; nested keys are joined with dots behind this
prefix. On: agent, task. Source: Handspan."""

# --- Handoff ---

HANDOFF_SOURCE: Final = "handspan.handoff.source"
"""string. Agent that gives control away. On: handoff. Source: Handspan."""

HANDOFF_TARGET: Final = "handspan.handoff.target"
"""string. Agent, human or workflow that receives control. On: handoff. Source: Handspan."""

HANDOFF_MODE: Final = "handspan.handoff.mode"
"""string. Delegation or transfer, one of `HandoffMode`. On: handoff. Source: Handspan."""

HANDOFF_TARGET_TYPE: Final = "handspan.handoff.target_type"
"""string. What receives control, one of `HandoffTargetType`. On: handoff. Source: Handspan."""

HANDOFF_REASON: Final = "handspan.handoff.reason"
"""string. Why control is given away. On: handoff. Source: Handspan."""

HANDOFF_ARTIFACTS: Final = "handspan.handoff.artifacts"
"""string[]. Names of what is handed over. On: handoff. Source: Handspan."""

HANDOFF_PAYLOAD_BYTES: Final = "handspan.handoff.payload_bytes"
"""int, bytes. Size of what is handed over. On: handoff. Source: Handspan."""

HANDOFF_SEQ: Final = "handspan.handoff.seq"
"""int. Which handoff of the trace this is, from 1, counted in each process. On: handoff. Source:
Handspan."""

HANDOFF_OUTCOME: Final = "handspan.handoff.outcome"
"""string. Whether the target took over, one of `HandoffOutcome`; absent when the sender cannot
know. On: handoff. Source: Handspan."""

# --- LLM ---

GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
"""string. Operation of the GenAI conventions, for example chat. On: workflow, agent, plan, tool,
llm. Source: OpenTelemetry GenAI."""

GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
"""string. Who runs the model, for example openai. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
"""string. Model that was asked for. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
"""bool. Whether the answer is streamed; absent when not. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
"""string. Model that answered. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
"""string. The provider's id of the answer. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
"""string[]. Why the model stopped, one per choice. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""double, s. From the request to the first piece of the answer. On: llm. Source: OpenTelemetry
GenAI."""

GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
"""int, tokens. All input, cached tokens included. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
"""int, tokens. All output, reasoning tokens included. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
"""int, tokens. Part of the input that came from the provider's cache. On: llm. Source:
OpenTelemetry GenAI."""

GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
"""int, tokens. Part of the input that was written to the provider's cache. On: llm. Source:
OpenTelemetry GenAI."""

GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
"""int, tokens. Part of the output that is reasoning. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_AUDIO_INPUT_TOKENS: Final = "gen_ai.usage.audio.input_tokens"
"""int, tokens. Part of the input that is sound. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_IMAGE_INPUT_TOKENS: Final = "gen_ai.usage.image.input_tokens"
"""int, tokens. Part of the input that is pictures. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS: Final = "gen_ai.usage.audio.output_tokens"
"""int, tokens. Part of the output that is sound. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.image.output_tokens"
"""int, tokens. Part of the output that is pictures. On: llm. Source: OpenTelemetry GenAI."""

GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.audio.cache_read.input_tokens"
"""int, tokens. Part of the cached input, and of the sound in it. On: llm. Source: OpenTelemetry
GenAI."""

GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS: Final = "gen_ai.usage.image.cache_read.input_tokens"
"""int, tokens. Part of the cached input, and of the pictures in it. On: llm. Source: OpenTelemetry
GenAI."""

USAGE_CACHE_WRITE_1H_TOKENS: Final = "handspan.usage.cache_write_1h_tokens"
"""int, tokens. Part of the input written to the cache, to live there for an hour. On: llm. Source:
Handspan."""

Modality = Literal[
    "input_audio",
    "input_image",
    "output_audio",
    "output_image",
    "cache_read_audio",
    "cache_read_image",
    "cache_write_1h",
]
"""Kinds of token, beside text, that may have a price of their own: sound, pictures, and what stays
in the cache for an hour."""

MODALITY_TOKENS: Final[dict[Modality, str]] = {
    "input_audio": GEN_AI_USAGE_AUDIO_INPUT_TOKENS,
    "input_image": GEN_AI_USAGE_IMAGE_INPUT_TOKENS,
    "output_audio": GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS,
    "output_image": GEN_AI_USAGE_IMAGE_OUTPUT_TOKENS,
    "cache_read_audio": GEN_AI_USAGE_AUDIO_CACHE_READ_INPUT_TOKENS,
    "cache_read_image": GEN_AI_USAGE_IMAGE_CACHE_READ_INPUT_TOKENS,
    "cache_write_1h": USAGE_CACHE_WRITE_1H_TOKENS,
}

USAGE_PARTIAL: Final = "handspan.usage.partial"
"""bool. The stream was abandoned, so usage is what was seen until then. On: llm. Source:
Handspan."""

COST_USD: Final = "handspan.cost.usd"
"""double, USD. Cost of the call; absent when unknown, never 0 for unknown. On: llm. Source:
Handspan."""

COST_INPUT_USD: Final = "handspan.cost.input_usd"
"""double, USD. Input's part of the cost. On: llm. Source: Handspan."""

COST_OUTPUT_USD: Final = "handspan.cost.output_usd"
"""double, USD. Output's part of the cost. On: llm. Source: Handspan."""

COST_SOURCE: Final = "handspan.cost.source"
"""string. Who computed the cost, one of `CostSource`. On: llm. Source: Handspan."""

COST_PRICE_VERSION: Final = "handspan.cost.price_version"
"""string. Version of the price list. On: llm. Source: Handspan."""

COST_UNKNOWN_REASON: Final = "handspan.cost.unknown_reason"
"""string. Why there is no cost. On: llm. Source: Handspan."""

GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"
"""string, JSON. Messages sent, only with content capture. On: llm, agent, workflow. Source:
OpenTelemetry GenAI."""

GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
"""string, JSON. Messages received, only with content capture. On: llm, agent, workflow. Source:
OpenTelemetry GenAI."""

GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
"""string, JSON. Instructions to the model, only with content capture. On: llm, agent. Source:
OpenTelemetry GenAI."""

# --- Tool ---

GEN_AI_TOOL_NAME: Final = "gen_ai.tool.name"
"""string. Name of the tool. On: tool. Source: OpenTelemetry GenAI."""

GEN_AI_TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
"""string. The model's id of the call. On: tool. Source: OpenTelemetry GenAI."""

GEN_AI_TOOL_TYPE: Final = "gen_ai.tool.type"
"""string. function, extension or datastore. On: tool. Source: OpenTelemetry GenAI."""

GEN_AI_TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
"""string. What the tool is for. On: tool. Source: OpenTelemetry GenAI."""

GEN_AI_TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
"""string, JSON. Arguments of the call, only with content capture. On: tool. Source: OpenTelemetry
GenAI."""

GEN_AI_TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
"""string, JSON. Result of the call, only with content capture. On: tool. Source: OpenTelemetry
GenAI."""

# --- Validation ---

VALIDATION_NAME: Final = "handspan.validation.name"
"""string. What is checked. On: validation. Source: Handspan."""

VALIDATION_VALIDATOR: Final = "handspan.validation.validator"
"""string. Who checks. On: validation. Source: Handspan."""

VALIDATION_RESULT: Final = "handspan.validation.result"
"""string. One of `ValidationResult`. On: validation. Source: Handspan."""

VALIDATION_SCORE: Final = "handspan.validation.score"
"""double. Score that the validator gave. On: validation. Source: Handspan."""

VALIDATION_ROLE: Final = "handspan.validation.role"
"""string. One of `ValidationRole`; critic feeds the rejection rate. On: validation. Source:
Handspan."""

GEN_AI_EVALUATION_NAME: Final = "gen_ai.evaluation.name"
"""string. Name of the evaluation. On: validation. Source: OpenTelemetry GenAI."""

GEN_AI_EVALUATION_SCORE_VALUE: Final = "gen_ai.evaluation.score.value"
"""double. Score of the evaluation. On: validation. Source: OpenTelemetry GenAI."""

GEN_AI_EVALUATION_SCORE_LABEL: Final = "gen_ai.evaluation.score.label"
"""string. Score as a word. On: validation. Source: OpenTelemetry GenAI."""

GEN_AI_EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
"""string. Why this score. On: validation. Source: OpenTelemetry GenAI."""

# --- Fault, recovery and resilience ---

FAULT_ID: Final = "handspan.fault.id"
"""string. Pairs the fault with its recoveries. On: fault. Source: Handspan."""

FAULT_TYPE: Final = "handspan.fault.type"
"""string. Kind of fault, for example timeout. On: fault. Source: Handspan."""

FAULT_TARGET: Final = "handspan.fault.target"
"""string. Tool, model or agent that is hit. On: fault. Source: Handspan."""

FAULT_PARAMETERS: Final = "handspan.fault.parameters"
"""string, JSON. Parameters of the fault. On: fault. Source: Handspan."""

FAULT_SEED: Final = "handspan.fault.seed"
"""int. Seed of the fault's random choices. On: fault. Source: Handspan."""

FAULT_INJECTED: Final = "handspan.fault.injected"
"""bool. False for a real fault. On: fault. Source: Handspan."""

FAULT_SEVERITY: Final = "handspan.fault.severity"
"""double. Weight in the resilience score; 1 when absent. On: fault. Source: Handspan."""

FAULT_SCORE_IMPACT: Final = "handspan.fault.score_impact"
"""double. Change of the score that the sender saw. On: fault. Source: Handspan."""

FAULT_DEADLINE_S: Final = "handspan.fault.deadline_s"
"""double, s. Time within which a recovery counts. On: fault. Source: Handspan."""

RECOVERY_STRATEGY: Final = "handspan.recovery.strategy"
"""string. What is tried, for example retry. On: recovery. Source: Handspan."""

RECOVERY_FAULT_ID: Final = "handspan.recovery.fault_id"
"""string. `handspan.fault.id` of the fault. On: recovery. Source: Handspan."""

RECOVERY_ATTEMPT: Final = "handspan.recovery.attempt"
"""int. Which attempt this is, from 1. On: recovery. Source: Handspan."""

RECOVERY_SUCCESS: Final = "handspan.recovery.success"
"""bool. Whether the fault is overcome. On: recovery. Source: Handspan."""

RESILIENCE_SCORE: Final = "handspan.resilience.score"
"""double, 0..100. Share of faults overcome, weighted; absent when no fault occurred. On:
workflow. Source: Handspan."""

# --- Human, rating and budget ---

HUMAN_REASON: Final = "handspan.human.reason"
"""string. Why a person is asked. On: human. Source: Handspan."""

HUMAN_PRIORITY: Final = "handspan.human.priority"
"""string. One of `HumanPriority`. On: human. Source: Handspan."""

HUMAN_DECISION: Final = "handspan.human.decision"
"""string. One of `HumanDecision`. On: human. Source: Handspan."""

RATING_QUALITY: Final = "handspan.rating.quality"
"""int, 1..5. 5 exactly what was needed, 1 failed. On: rating. Source: Handspan."""

RATING_SUCCESS: Final = "handspan.rating.success"
"""bool. Whether the work did what it should. On: rating. Source: Handspan."""

RATING_SOURCE: Final = "handspan.rating.source"
"""string. Who rates, for example human. On: rating. Source: Handspan."""

RATING_NOTES: Final = "handspan.rating.notes"
"""string. The rating in words. On: rating. Source: Handspan."""

RATING_WOULD_USE_AGAIN: Final = "handspan.rating.would_use_again"
"""bool. Whether the rater would give this agent such a task again. On: rating. Source: Handspan."""

RATING_ALTERNATIVE_AGENT: Final = "handspan.rating.alternative_agent"
"""string. Agent that should have done it. On: rating. Source: Handspan."""

BUDGET_NAME: Final = "handspan.budget.name"
"""string. Name of the budget. On: budget events. Source: Handspan."""

BUDGET_SCOPE: Final = "handspan.budget.scope"
"""string. What the budget covers, for example workflow. On: budget events. Source: Handspan."""

BUDGET_LIMIT_USD: Final = "handspan.budget.limit_usd"
"""double, USD. The limit. On: budget events. Source: Handspan."""

BUDGET_USED_USD: Final = "handspan.budget.used_usd"
"""double, USD. What is used of it. On: budget events. Source: Handspan."""

BUDGET_USED_RATIO: Final = "handspan.budget.used_ratio"
"""double. Used part of the limit; above 1 when exceeded. On: budget events. Source: Handspan."""

BUDGET_STATE: Final = "handspan.budget.state"
"""string. One of `BudgetState`; warning from 80 %. On: budget events. Source: Handspan."""

# --- Session and resources ---

SESSION_ACTION: Final = "handspan.session.action"
"""string. What happened, for example user_interaction. On: session events. Source: Handspan."""

SESSION_STEP: Final = "handspan.session.step"
"""int. Number of the step in the session. On: session events. Source: Handspan."""

SESSION_ELEMENT: Final = "handspan.session.element"
"""string. Element that the action touched. On: session events. Source: Handspan."""

PERFORMANCE_IMPACT: Final = "handspan.performance_impact"
"""double. Change of performance that the sender saw. On: session events. Source: Handspan."""

RESOURCE_CPU_RATIO: Final = "handspan.resource.cpu_ratio"
"""double. Share of one CPU, where measured. On: any span. Source: Handspan."""

RESOURCE_MEMORY_BYTES: Final = "handspan.resource.memory_bytes"
"""int, bytes. Memory in use, where measured. On: any span. Source: Handspan."""

METRIC_NAME: Final = "handspan.metric.name"
"""string. Name of a number recorded on a run. On: metric events. Source: Handspan."""

METRIC_VALUE: Final = "handspan.metric.value"
"""double. The number. On: metric events. Source: Handspan."""

# --- Decisions and messages ---

DECISION_NAME: Final = "handspan.decision.name"
"""string. What is decided, for example next_agent. On: decision events. Source: Handspan."""

DECISION_CHOICE: Final = "handspan.decision.choice"
"""string. What was chosen. On: decision events. Source: Handspan."""

DECISION_ALTERNATIVES: Final = "handspan.decision.alternatives"
"""string[]. What else there was to choose. On: decision events. Source: Handspan."""

DECISION_CONFIDENCE: Final = "handspan.decision.confidence"
"""double, 0..1. How sure the agent was. On: decision events. Source: Handspan."""

DECISION_REASON: Final = "handspan.decision.reason"
"""string. Why this was chosen. On: decision events. Source: Handspan."""

MESSAGE_SOURCE: Final = "handspan.message.source"
"""string. Agent that sends; absent: the agent of the span. On: message events. Source: Handspan."""

MESSAGE_TARGET: Final = "handspan.message.target"
"""string. Agent that is written to; absent when all are. On: message events. Source: Handspan."""

MESSAGE_TYPE: Final = "handspan.message.type"
"""string. Kind of message, for example proposal. On: message events. Source: Handspan."""

MESSAGE_PAYLOAD_BYTES: Final = "handspan.message.payload_bytes"
"""int, bytes. Size of the message. On: message events. Source: Handspan."""

# --- What was changed before sending, and what is announced ---

TRUNCATED: Final = "handspan.truncated"
"""string[]. What was cut or left out to keep the span small: name, a space, and how many bytes it
had. On: all spans. Source: Handspan."""

PARENT_SPAN_ID: Final = "handspan.parent_span_id"
"""string. Span id of the parent, 16 hex digits; absent at the root. On: the log record
`handspan.started`. Source: Handspan."""

# --- Open proposals to the GenAI conventions, mirrored only behind a setting ---

GEN_AI_USAGE_COST_AMOUNT: Final = "gen_ai.usage.cost.amount"
"""double. Cost of the call. On: llm. Source: proposal 443 to OpenTelemetry GenAI."""

GEN_AI_USAGE_COST_CURRENCY: Final = "gen_ai.usage.cost.currency"
"""string, ISO 4217. Currency of the cost. On: llm. Source: proposal 443 to OpenTelemetry GenAI."""

GEN_AI_USAGE_COST_SOURCE: Final = "gen_ai.usage.cost.source"
"""string. provider or local. On: llm. Source: proposal 443 to OpenTelemetry GenAI."""

GEN_AI_TRANSFER_TARGET_NAME: Final = "gen_ai.transfer.target.name"
"""string. Agent that receives control. On: handoff. Source: proposal to OpenTelemetry GenAI."""

GEN_AI_TRANSFER_MODE: Final = "gen_ai.transfer.mode"
"""string. How control is given away. On: handoff. Source: proposal to OpenTelemetry GenAI."""

# --- Span names: the operation, a space, and the name of the thing ---

OPERATION_WORKFLOW: Final = "invoke_workflow"
"""span name. `invoke_workflow {workflow}`. On: workflow. Source: OpenTelemetry GenAI."""

OPERATION_AGENT: Final = "invoke_agent"
"""span name. `invoke_agent {agent}`. On: agent. Source: OpenTelemetry GenAI."""

OPERATION_PLAN: Final = "plan"
"""span name. `plan {agent}`. On: plan. Source: OpenTelemetry GenAI."""

OPERATION_TOOL: Final = "execute_tool"
"""span name. `execute_tool {tool}`. On: tool. Source: OpenTelemetry GenAI."""

OPERATION_CHAT: Final = "chat"
"""span name. `chat {model}`. On: llm. Source: OpenTelemetry GenAI."""

SPAN_TASK: Final = "run_task"
"""span name. `run_task {type}`. On: task. Source: Handspan."""

SPAN_HANDOFF: Final = "handoff"
"""span name. `handoff {target}`. On: handoff. Source: Handspan."""

SPAN_VALIDATION: Final = "validate"
"""span name. `validate {name}`. On: validation. Source: Handspan."""

SPAN_FAULT: Final = "inject_fault"
"""span name. `inject_fault {type}`. On: fault. Source: Handspan."""

SPAN_RECOVERY: Final = "recover"
"""span name. `recover {strategy}`. On: recovery. Source: Handspan."""

SPAN_HUMAN: Final = "await_human"
"""span name. `await_human {reason}`. On: human. Source: Handspan."""

SPAN_RATING: Final = "rate"
"""span name. `rate {source}`. On: rating. Source: Handspan."""

# --- Events ---

EVENT_STARTED: Final = "handspan.started"
"""event name. Log record for a workflow, agent, handoff or human span still open after 1 s. On:
logs. Source: Handspan."""

# --- What is kept when a span is too large ---

ALWAYS_KEPT: Final = (
    "agent.name",
    "error.type",
    "gen_ai.",
    "graph.node.",
    "handspan.",
    "llm.cost.",
    "llm.model_name",
    "llm.provider",
    "llm.request.model_name",
    "llm.response.model_name",
    "llm.system",
    "llm.token_count.",
    "openinference.span.kind",
    "operation.cost",
    "service.",
    "session.id",
    "tool.name",
    "traceloop.association.",
    "traceloop.entity.name",
    "traceloop.span.kind",
    "traceloop.workflow.name",
    "user.id",
)
"""Beginnings of the names of attributes that say who did what at which cost, in any convention:
never left out for the sake of others, and cut last."""

NOT_KEPT: Final = (
    GEN_AI_INPUT_MESSAGES,
    GEN_AI_OUTPUT_MESSAGES,
    GEN_AI_SYSTEM_INSTRUCTIONS,
    GEN_AI_TOOL_CALL_ARGUMENTS,
    GEN_AI_TOOL_CALL_RESULT,
    GEN_AI_TOOL_DESCRIPTION,
    TASK_DESCRIPTION,
    STATE_PREFIX,
    WORKFLOW_METADATA_PREFIX,
    "gen_ai.completion",
    "gen_ai.prompt",
    "gen_ai.tool.definitions",
)
"""Beginnings of names that would be in `ALWAYS_KEPT` and are content: the first to be cut."""

EVENT_FAULT: Final = "handspan.fault"
"""event name. A fault that lasts no time, with the attributes of a fault span,
`handspan.fault.{id,type,target,parameters,seed,injected,severity,score_impact,deadline_s}`;
without a recording span a zero-length span `inject_fault {type}`. On: the span that it hits.
Source: Handspan."""

EVENT_BUDGET: Final = "handspan.budget"
"""event name. A budget's state when it changes and when its block ends, with
`handspan.budget.{name,scope,limit_usd,used_usd,used_ratio,state}`; without a recording span a
zero-length span of this name. On: the span around the call that was paid. Source: Handspan."""

EVENT_TASK_QUEUED: Final = "handspan.task.queued"
"""event name. A task was queued at the event's time, with
`handspan.task.{id,type,domain,feature,estimated_cost_usd}`; without a recording span a zero-length
span of this name. On: the span that queues it. Source: Handspan."""

EVENT_SESSION: Final = "handspan.session"
"""event name. A step of a session that lasts no time, with `handspan.session.{action,step,element}`
and, where known, `handspan.performance_impact`, `handspan.resource.{cpu_ratio,memory_bytes}`; its
faults, recoveries and checks are spans. On: the workflow span of the session. Source: Handspan."""

EVENT_METRIC: Final = "handspan.metric"
"""event name. A number recorded on a run, with `handspan.metric.{name,value}`; without a recording
span a zero-length span of this name. On: the span in which it is recorded. Source: Handspan."""

EVENT_DECISION: Final = "handspan.decision"
"""event name. An agent decided, with
`handspan.decision.{name,choice,alternatives,confidence,reason}`; without a recording span a
zero-length span of this name. On: the span in which it is decided. Source: Handspan."""

EVENT_MESSAGE: Final = "handspan.message"
"""event name. An agent wrote to another and goes on itself, with
`handspan.message.{source,target,type,payload_bytes}`; without a recording span a zero-length span
of this name. On: the span that sends. Source: Handspan."""

# --- Values: a parameter's type in Python and the words on the wire are one thing ---

Kind = Literal[
    "workflow",
    "agent",
    "plan",
    "handoff",
    "task",
    "llm",
    "tool",
    "retrieval",
    "validation",
    "fault",
    "recovery",
    "human",
    "rating",
    "drill",
]
"""What a span is."""

WorkflowOutcome = Literal["success", "failure", "cancelled"]
"""How a run ended."""

HandoffMode = Literal["return_to_caller", "pass_control"]
"""Delegation (the caller goes on afterwards) or transfer (the target takes over)."""

HandoffTargetType = Literal["agent", "human", "workflow"]
"""What receives control."""

HandoffOutcome = Literal["accepted", "refused", "lost"]
"""Whether the target took over."""

LinkReason = Literal["resumes", "rates", "handoff"]
"""Why a span links to another; `resumes` joins traces into one run."""

CostSource = Literal["provider", "genai-prices", "custom"]
"""Who computed the cost; the provider's own figure wins."""

ValidationResult = Literal["pass", "fail", "reject"]
"""What a validator found."""

ValidationRole = Literal["critic", "test", "guard", "human"]
"""In which role a validator looks."""

HumanPriority = Literal["low", "medium", "high", "critical"]
"""How urgent a question to a person is."""

HumanDecision = Literal["approved", "denied", "answered", "timed_out"]
"""How a wait for a person ended."""

BudgetState = Literal["ok", "warning", "exceeded"]
"""How much of a budget is used."""

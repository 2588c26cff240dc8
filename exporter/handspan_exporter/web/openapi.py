"""The OpenAPI document of the HTTP API, and its page: both made from `query.questions`."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from handspan_exporter.query import records
from handspan_exporter.query.operations import OPERATIONS, SINCE_MEANING
from handspan_exporter.query.questions import QUESTIONS, SINCE
from handspan_exporter.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from handspan_exporter.query.operations import Operation
    from handspan_exporter.query.questions import Parameter, Question

Schema = dict[str, Any]

_ERRORS = {
    "304": "Nothing has changed since the answer whose ETag was shown in If-None-Match.",
    "400": "The question is wrong; `parameter` says where.",
    "401": "A token is needed, or this one is not known.",
    "403": "The token is not for this.",
    "404": "There is no such KPI, run or address.",
    "429": "The token's limit is reached; Retry-After says when to come again.",
    "503": "The store cannot be reached, or too many questions wait: ask again later.",
}
_REFUSED = {
    "400": "The body is wrong; `parameter` says where. Or the service's price file is.",
    "401": _ERRORS["401"],
    "403": _ERRORS["403"],
    "409": "One is under way already, or the service is being stopped.",
    "413": "The body is too large.",
    "415": "The body is not application/json: pages of other origins may send what is not.",
}
_KINDS = {"text": "string", "whole": "integer", "number": "number", "money": "number"}


def openapi() -> Schema:
    """Return the document, as OpenAPI 3.1 has it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Handspan",
            "version": version("handspan"),
            "description": "KPIs and runs of teams of agents. What is unknown is null with a "
            "`reason`, never 0; every share has its `n` and its 95 % interval `low`..`high`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{}, {"token": []}],
        "paths": {
            **{f"/{one.path}": {"get": _operation(one)} for one in QUESTIONS},
            **{f"/{one.name}": _done(one) for one in OPERATIONS},
        },
        "components": {
            "schemas": _moved(records.load()),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token with the scope `read`, for POST `admin`, see "
                    "`handspan token`; on a loopback address none is needed unless "
                    "--require-tokens says so.",
                }
            },
        },
    }


def _operation(question: Question) -> Schema:
    described = {
        "description": "The answer.",
        "headers": {"ETag": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": _reference(question.answer)}},
    }
    problem = {MEDIA_TYPE: {"schema": _reference("Problem")}}
    return {
        "operationId": question.name,
        "summary": question.summary,
        "parameters": [_parameter(one) for one in question.parameters],
        "responses": {
            "200": described,
            **{
                status: {"description": text, **({"content": problem} if status != "304" else {})}
                for status, text in _ERRORS.items()
            },
        },
    }


def _done(operation: Operation) -> Schema:
    """Return both methods of what a service can be asked to do."""
    progress = {"application/json": {"schema": _reference("Operation")}}
    problem = {MEDIA_TYPE: {"schema": _reference("Problem")}}
    wrong = {status: {"description": text, "content": problem} for status, text in _REFUSED.items()}
    since = {"type": ["string", "null"], "description": SINCE_MEANING, "example": "7d"}
    body = {"type": "object", "properties": {"since": since}, "additionalProperties": False}
    return {
        "get": {
            "operationId": f"{operation.name}_progress",
            "summary": f"How far {operation.noun} is",
            "responses": {
                "200": {"description": "The last one.", "content": progress},
                **{status: wrong[status] for status in ("401", "403")},
            },
        },
        "post": {
            "operationId": operation.name,
            "summary": operation.summary,
            "requestBody": {"content": {"application/json": {"schema": body}}},
            "responses": {"202": {"description": "It has begun.", "content": progress}, **wrong},
        },
    }


def _parameter(parameter: Parameter) -> Schema:
    schema: Schema = {"type": _KINDS[parameter.kind]}
    if parameter.words:
        schema["enum"] = list(parameter.words)
    bounds = {"minimum": parameter.low, "maximum": parameter.high}
    schema |= {name: value for name, value in bounds.items() if value is not None}
    if parameter.default:
        numeric = parameter.kind != "text"
        schema["default"] = json.loads(parameter.default) if numeric else parameter.default
    return {
        "name": parameter.name,
        "in": "path" if parameter.in_path else "query",
        "required": parameter.needed,
        "description": parameter.meaning,
        "schema": {"type": "array", "items": schema} if parameter.many else schema,
        **({"example": parameter.example} if parameter.example and not parameter.many else {}),
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _moved(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return records with their references as this document has them."""
    if isinstance(schema, list):
        return [_moved(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(value)
        for key, value in schema.items()
    }


def api_markdown() -> str:
    """Return docs/api.md."""
    head = f"""\
# HTTP API

Made from `query.questions` by `make generate`; `GET /api/v1/openapi.json` is the same for programs
(OpenAPI 3.1), with the schema of every record. All of it lies on the address of `serve --web`, by
default http://127.0.0.1:8317.

    curl 'http://127.0.0.1:8317/api/v1/kpis/workflow_success_ratio?since=7d&by=workflow'

- **Numbers**: what is unknown is `null`, and `reason` says why; a share has its `n` and its 95 %
  interval `low`..`high`. Names end in their unit; `_usd` has up to twelve decimals.
- **Windows** are [since, until) in UTC: {SINCE.meaning.removeprefix("Start of the window: ")}
- **Tokens**: where `serve` asks for one, it needs the scope `read`:
  `Authorization: Bearer ...` (`handspan token --help`).
- **Pages**: `next` of a list is the `cursor` of its next page, null at the end.
- **Caching**: every answer has an `ETag`; shown in `If-None-Match`, the same answer is a 304. Two
  answers are the same if they differ only in the ends of a window that moves with the clock.
- **Errors** are `{MEDIA_TYPE}` (RFC 9457): `title`, `status`, `detail` (one line) and
  `parameter`, the one that is wrong. A parameter that is unknown is an error, too.
- **Limits**: at most 64 questions wait; one takes at most 20 s, 1 GiB of memory and 100,000 rows.

| status | meaning |
|---|---|
"""
    rows = "".join(f"| {status} | {text} |\n" for status, text in _ERRORS.items())
    questions = "".join(_section(one) for one in QUESTIONS)
    return head + rows + questions + "".join(_operation_section(one) for one in OPERATIONS)


def _section(question: Question) -> str:
    head = f"\n## GET /api/v1/{question.path}\n\n{question.summary}. Answers `{question.answer}`.\n"
    if not question.parameters:
        return head
    rows = "".join(
        f"| `{one.name}` | {_default(one)} | {one.meaning}{_words(one)} |\n"
        for one in question.parameters
    )
    return f"{head}\n| parameter | default | meaning |\n|---|---|---|\n{rows}"


def _operation_section(operation: Operation) -> str:
    wrong = "".join(f"| {status} | {text} |\n" for status, text in _REFUSED.items())
    return f"""
## POST /api/v1/{operation.name}

{operation.summary}. Answers 202 and `Operation` at once; there is one at a time. It goes on whoever
leaves, and ends between two steps when the service is stopped; to repeat it does no harm. On an
address that asks for a token it needs the scope `admin`.

| field of the body | meaning |
|---|---|
| `since` | {SINCE_MEANING} |

| status | meaning |
|---|---|
{wrong}
## GET /api/v1/{operation.name}

How far the last one is: `state` (`none`: there was none since the service started), `spans_read` of
`spans` {operation.counts}, `reason` where it failed. Answers `Operation`.
"""


def _default(parameter: Parameter) -> str:
    if parameter.needed:
        return "needed"
    return f"`{parameter.default}`" if parameter.default else ""


def _words(parameter: Parameter) -> str:
    said = f" One of {', '.join(f'`{one}`' for one in parameter.words)}." if parameter.words else ""
    if parameter.high is not None:
        return f"{said} {parameter.low:g} to {parameter.high:g}."
    return said

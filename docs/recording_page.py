"""docs/recording.md: each verb with its example and arguments, from what stands in the code."""

from __future__ import annotations

import ast
import inspect
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import handspan
from handspan import context, record

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# Recording

Made from the docstrings of `handspan` by `make generate`; every example is run by
`tests/instrumentation/test_examples.py`.

A verb is a context manager (`with` or `async with`) and a decorator of functions, coroutine
functions, generators and async generators; every call of a decorated function is a span of its
own. From callbacks drive it by hand, in any thread and order: `call = handspan.llm("m").start()`,
its methods, `call.end()` or `call.end(error)`; `start(parent=other)` says what it belongs to.

An exception of yours is recorded and goes on unchanged. Nothing of Handspan's is ever raised,
with one exception that you ask for: `budget(stop=True)`. Without a tracer provider in the process
a verb does nothing. `configure()` sets one up; one that your program has set up is found by the
first verb, keeps its exporters, and gets attribution, cost, redaction and limits for what happens
inside agent runs.

Every verb also takes `attributes=`, more that you want on the span under names of your own, and
has `set(name, value)` for later; and `capture_content=`, whether messages, task descriptions, tool
arguments and results are recorded in it and inside it, whatever the setting says.
"""

_TEAM = ("workflow", "agent", "plan", "task", "queue_task", "handoff", "tool", "llm")
_CARE = ("validation", "fault", "recovery", "human", "rate", "budget", "decision", "message")
_METHODS = {"llm": ("streamed", "usage", "response", "cost", "messages"), "task": ("queued",)}
_TRAVEL = ("bind", "carrying", "join", "joined", "inject", "extract")
_CLASSES = {"tool": record.Tool}
_EXAMPLE = re.compile(r"\n *Examples?:\n(?P<code>.*?)(?=\n\S|\n *[A-Z]\w+:\n|\Z)", re.DOTALL)


def recording() -> str:
    """Return docs/recording.md."""
    verbs = "".join(_verb(name) for name in (*_TEAM, *_CARE))
    travel = "".join(_part(f"context.{name}", getattr(context, name), "###") for name in _TRAVEL)
    introduction = "\n".join((inspect.getdoc(context) or "").splitlines()[2:])
    return f"{_HEAD}{verbs}\n## Context\n\n{introduction}\n{travel}"


def _verb(name: str) -> str:
    verb = getattr(handspan, name)
    kind = _CLASSES.get(name, verb)
    text = _part(name, verb, "##")
    if inspect.isclass(kind):
        text += _arguments(kind)
    methods = (f"{name}.{method}" for method in _METHODS.get(name, ()))
    return text + "".join(_part(path, getattr(kind, path.split(".")[1]), "###") for path in methods)


def _part(name: str, thing: Any, heading: str) -> str:  # noqa: ANN401 - a class or a function
    """Return one thing: what it does, and its example."""
    doc = inspect.getdoc(thing) or ""
    found = _EXAMPLE.search(doc)
    prose = _EXAMPLE.sub("", doc).strip()
    code = "" if found is None else f"\n```python\n{_code(found['code'])}\n```\n"
    return f"\n{heading} `{name}`\n\n{_as_markdown(prose)}\n{code}"


def _code(example: str) -> str:
    """Return the lines of an example without its prompts; what it shows becomes a comment."""
    lines: list[str] = []
    for line in inspect.cleandoc(example).splitlines():
        prompted = re.match(r"(>>>|\.\.\.) ?(.*)", line)
        if lines and prompted and prompted[2].startswith("@"):
            lines += ["", ""]  # as the formatter, which reads Markdown too, has it
        lines.append(prompted[2] if prompted else f"# {line}")
    return "\n".join(lines)


def _as_markdown(prose: str) -> str:
    """Return a docstring's sections of arguments as lists."""
    prose = re.sub(r"^(Args|Returns|Raises):$", r"\1:\n", prose, flags=re.MULTILINE)
    prose = re.sub(r"^ {4}(\w+): (?=\S)", r"- `\1`: ", prose, flags=re.MULTILINE)
    return re.sub(r"^ {4,}", "  ", prose, flags=re.MULTILINE)


def _arguments(kind: type) -> str:
    """Return a class's fields with the docstring below each, as a table."""
    rows = "".join(f"| `{name}` | {doc} |\n" for name, doc in _documented(kind))
    return f"\n| argument | meaning |\n|---|---|\n{rows}"


def _documented(kind: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(inspect.getsource(kind)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    for node, below in pairwise(body):
        is_doc = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and is_doc:
            yield node.target.id, " ".join(str(below.value.value).split())  # type: ignore[attr-defined]

"""collector-config/normalise_rotel.py: columns/mapping.py as the tables of a rotel processor.

What is done with them stands in rotel_frame.py, in the order in which normalising.py has it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from handspan import semconv
from handspan.prices import FRAMEWORK_PROVIDERS
from handspan_exporter.columns import mapping
from stack.collector.normalising import STANDARD, VALIDATION

_FRAME: Final = Path(__file__).with_name("rotel_frame.py")
_IS_FRAME: Final = (
    "The frame of collector-config/normalise_rotel.py: tables are empty here, and filled by"
    " for_rotel.py."
)
_IS_MADE: Final = (
    "Made from handspan_exporter.columns.mapping by `make generate`; change that, not this file."
)
_WIDTH: Final = 100


def processor() -> str:
    """Return the file."""
    text = _FRAME.read_text(encoding="utf-8").replace(_IS_FRAME, _IS_MADE)
    for name, value in tables().items():
        text, filled = re.subn(
            rf"^({name}: Final.*?) = .*$",
            lambda found: f"{found[1]} = {_literal(value, len(found[1]) + 3)}",  # noqa: B023 - used at once
            text,
            flags=re.MULTILINE,
        )
        assert filled == 1, f"{_FRAME.name} has no {name}"  # noqa: S101 - a defect of the tree
    return text


def tables() -> dict[str, Any]:
    """Return what the mapping says, by the names in the frame."""
    return {
        "OWN_SCOPE": semconv.SCOPE_NAME,
        "KIND": semconv.KIND,
        "OPERATION": semconv.GEN_AI_OPERATION_NAME,
        "CHAIN": mapping.CHAIN,
        "OPENINFERENCE": mapping.OPENINFERENCE,
        "KIND_RULES": [(rule.convention, rule.key, rule.kinds) for rule in mapping.KIND_RULES],
        "EVENT_KINDS": {name: kind for name, (kind, _) in mapping.EVENT_KINDS.items()},
        "OPERATION_KINDS": mapping.OPERATION_KINDS,
        "EVIDENCE": list(mapping.EVIDENCE),
        "MODEL_EVIDENCE": list(mapping.MODEL_EVIDENCE),
        "CORRECTIONS": {
            scope: [
                (one.says, one.key, one.pattern, one.kind, one.but_not, one.is_name)
                for one in rules
            ]
            for scope, rules in mapping.CORRECTIONS.items()
        },
        "HANDOFF_PREFIX": mapping.HANDOFF_NAME_PREFIX,
        "HANDOFF_TARGETS": [one.key for one in mapping.HANDOFF_TARGETS],
        "HANDOFF_MODES": _keys("handoff_mode"),
        "HANDOFF_TOOLS": [
            (one.tool, one.key, one.pattern, one.mode, one.in_event)
            for one in mapping.HANDOFF_TOOLS
        ],
        "TOOL_NAMES": _keys("tool"),
        "LOCAL_COSTS": mapping.LOCAL_COST_SOURCES,
        "COST_SOURCES": _keys("cost_source"),
        "REPORTED_COSTS": [
            key for key in _keys("cost_usd") if key not in mapping.LOCAL_COST_SOURCES
        ],
        "COLUMNS": [(standard, _sources(name)) for name, standard in STANDARD.items()],
        "UNKNOWN_WORDS": [
            *((_keys(name), list(words), _taken(name)) for name, words in mapping.NOT_SAID.items()),
            (_keys("provider"), sorted(FRAMEWORK_PROVIDERS), _taken("provider")),
        ],
        "MADE_UP": {
            scope: [key for name in names for key in _taken(name)]
            for scope, names in mapping.MADE_UP.items()
        },
        "MESSAGE_SPANS": {
            scope: (
                one.key,
                one.word,
                [(semconv.MESSAGE_SOURCE, one.source), (semconv.MESSAGE_TARGET, one.target)],
                one.name,
            )
            for scope, one in mapping.MESSAGE_SPANS.items()
        },
        "LANGFUSE": mapping.LANGFUSE,
        "CALLED": {kind: (STANDARD | VALIDATION)[name] for kind, name in mapping.CALLED.items()},
        "BUCKETS_KEY": mapping.BUCKETS_KEY,
        "BUCKETS": [
            (STANDARD[name], [mapping.bucket(word) for word in words])
            for name, words in mapping.BUCKETS.items()
        ],
        "BUCKETS_ADDED": {
            STANDARD[name]: [mapping.bucket(word) for word in words]
            for name, words in mapping.BUCKETS_ADDED.items()
        },
        "BUCKETS_BESIDE": {
            STANDARD[name]: [STANDARD[other] for other in beside]
            for name, beside in mapping.BUCKETS_BESIDE.items()
        },
        "BUCKETS_WHOLE": mapping.bucket(mapping.BUCKETS_WHOLE),
        "BUCKETS_INCLUSIVE": {
            STANDARD[name]: mapping.bucket(word) for name, word in mapping.BUCKETS_INCLUSIVE.items()
        },
        "ERROR_TYPE": semconv.ERROR_TYPE,
        "EXCEPTION_MESSAGE": mapping.EXCEPTION_MESSAGE,
        "RAISED_IN_MESSAGE": mapping.RAISED_IN_MESSAGE,
        "USAGE_KEY": mapping.USAGE_KEY,
        "USAGE": {STANDARD[name]: [mapping.detail(one)] for name, one in mapping.USAGE.items()},
        "USAGE_ADDED": {
            STANDARD[name]: [mapping.detail(one) for one in added]
            for name, added in mapping.USAGE_ADDED.items()
        },
        "COST_KEY": mapping.COST_KEY,
        "COST_TOTAL": mapping.COST_TOTAL,
        "COST": STANDARD["cost_usd"],
    }


def _keys(name: str) -> list[str]:
    return [one.key for one in mapping.BY_NAME[name].sources]


def _taken(name: str) -> list[str]:
    return [one.key for one in mapping.BY_NAME[name].sources if not one.own_only]


def _sources(name: str) -> list[tuple[str, bool, str, list[str]]]:
    return [
        (
            one.key,
            one.convention not in (mapping.HANDSPAN, mapping.OTEL),
            one.convention if one.own_only else "",
            sorted(one.kinds),
        )
        for one in mapping.BY_NAME[name].sources
    ]


def _literal(value: Any, used: int, indent: int = 0) -> str:  # noqa: ANN401 - any table
    """Return a value as the formatter would write it.

    Args:
        value: Text, bool, None, or lists, tuples and dicts of these.
        used: Columns that are taken on its line, a comma after it included.
        indent: That of its line.
    """
    flat = _flat(value)
    if len(flat) + used <= _WIDTH or not isinstance(value, list | tuple | dict):
        return flat
    deeper, opening, closing = indent + 4, flat[0], flat[-1]
    lines = []
    for one in value:
        head = f"{_flat(one)}: " if isinstance(value, dict) else ""
        item = value[one] if isinstance(value, dict) else one
        lines.append(f"{head}{_literal(item, deeper + len(head) + 1, deeper)},")
    inside = "".join(f"{' ' * deeper}{line}\n" for line in lines)
    return f"{opening}\n{inside}{' ' * indent}{closing}"


def _flat(value: Any) -> str:  # noqa: ANN401 - see above
    if isinstance(value, str):
        plain = value.replace("\\", "\\\\")
        return (
            f"'{plain}'"
            if '"' in plain and "'" not in plain
            else '"' + plain.replace('"', '\\"') + '"'
        )
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(key)}: {_flat(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_flat(one) for one in value) + ")"
    if isinstance(value, list):
        return "[" + ", ".join(_flat(one) for one in value) + "]"
    return repr(value)

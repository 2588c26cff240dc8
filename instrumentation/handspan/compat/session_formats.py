"""A chaos session as JSON, CSV and a report for people."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from handspan.compat.flat import flat
from handspan.json_lines import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from handspan.compat.session_log import SessionLog


def as_json(log: SessionLog, *, pretty: bool) -> str:
    """Return the whole session as one JSON object."""
    if pretty:
        whole = log.as_dict() | {"entries": log.entries}
        return json.dumps(whole, default=text_of, ensure_ascii=False, indent=2)
    # Entries are kept as JSON: reading and writing a thousand again would take 15 ms.
    head = json.dumps(log.as_dict(), default=text_of, ensure_ascii=False)
    return f'{head[:-1]}, "entries": [{",".join(log.entries_as_json())}]}}'


def as_csv(log: SessionLog) -> str:
    """Return one row per entry; nested keys are columns with dots, in order of appearance."""
    rows = [dict(flat(entry)) for entry in log.entries]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def as_report(log: SessionLog) -> str:
    """Return a report in Markdown: figures, each effect with its recovery, evaluations."""
    document = log.as_dict()
    parts = [
        f"# Chaos session {log.session_id}\n",
        _pairs(
            {
                "mode": log.mode,
                "seed": log.seed,
                "started": log.started_at,
                "steps": len(log.entries),
            }
        ),
        "\n## Figures\n",
        _pairs(document["metrics"]),
        *_section("Effects and their recoveries", _EFFECTS, log.effects()),
        *_section("Evaluations", _EVALUATIONS, _of(log.entries, "evaluation_result")),
        *_section("Score by step", _TIMELINE, log.timeline()),
    ]
    for title, pairs in (("Summary", document["summary"]), ("Analysis", document["analysis"])):
        if pairs:
            parts += [f"\n## {title}\n", _pairs(pairs)]
    return "\n".join(parts)


_EFFECTS = ("step", "type", "target", "recovered_ms", "strategy", "attempts")
_EVALUATIONS = ("step", "case", "result", "score")
_TIMELINE = ("step", "relative_time", "current_score", "resilience_score", "performance_impact")


def _of(entries: Iterable[Mapping[str, Any]], action: str) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if entry["action"] == action]


def _section(
    title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> Iterable[str]:
    """Yield a heading and a table; nothing without rows."""
    if not rows:
        return
    yield f"\n## {title}\n"
    yield f"| {' | '.join(name.replace('_', ' ') for name in columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_said(row.get(name)) for name in columns)} |"


def _pairs(pairs: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name.replace('_', ' ')}: {_said(value)}" for name, value in pairs.items())


def _said(value: object) -> str:
    """Return a value in words; a table's bars and line breaks are kept out."""
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = (
        value if isinstance(value, str) else json.dumps(value, default=text_of, ensure_ascii=False)
    )
    return text.replace("|", "\\|").replace("\n", " ")


def _cell(value: object) -> object:
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, default=text_of, ensure_ascii=False)

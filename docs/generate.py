"""Write the files that are made from others; with --check only say which one is stale.

A generated file is one entry of `GENERATED`: where it is, and the function that returns its text.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from handspan import semconv, settings
from handspan_exporter import settings as service
from handspan_exporter import sql, telemetry
from handspan_exporter.access.tokens import SCOPE_MEANINGS
from handspan_exporter.columns.mapping_page import mapping_markdown
from handspan_exporter.processor.facts import FACTS
from handspan_exporter.query import alerts, kpi
from handspan_exporter.query import records as schemas
from handspan_exporter.query.client import Client
from handspan_exporter.store.cluster import Cluster
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate, retention
from handspan_exporter.web.openapi import api_markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from dataclasses import Field

ROOT = Path(__file__).parents[1]

_SECTION = re.compile(r"# --- (.+) ---")
_MEANING = re.compile(r"(?P<type>.+?)\. (?P<meaning>.+) On: (?P<on>.+)\. Source: (?P<source>.+)\.")


class Named(NamedTuple):
    """One constant of `handspan.semconv` with the docstring below it."""

    line: int
    constant: str
    value: ast.expr
    doc: str


def attributes() -> str:
    """Return docs/attributes.md: every name that Handspan writes."""
    source = Path(semconv.__file__).read_text(encoding="utf-8")
    names = list(_named(ast.parse(source)))
    lines = source.splitlines()
    starts = [n for n, line in enumerate(lines) if _SECTION.match(line)] + [len(lines)]
    head = f"""\
# Names on the wire

Made from `handspan.semconv` by `make generate`. Schema version {semconv.SCHEMA_VERSION}, written
on the resource as `{semconv.HANDSPAN_SCHEMA_VERSION}`. Standard names are those of the unreleased
OpenTelemetry GenAI conventions at commit `{semconv.GENAI_CONVENTIONS_COMMIT}`; what they lack is
under `handspan.*`.
"""
    return head + "".join(
        _section(lines[start], [name for name in names if start < name.line <= end])
        for start, end in pairwise(starts)
    )


def _named(module: ast.Module) -> Iterator[Named]:
    """Yield the constants that have a docstring, in order."""
    for node, below in pairwise(module.body):
        if not (isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)):
            continue
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            doc = " ".join(str(below.value.value).split())
            yield Named(node.lineno, ast.unparse(target), node.value, doc)


def _section(heading: str, names: list[Named]) -> str:
    title = _SECTION.sub(r"\1", heading).partition(":")[0]
    rows = [_values_row(name) if _is_literal(name) else _name_row(name) for name in names]
    if all(_is_literal(name) for name in names):
        head = "| type | values | meaning |\n|---|---|---|\n"
    else:
        head = (
            "| name | constant | type, unit | on | meaning | source |\n|---|---|---|---|---|---|\n"
        )
    return f"\n## {title}\n\n{head}" + "".join(row for row in rows if row)


def _is_literal(name: Named) -> bool:
    return isinstance(name.value, ast.Subscript)


def _values_row(name: Named) -> str:
    words = ", ".join(f"`{word}`" for word in ast.literal_eval(name.value.slice))  # type: ignore[attr-defined]
    return f"| `{name.constant}` | {words} | {name.doc} |\n"


def _name_row(name: Named) -> str:
    """Return the row of one name; a constant that is no name of its own has none."""
    found = _MEANING.fullmatch(name.doc)
    if found is None:
        return ""
    wire, told = ast.literal_eval(name.value), found.groupdict()
    return (
        f"| `{wire}` | `{name.constant}` | {told['type']} | {told['on']} "
        f"| {told['meaning']} | {told['source']} |\n"
    )


def recording_settings() -> str:
    """Return docs/recording_settings.md: every setting of the recording side."""
    head = """\
# Settings of the recording side

Made from `handspan.settings` by `make generate`. An argument of `handspan.configure()` wins over
a variable, the first variable that is set over the next. OpenTelemetry's own OTEL_* variables for
the resource, sampling, limits, batching and export of spans work besides.

| setting | default | variables | meaning |
|---|---|---|---|
"""
    rows = [
        f"| `{one.name}` | `{one.default}` | {' '.join(one.metadata['variables'])} "
        f"| {one.metadata['meaning']} |\n"
        for one in fields(settings.Settings)
    ]
    return head + "".join(rows)


def recording() -> str:
    """Return docs/recording.md: each verb with its example and arguments."""
    sys.path.insert(0, str(ROOT))  # a script sees its own folder only
    from docs.recording_page import recording as page  # noqa: PLC0415 - see above

    return page()


def serve_settings() -> str:
    """Return docs/settings.md: every setting of the service."""
    head = """\
# Settings of `handspan serve`

Made from `handspan_exporter.settings` by `make generate`. A setting is an option (`--flush-s`) or
an environment variable (`HANDSPAN_FLUSH_S`); the option wins.

| option | variable | default | meaning |
|---|---|---|---|
"""
    return head + "".join(
        f"| `--{one.name.replace('_', '-')}` | `{service.variable(one)}` "
        f"| {_default(one)} | {one.metadata['meaning']} |\n"
        for one in fields(service.Settings)
    )


def metrics() -> str:
    """Return docs/metrics.md: every number that the service tells about itself."""
    head = """\
# Metrics of `handspan serve`

Made from `handspan_exporter.telemetry` by `make generate`. `GET /metrics` on the address of `--web`
answers in Prometheus' text format; where a token is needed, one with the scope `read`. Histograms
have the usual `_bucket`, `_sum` and `_count`.

| name | type | label | meaning |
|---|---|---|---|
"""
    return head + "".join(
        f"| `{one.name}` | {one.kind} | {one.label and f'`{one.label}`'} | {one.help} |\n"
        for one in telemetry.METRICS
    )


def _default(setting: Field[Any]) -> str:
    """Return a default as it is on every machine; an empty text or a switch explains itself."""
    if setting.name == "store":
        return "`chdb://~/.local/share/handspan`"
    default = service.default_of(setting)
    return "" if default in ("", False) else f"`{default}`"


def kpis() -> str:
    """Return docs/kpis.md: every KPI as its file describes it, with its worked example."""
    head = f"""\
# KPIs

Made from the headers of `sql/kpi/*.sql` and from `docs/kpi_examples/` by `make generate`; each
example is a test. A window is [since, until) in UTC and holds the facts that ended in it,
unfinished runs by their start. Every answer has one row per group with the columns `group`, the
measures below, `n`, `low` and `high` (95 % interval of the first measure: Wilson's for a share,
another where the description says so) and `reason`, which says why that measure is unknown.
Unknown is NULL, never 0. An example shows only the columns that it is about.

`_sd` is the standard deviation of the values behind a mean, `_log_sd` that of their logarithms.
With them `--compare` judges a change of means by Welch's test, and one of times as a factor of
geometric means; a change of counted shares has Newcombe's interval.

Every KPI can be grouped and filtered by {", ".join(f"`{one}`" for one in kpi.filters())}.
"""
    return head + "".join(_kpi(one) for one in kpi.catalog())


def _kpi(one: kpi.Kpi) -> str:
    own = [by for by in one.groupings if by not in (kpi.TOTAL, *kpi.filters())]
    facts = {
        "unit": one.unit,
        "undefined when": one.undefined_when,
        "asked without `--by`": "in total" if one.grain == kpi.TOTAL else f"by {one.grain}",
        "also grouped by": ", ".join(f"`{by}`" for by in own),
        "kept in history": ", ".join(f"`{by}`" for by in one.history),
        "reads": ", ".join(f"`{table}`" for table in one.reads),
    }
    lines = "".join(f"- {name}: {text}\n" for name, text in facts.items() if text)
    meaning = one.meaning[0].upper() + one.meaning[1:]
    return f"\n## {one.name}\n\n{meaning}.\n\n{lines}\n{_example(one.name)}"


def _example(name: str) -> str:
    file = ROOT / "docs" / "kpi_examples" / f"{name}.toml"
    example = tomllib.loads(file.read_text(encoding="utf-8"))
    rows = "".join(
        f"`{table}`\n\n{_table(example[table])}\n" for table in example if table in FACTS
    )
    asked = "in total" if example["by"] == kpi.TOTAL else f"by {example['by']}"
    return f"{example['text'].strip()}\n\n{rows}Asked {asked}:\n\n{_table(example['answer'])}"


def records() -> str:
    """Return the schemas of every record, as the embedded store describes its statements."""
    with TemporaryDirectory() as folder:
        connection = connect(parse(f"chdb://{folder}"))
        migrate(connection, service.Settings())
        document = schemas.document(connection, FACTS)
        connection.close()
    lines = [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in document["$defs"].items()]
    records = ",\n".join(lines)
    return f'{{"$schema": {json.dumps(document["$schema"])}, "$defs": {{\n{records}\n}}}}\n'


def alerts_page() -> str:
    """Return docs/alerts.md with the keys of an alert."""
    rows = "".join(
        f"| `{one.name}` | {one.metadata['meaning']} |\n" for one in fields(alerts.Alert)
    )
    return _filled("docs/alerts.md", keys=f"| key | meaning |\n|---|---|\n{rows}")


def sizing_page() -> str:
    """Return docs/sizing.md with the figures that the benchmarks measured."""
    sys.path.insert(0, str(ROOT))  # a script sees its own folder only
    from docs.measured_sizes import sizes_table  # noqa: PLC0415 - see above

    results = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")
    return _filled("docs/sizing.md", sizes=sizes_table(results))


def operations_page() -> str:
    """Return docs/operations.md with what a token of each scope may do."""
    rows = "".join(f"| `{scope}` | {meaning} |\n" for scope, meaning in SCOPE_MEANINGS.items())
    return _filled("docs/operations.md", scopes=f"| scope | may |\n|---|---|\n{rows}")


def client_page() -> str:
    """Return docs/client.md with the methods of the client and the keys of its analyses."""
    return _filled("docs/client.md", methods=client_methods())


def _filled(path: str, **parts: str) -> str:
    """Return a page with what lies between `<!-- name -->` and `<!-- end -->` made anew."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for name, part in parts.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)",
            lambda found, part=part: f"{found[1]}{part}{found[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


def client_methods() -> str:
    """Return each method of the client in one line, as its docstring has it."""
    methods = [
        (name, one)
        for name, one in vars(Client).items()
        if not name.startswith("_") and one.__doc__
    ]
    rows = "".join(f"| `{name}` | {one.__doc__.split(chr(10))[0]} |\n" for name, one in methods)
    return f"| method | answers |\n|---|---|\n{rows}"


def _table(rows: list[dict[str, Any]]) -> str:
    """Return rows as a table; a cell that a row does not have is empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n"
    return head + "".join(
        f"| {' | '.join(_cell(row.get(name, '')) for name in names)} |\n" for row in rows
    )


def _cell(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {count}" for key, count in value.items())
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("|", "\\|")


def conventions() -> str:
    """Return docs/conventions.md: what each source of telemetry shows of one and the same story."""
    data = json.loads((ROOT / "docs" / "conventions.json").read_text(encoding="utf-8"))
    facts = list(data["sources"][0]["facts"])
    rows = "".join(
        f"| {one['framework']} | {one['source']} | {' | '.join(one['facts'].values())} |\n"
        for one in data["sources"]
    )
    versions = "".join(
        f"- {one['framework']}, {one['source']}: "
        f"{', '.join(f'{name} {version}' for name, version in one['versions'].items())}\n"
        for one in data["sources"]
    )
    explained = "".join(
        f"- {one['framework']}, {one['source']}, {one['fact']}: {one['why']}\n"
        for one in data["explained"]
    )
    return f"""\
# What each instrumentor shows

Made from `docs/conventions.json` by `make generate`; a test replays the recordings behind it.
One story is told in each framework, on scripted models: one agent hands over to (or asks) another,
which calls a tool, fails with a second one and answers all the same; in the ending `outage` its
model cannot be reached, in `approval` a person has to agree. So runs, agents, handoffs, tokens,
cost and errors are known. Each source of telemetry (the framework's own tracing as `native`, each
instrumentor that exists, our own as `handspan`) was recorded once as OTLP; the recordings go
through the receiver and the processor, and the table says what the facts then show.

`right`: as it happened. `missing`: the source does not say it; Handspan shows it as unknown or
not at all. `wrong`: the source says something else, explained below; nothing else is wrong.
In brackets the endings, where it is not all of them.

| framework | source | {" | ".join(facts)} |
|---|---|{"---|" * len(facts)}
{rows}
## Wrong in the source

{explained}
## Versions

{versions}
`make record-frameworks` records all of them again, `make pin-frameworks` pins newer versions first.
What is corrected on the way is listed in [mapping.md](mapping.md).
"""


def cluster_schema() -> str:
    """Return docs/cluster_schema.sql: what `serve` says to a new cluster."""
    cluster, days = Cluster("main"), retention(service.Settings())
    files = [sql.load(f"schema/{name}") for name in sql.names("schema")]
    files += [sql.render(f"schema/retention/{one}", days) for one in sql.names("schema/retention")]
    made = [one.strip() for statement in files for one in cluster.statements(statement)]
    head = """\
-- The tables of a cluster named `main` (--store 'clickhouse://host/handspan?cluster=main').
-- Made from exporter/handspan_exporter/sql/schema/ by `make generate`; `serve` runs it by itself.

"""
    return head + ";\n\n".join(made) + ";\n"


def normalise_config() -> str:
    """Return collector-config/normalise.yaml: the mapping as statements for the Collector."""
    sys.path.insert(0, str(ROOT))  # a script sees its own folder only
    from stack.collector.normalising import normalise_yaml  # noqa: PLC0415 - see above

    return normalise_yaml()


def rotel_processor() -> str:
    """Return collector-config/normalise_rotel.py: the mapping as a processor of rotel."""
    sys.path.insert(0, str(ROOT))  # a script sees its own folder only
    from stack.collector.for_rotel import processor  # noqa: PLC0415 - see above

    return processor()


def redaction_config() -> str:
    """Return collector-config/redaction.yaml: the rules of redaction as statements."""
    sys.path.insert(0, str(ROOT))  # a script sees its own folder only
    from stack.collector.redacting import redaction_yaml  # noqa: PLC0415 - see above

    return redaction_yaml()


def comparison() -> str:
    """Return docs/comparison.md with the figures of benchmarks/RESULTS.md."""
    sys.path.insert(0, str(ROOT))  # a script sees its own folder only
    from docs.measured import filled  # noqa: PLC0415 - see above

    return filled("comparison.md")


def prometheus_rule() -> str:
    """Return deploy/kubernetes/base/prometheus-rule.yaml: the alert rules for the operator."""
    text = (ROOT / "deploy/prometheus/handspan.rules.yaml").read_text(encoding="utf-8")
    groups = text[text.index("groups:") :]
    head = """\
# The alert rules for the Prometheus operator.
# Made from deploy/prometheus/handspan.rules.yaml by `make generate`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: handspan
spec:
"""
    return head + "".join(f"  {line}" if line.strip() else line for line in groups.splitlines(True))


GENERATED: dict[str, Callable[[], str]] = {
    # First: others are made from it.
    "exporter/handspan_exporter/query/records.json": records,
    "collector-config/normalise.yaml": normalise_config,
    "collector-config/normalise_rotel.py": rotel_processor,
    "collector-config/redaction.yaml": redaction_config,
    "deploy/kubernetes/base/prometheus-rule.yaml": prometheus_rule,
    "docs/api.md": api_markdown,
    "docs/alerts.md": alerts_page,
    "docs/attributes.md": attributes,
    "docs/client.md": client_page,
    "docs/comparison.md": comparison,
    "docs/conventions.md": conventions,
    "docs/cluster_schema.sql": cluster_schema,
    "docs/kpis.md": kpis,
    "docs/mapping.md": mapping_markdown,
    "docs/metrics.md": metrics,
    "docs/operations.md": operations_page,
    "docs/recording.md": recording,
    "docs/recording_settings.md": recording_settings,
    "docs/settings.md": serve_settings,
    "docs/sizing.md": sizing_page,
}


def main(arguments: list[str]) -> int:
    """Write what is stale, or with --check name it and return 1."""
    for path, text in GENERATED.items():
        file, fresh = ROOT / path, text()
        if file.exists() and file.read_text(encoding="utf-8") == fresh:
            continue
        if "--check" in arguments:
            print(f"{path} is stale: run `make generate` and commit it")
            return 1
        file.write_text(fresh, encoding="utf-8")
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

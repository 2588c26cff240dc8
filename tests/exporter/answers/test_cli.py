"""The `handspan` command: what it prints, and how it fails."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.exporter.answers import team

from handspan_exporter.cli.group import COMMANDS, handspan
from handspan_exporter.query import kpi
from handspan_exporter.settings import Settings
from handspan_exporter.store.lock import StoreLock
from handspan_exporter.telemetry import Counters
from handspan_exporter.web.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.exporter.answers.facts import Facts

COMMAND = Path(sys.executable).parent / "handspan"
ALERTS = Path(__file__).parents[3] / "examples" / "alerts.toml"
DAY = ("--since", "2026-01-05", "--until", "2026-01-06")


@pytest.fixture(scope="module")
def served(store: Facts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a DSN that a server with the team's facts holds, as `serve` does."""
    team.insert(store)
    folder = tmp_path_factory.mktemp("held")
    (folder / "engine").mkdir()
    server = Server(store.dsn, Settings(web="127.0.0.1:0"), Counters())
    server.start()
    with StoreLock(folder, url=server.url):
        yield f"chdb://{folder}"
    server.stop()


def ask(served: str, *arguments: str, columns: int = 200) -> str:
    """Run a command that succeeds, and return what it prints."""
    environment = {"HANDSPAN_STORE": served, "COLUMNS": str(columns)}
    result = CliRunner().invoke(handspan, arguments, env=environment, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end."""
    return subprocess.run(
        [str(COMMAND), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )


def test_the_overview_has_a_line_for_every_kpi(served: str) -> None:
    """Value, interval, n; unknown with its reason."""
    printed = ask(served, "kpi", *DAY)

    for found in kpi.catalog():
        assert re.search(rf"^\| {found.name} ", printed, re.MULTILINE), found.name
    assert re.search(
        r"workflow_success_ratio +\| +workflow success +\| +50\.0 % +\| 9\.5 to 90\.5 % +\| +2 ",
        printed,
    )
    assert re.search(r"cost_usd +\| +cost +\| +\$0\.0123 ", printed)


def test_what_is_unknown_is_printed_with_its_reason(served: str) -> None:
    """Never 0."""
    printed = ask(served, "kpi", "cost_usd", "--by", "model", *DAY)

    assert "unknown (no call is priced: no price for this model)" in printed
    empty = ask(served, "kpi", "--since", "2026-02-05", "--until", "2026-02-06")
    assert "unknown (no run in the window)" in empty


def test_a_kpi_is_printed_in_its_own_grain(served: str) -> None:
    """`--by total` is one row."""
    assert "triage > writer" in ask(served, "kpi", "handoffs", *DAY)
    assert "triage > writer" not in ask(served, "kpi", "handoffs", "--by", "total", *DAY)


def test_a_table_never_exceeds_the_terminal(served: str) -> None:
    """Twenty measures do not fit side by side: they are turned."""
    printed = ask(served, "kpi", "agent_performance", *DAY, columns=70)

    assert max(len(line) for line in printed.splitlines()) <= 70
    assert re.search(r"\| agent +\| +triage +\| +writer +\|", printed)
    assert re.search(r"\| duration p50 +\| +600 ms \| +1\.2 s \|", printed)


def test_filters_come_in_two_spellings(served: str) -> None:
    """--agent writer is --filter agent=writer; several mean any of them."""
    short = ask(served, "kpi", "tokens", "--agent", "writer", "--format", "csv", *DAY)

    assert short == ask(
        served, "kpi", "tokens", "--filter", "agent=writer", "--format", "csv", *DAY
    )
    (row,) = csv.DictReader(io.StringIO(short))
    assert row["input_tokens"] == "1000"
    both = ("--agent", "writer", "--filter", "agent=triage", "--format", "json")
    assert json.loads(ask(served, "kpi", "tokens", *both, *DAY))["rows"][0]["input_tokens"] == 1200


def test_csv_has_plain_numbers_and_nothing_for_what_is_unknown(served: str) -> None:
    """A spreadsheet reads it without settings."""
    rows = list(
        csv.DictReader(
            io.StringIO(ask(served, "kpi", "cost_usd", "--by", "model", "--format", "csv", *DAY))
        )
    )
    assert [(row["group"], row["cost_usd"]) for row in rows] == [
        ("gpt-4o", "0.0123"),
        ("in-house", ""),
    ]

    overview = list(csv.DictReader(io.StringIO(ask(served, "kpi", "--format", "csv", *DAY))))
    assert [row["kpi"] for row in overview] == [found.name for found in kpi.catalog()]


def test_runs_are_listed_with_status_and_cost(served: str) -> None:
    """What a person looks for first."""
    printed = ask(served, "runs", "list", *DAY)

    assert re.search(rf"{team.RUN[:12]}.*success.* 2 s .*\$0\.0123 \+ 1 unpriced", printed)
    assert re.search(rf"{team.FAILED[:12]}.*failure \(ValueError\)", printed)
    assert re.search(rf"{re.escape(team.RUNNING[:12])}.*running", printed)
    only = ask(served, "runs", "list", "--status", "failure", *DAY)
    assert team.FAILED[:12] in only
    assert team.RUN[:12] not in only


def test_the_least_duration_is_said_as_lists_show_it(served: str) -> None:
    """A run of 2 s is there from 1500 ms on, and not from 2001."""
    assert team.RUN[:12] in ask(served, "runs", "list", "--min-duration", "1500ms", *DAY)
    assert team.RUN[:12] not in ask(served, "runs", "list", "--min-duration", "2001ms", *DAY)
    none = ask(served, "runs", "list", "--workflow", "nope", *DAY)
    assert "no such run in the window" in none


def test_a_run_is_printed_as_a_tree(served: str) -> None:
    """Who did what in what order; an arrow marks a handoff and whom it started."""
    printed = ask(served, "runs", "show", team.RUN[:10], columns=100)

    tree, unknown, _ = printed.partition("cost unknown: no price for this model (1)")
    assert unknown
    table = [line for line in tree.splitlines() if line.startswith("| ")][1:]
    assert [_cells(line) for line in table] == [
        ["workflow report", "2 s", "", "", "success"],
        ["|- agent triage", "600 ms", "200/30", "unknown", "success"],
        ["|  |- tool search", "200 ms", "", "", "success"],
        ["|  |- llm in-house", "200 ms", "200/30", "unknown", "success"],
        ["|  `- -> writer (after 200 ms)", "10 ms", "", "", "accepted"],
        ["`- agent writer <- triage", "1.2 s", "1,000/50", "$0.0123", "success"],
        ["   `- llm gpt-4o", "1 s", "1,000/50", "$0.0123", "success"],
    ]


def _cells(line: str) -> list[str]:
    """Cut a line of the table where its columns end: guides of the tree use the same character."""
    width = len("|  `- -> writer (after 200 ms)")
    others = line[2 + width :].removeprefix(" |").removesuffix("|").split("|")
    return [line[2 : 2 + width].rstrip(), *(cell.strip() for cell in others)]


def test_a_run_is_printed_with_what_happened_in_it(served: str) -> None:
    """What each agent cost, faults with what overcame them, waits, budgets."""
    printed = ask(served, "runs", "show", team.RUN, columns=120)

    for line in (
        r"writer +\| +1 \| +0 \| +0 us \| +1,000/50 \| +\$0\.0123 \|",
        r"TimeoutError +\| search +\| triage +\| recovered by success +\| +100 ms ",
        r"RateLimit \(injected\) +\| gpt-4o +\| writer +\| unrecovered +\|",
        r"approve \(high\) +\| writer +\| approved +\| +300 ms ",
        r"report +\| workflow +\| +\$0\.0123 \| +\$0\.015 \| +82\.0 % \| +warning ",
    ):
        assert re.search(line, printed), line


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_timeline_shows_when_each_span_was(served: str, columns: int) -> None:
    """Bars on one scale, as wide as the terminal lets them be."""
    printed = ask(served, "runs", "show", team.RUN, "--timeline", columns=columns)
    bars = re.findall(r"\| ( *=+ *) \| +[\d.]+ m?s \|", printed)

    assert len(bars) == 7
    assert len({len(bar) for bar in bars}) == 1
    assert bars[0].strip() == bars[0]
    writer = bars[5]
    assert 0.5 < writer.count("=") / len(writer) < 0.75


TABLES = [
    ["kpi"],
    ["kpi", "--compare", "previous"],
    ["kpi", "agent_performance", "--compare", "7d"],
    ["kpi", "cost_usd", "--history", "hour", "--by", "model"],
    ["kpi", "cost_usd", "--history", "hour", "--agent", "writer"],
    ["runs", "list"],
    ["runs", "show", team.RUN],
    ["runs", "compare", team.RUN, team.FAILED, team.RUNNING],
    ["runs", "compare", "2026-01-05..2026-01-06", "2026-01-04..2026-01-05"],
    ["best-agent", "--all", "--task", "search"],
]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("arguments", TABLES, ids=" ".join)
def test_every_table_keeps_to_the_terminal(served: str, arguments: list[str], columns: int) -> None:
    """No line is longer, and a table's lines are as long as each other."""
    dated = () if arguments[:2] in (["runs", "show"], ["runs", "compare"]) else DAY
    printed = ask(served, *arguments, *dated, columns=columns)
    lines = printed.splitlines()

    assert max(map(len, lines)) <= columns, printed
    for table in _tables(lines):
        assert len({len(line) for line in table}) == 1, printed


WORDY = [TABLES[at] for at in (0, 1, 3, 5, 9)]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("arguments", WORDY, ids=" ".join)
def test_no_word_is_lost_or_broken_on_a_narrow_terminal(
    served: str, arguments: list[str], columns: int
) -> None:
    """Where a table would break words, each of its rows is a paragraph."""
    wide, narrow = (ask(served, *arguments, *DAY, columns=width) for width in (200, columns))

    assert _words(wide) - _words(narrow) <= {"KPI", "run", "hour", "agent"}


@pytest.mark.parametrize("columns", [44, 60, 80, 100])
@pytest.mark.parametrize("arguments", [[], ["--timeline"]], ids=" ".join)
def test_a_tree_is_whole_on_any_terminal(served: str, arguments: list[str], columns: int) -> None:
    """A name that is cut is another name: it goes on below, between the guides of the tree."""
    for run in (team.RUN, team.FAILED, team.RUNNING):
        wide, narrow = (
            ask(served, "runs", "show", run, *arguments, columns=width) for width in (200, columns)
        )
        assert _names(narrow) == _names(wide)
        assert ("failure" in wide) == ("failure" in narrow)


def _labels(printed: str) -> list[str]:
    """Return the first column of the tree."""
    head = next(line for line in printed.splitlines() if line.startswith("| span"))
    width = re.search(r"^\+(-+)\+", printed, re.MULTILINE)
    assert width
    below = printed.partition(head)[2].splitlines()[2:]
    table = itertools.takewhile(lambda line: line.startswith("|"), below)
    return [line[1 : 1 + len(width[1])] for line in table]


def _names(printed: str) -> str:
    """Return what spans are called, without guides and what a narrow terminal has below."""
    letters = re.sub(r"[|` ]|(?<![\w>])-(?!>)|\.\.\.", "", "".join(_labels(printed)))
    return re.sub(r"(failure|running|pending)(\(\w+\))?", "", letters)


def _words(printed: str) -> set[str]:
    inside = re.sub(r"^\+.*$", "", printed, flags=re.MULTILINE).replace("|", " ")
    return {word.strip(";") for word in inside.split()}


def _tables(lines: list[str]) -> list[list[str]]:
    """Return the tables among lines; a border behind a border begins the next one."""
    tables: list[list[str]] = [[]]
    for before, line in itertools.pairwise(["", *lines]):
        if line[:1] == "+" and before[:1] != "|":
            tables.append([])
        if line[:1] in ("|", "+"):
            tables[-1].append(line)
    return tables[1:]


def test_runs_are_compared_where_they_part(served: str) -> None:
    """The first difference, and each number with its change."""
    printed = ask(served, "runs", "compare", team.RUN, team.FAILED)

    assert "1 spans in both, 6 only in A, 0 only in B" in printed
    assert "workflow report > agent triage > tool search: only in A" in printed
    assert re.search(r"\| duration +\| +2 s \| +1 s \| +-1 s \|", printed)
    assert "unknown (1 calls in A have no price)" in printed


def test_groups_are_compared_with_their_intervals(served: str) -> None:
    """A and B are windows; too few runs are said to be too few."""
    sides = ("2026-01-05..2026-01-06", "2026-01-04..2026-01-06")
    printed = ask(served, "runs", "compare", *sides)

    found = r"success +\| +50\.0 % \| +50\.0 % \| +0\.0 points \| +-5\d\.\d to"
    assert re.search(found, printed)
    assert "A: 2026-01-05 00:00:00 to 2026-01-06 00:00:00 UTC, 2 runs" in printed


def test_alerts_end_with_a_code_for_ci(served: str, tmp_path: Path) -> None:
    """3 where a state is as bad as it may not be; the worst stands first."""
    path = tmp_path / "alerts.toml"
    common = '[[alert]]\nkpi = "workflow_success_ratio"\nwindow = "520w"\nby = "workflow"\n'
    path.write_text(
        f'{common}name = "fails"\nmin_n = 1\nwarning_below = 0.9\n'
        f'{common}name = "few"\nalert_below = 0.9\n'
    )
    environment = {"HANDSPAN_STORE": served, "COLUMNS": "120", "HANDSPAN_ALERTS": str(path)}

    def codes(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(handspan, ["alerts", *arguments], env=environment)
        return result.exit_code, result.output

    code, printed = codes()
    assert code == 0
    warning = r"\| warning +\| fails +\| report +\| +50\.0 % \| +2 \| below 0\.9"
    assert re.search(warning, printed)
    assert re.search(r"\| no data +\| few +\| report +\|.*n = 2 is less than 10", printed)
    assert [codes("--fail-on", one)[0] for one in ("warning", "no data", "never")] == [3, 3, 0]


def test_the_best_agent_is_the_surest(served: str) -> None:
    """One success of one is no proof: nobody reaches one half."""
    printed = ask(served, "best-agent", *DAY)
    assert "no best agent: no agent reaches a confidence of 0.5; the nearest is triage" in printed
    printed = ask(served, "best-agent", "--min-confidence", "0.2", *DAY)
    assert re.search(r"\| triage +\| +20\.7 % \| +100\.0 % ", printed)


def test_a_run_is_exported_as_a_report(served: str) -> None:
    """For people who do not have the store; names stay text."""
    report = ask(served, "export", team.RUN, "--format", "markdown")
    assert report.startswith(f"# Run {team.RUN}")
    assert "| RateLimit (injected) | gpt-4o | writer | unrecovered |  |" in report
    assert "    └─ agent writer ← triage  1.2 s success" in report
    whole = json.loads(ask(served, "export", team.RUN))
    assert len(whole["spans"]) == 7


def test_a_service_is_asked_by_its_url(served: str) -> None:
    """Whoever holds the store, and wherever that is."""
    lock = json.loads((Path(served.removeprefix("chdb://")) / "handspan.lock").read_text())
    elsewhere = {"HANDSPAN_STORE": "chdb:///nowhere", "COLUMNS": "200"}
    for given, named in ((["--url", lock["url"]], {}), ([], {"HANDSPAN_URL": lock["url"]})):
        result = CliRunner().invoke(handspan, ["runs", "list", *given, *DAY], env=elsewhere | named)
        assert team.RUN[:12] in result.output
    wrong = process("runs", "list", "--url", "ftp://x")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_a_name_cannot_steer_the_terminal(served: str) -> None:
    """Names come from whoever sent a span; escape sequences are not printed."""
    printed = ask(served, "runs", "list", *DAY) + ask(served, "runs", "show", team.FAILED)

    assert "\x1b" not in printed
    assert "[31mred" in printed


def test_help_imports_no_command() -> None:
    """It answers at once, whatever the commands need."""
    script = (
        "import sys; from handspan_exporter.cli.group import run; run(['--help']);"
        "heavy = {'chdb', 'clickhouse_connect', 'grpc', 'pyarrow', 'rich', 'uvicorn'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert all(f"  {name}" in result.stdout for name in COMMANDS)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ["kpi"],
        ["runs", "list"],
        ["runs", "show"],
        ["runs", "compare"],
        ["alerts"],
        ["best-agent"],
        ["export"],
    ],
)
def test_help_has_examples_that_parse(command: list[str]) -> None:
    """An example that is wrong is worse than none."""
    printed = CliRunner().invoke(handspan, [*command, "--help"], env={"COLUMNS": "200"}).output

    examples = re.findall(r"^ +handspan (.+)$", printed, re.MULTILINE)
    assert len(examples) >= 3
    for example in examples:
        words = shlex.split(example.partition(">")[0].replace("alerts.toml", str(ALERTS)))
        result = CliRunner().invoke(handspan, [*words, "--store", "chdb:///nowhere/at/all"])
        assert "no data yet in chdb:///nowhere/at/all" in str(result.exception), example


WRONG = [
    (["kpi", "--since", "foo"], 2, r"--since: 'foo' is not a time; use 90m, 24h, 7d"),
    (["kpi", "--store", "foo://x"], 2, r"--store: the DSN's scheme is foo; use chdb:///folder"),
    (["kpi", "nope"], 2, r"no KPI is called 'nope'; there are: agent_performance"),
    (["kpi", "tokens", "--by", "x"], 2, r"--by: tokens cannot be grouped by 'x'; use total"),
    (["kpi", "--by", "agent"], 2, r"--by needs the NAME of a KPI; see handspan kpi --help"),
    (["kpi", "--filter", "agent"], 2, r"--filter: 'agent' is not NAME=VALUE"),
    (["kpi", "--format", "xml"], 2, r"Invalid value for '--format'.*; see handspan kpi --help"),
    (["runs", "list", "--limit", "0"], 2, r"Invalid value for '--limit'"),
    (["runs", "list", "--min-cost", "nan"], 2, r"--min-cost: must be between 0 and 1,000,000"),
    (["runs", "list", "--min-duration", "-1"], 2, r"--min-duration: must be between 0 and"),
    (["runs", "list", "--min-duration", "5x"], 2, r"--min-duration: '5x' is not a duration; use"),
    (["nope"], 2, r"No such command 'nope'; see handspan --help"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), WRONG)
def test_wrong_usage_is_one_line(
    arguments: list[str], code: int, said: str, tmp_path: Path
) -> None:
    """On standard error, with an exit code that a script can tell apart; no traceback."""
    result = process(*arguments, HANDSPAN_STORE=f"chdb://{tmp_path}")

    assert (result.returncode, result.stdout) == (code, "")
    assert re.fullmatch(rf"handspan: {said}.*\n", result.stderr)


@pytest.mark.parametrize("arguments", [["kpi"], ["runs", "list"], ["kpi", "tokens"]])
def test_without_data_one_line_says_how_to_send_some(arguments: list[str], tmp_path: Path) -> None:
    """And asking creates nothing."""
    folder = tmp_path / "store"
    result = process(*arguments, "--store", f"chdb://{folder}", HANDSPAN_OTLP_GRPC="127.0.0.1:999")

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert "no data yet" in result.stderr
    assert "127.0.0.1:999 (gRPC)" in result.stderr
    assert not folder.exists()


def test_without_serve_a_command_opens_the_store_itself(tmp_path: Path) -> None:
    """A migrated store without a span has no data yet, either; nor has one without facts."""
    store = f"chdb://{tmp_path}"
    assert process("migrate", "--store", store, HANDSPAN_FACT_DAYS="10000").returncode == 0
    assert "no data yet" in process("kpi", "--store", store).stderr
    exporting = (
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import SimpleSpanProcessor\n"
        "from handspan_exporter import ClickHouseSpanExporter\n"
        "provider = TracerProvider()\n"
        f"provider.add_span_processor(SimpleSpanProcessor(ClickHouseSpanExporter({store!r})))\n"
        "chat = {'gen_ai.operation.name': 'chat'}\n"
        "provider.get_tracer('t').start_span('chat', attributes=chat).end()\n"
        "provider.shutdown()\n"
    )
    subprocess.run([sys.executable, "-c", exporting], check=True)
    assert "1 raw spans are stored, and no fact" in process("kpi", "--store", store).stderr

    script = (
        "from handspan_exporter.store.dsn import parse\n"
        "from handspan_exporter.store.connection import connect\n"
        "from tests.exporter.answers import team\n"
        "from tests.exporter.answers.facts import Facts\n"
        f"dsn = parse({store!r}); team.insert(Facts(dsn, connect(dsn)))\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)

    result = process("runs", "list", "--store", store, *DAY)
    assert (result.returncode, result.stderr) == (0, "")
    assert team.RUN[:12] in result.stdout


def test_a_store_that_is_held_without_answering_is_one_line(tmp_path: Path) -> None:
    """Its holder is named, so that a person can end it."""
    (tmp_path / "engine").mkdir()
    with StoreLock(tmp_path):
        result = process("kpi", "--store", f"chdb://{tmp_path}")

    assert result.returncode == 1
    assert re.fullmatch(rf"handspan: .* held by process {os.getpid()}.*\n", result.stderr)


def test_a_reader_that_leaves_early_is_no_error(served: str) -> None:
    """`handspan runs list | head -1`."""
    with subprocess.Popen(
        [str(COMMAND), "runs", "list", "--format", "csv", *DAY],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"HANDSPAN_STORE": served},
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""


def test_a_full_disk_under_the_output_is_one_line(served: str) -> None:
    """`handspan kpi > report.txt` must say that the report is not whole."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        result = subprocess.run(
            [str(COMMAND), "kpi", *DAY],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"HANDSPAN_STORE": served},
        )

    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert "No space left" in result.stderr

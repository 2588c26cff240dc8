"""`handspan demo`: a real team of agents, traced into an embedded store, and what it tells."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handspan_exporter.asgi import split_address
from handspan_exporter.cli import one_run, output
from handspan_exporter.cli.serve import banner, quiet_and_log, stop_signal
from handspan_exporter.errors import Stop, UsageError
from handspan_exporter.query.listing import MOST_RUNS, Wanted
from handspan_exporter.query.over_http import HttpAnswers
from handspan_exporter.query.window import Window
from handspan_exporter.settings import Settings, data_folder

if TYPE_CHECKING:
    import threading

    from rich.console import Console

    from handspan_exporter.app import Service
    from handspan_exporter.query.answers import Answers

_PROGRAM = Path("examples") / "research_team.py"
_SHOWN = ("handoffs", "agent_performance", "cost_coverage_ratio")
_SETTLE_S = 30.0
"""How long the demo waits for its runs to be counted before it says that something is wrong."""

_EXAMPLES = """\b
Examples:
  handspan demo
  handspan demo --runs 100 --seed 7
  handspan demo --folder /tmp/handspan-demo
"""


def _demo_folder() -> Path:
    """Return a folder beside the default store: inside, two engines would meet."""
    return data_folder().with_name("handspan-demo")


@click.command(epilog=_EXAMPLES)
@click.option("--runs", type=click.IntRange(1, 1000), default=24, show_default=True, help="Runs.")
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same team.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help=f"Where the demo's store lives [{_demo_folder()}].",
)
def demo(runs: int, seed: int, folder: Path | None) -> None:
    """Trace a team of agents into an embedded store and show its KPIs.

    The team (triage, researcher, writer, critic) runs on the OpenAI Agents SDK with scripted
    models: no key, no network. On a terminal the demo then keeps serving until Ctrl-C.
    """
    quiet_and_log()
    from handspan_exporter.app import serving  # noqa: PLC0415 - keeps `handspan --help` fast

    program = _program()
    folder = (folder or _demo_folder()).absolute()
    console = output.terminal()
    stop = stop_signal()
    with serving(_settings(folder)) as service:
        console.print(banner(service), end="\n\n")
        window = _trace(console, service, program, stop, runs=runs, seed=seed)
        with closing(HttpAnswers(service.url)) as answers:
            _show(answers, window)
        _farewell(console, service, folder, stop)


def _program() -> Path:
    """Return the example program, wherever this installation keeps it.

    Raises:
        UsageError: it, or the framework it uses, is not there.
    """
    if importlib.util.find_spec("agents") is None:
        raise UsageError(
            "the demo's team needs its framework: pip install 'handspan[openai-agents]'"
        )
    beside = Path(__file__).parent.parent
    for root in (beside, beside.parent.parent, Path.cwd()):
        if (root / _PROGRAM).is_file():
            return root / _PROGRAM
    raise UsageError(f"{_PROGRAM} is not here: run the demo from a checkout of Handspan")


def _settings(folder: Path) -> Settings:
    """Return settings for a store in `folder`, on the usual ports or, where taken, free ones."""
    usual = Settings(store=f"chdb://{folder}")
    return replace(
        usual,
        otlp_grpc=_free(usual.otlp_grpc),
        otlp_http=_free(usual.otlp_http),
        web=_free(usual.web),
    )


def _free(address: str) -> str:
    host, port = split_address(address, option="demo")
    with socket.socket() as probe:
        taken = probe.connect_ex((host, port)) == 0
    return f"{host}:0" if taken else address


def _trace(
    console: Console,
    service: Service,
    program: Path,
    stop: threading.Event,
    *,
    runs: int,
    seed: int,
) -> Window:
    """Run the team as a user would, and return the window that holds its runs."""
    since_ns = time.time_ns()
    shown = f"handspan-instrument python {_PROGRAM} --runs {runs} --seed {seed}"
    console.print(f"A team of agents at work, traced without a changed line:\n  {shown}")
    _run(console, service, [str(program), "--runs", str(runs), "--seed", str(seed)], stop)
    with closing(HttpAnswers(service.url)) as answers:
        return _settled(console, answers, since_ns, runs)


def _run(console: Console, service: Service, arguments: list[str], stop: threading.Event) -> None:
    """Run the program under handspan-instrument, showing what it prints.

    Raises:
        Abort: a signal came; the team got it too.
        Stop: it failed; the message has the end of what it said.
    """
    command = [
        *(str(Path(sys.executable).with_name("handspan-instrument")), "--endpoint"),
        *(f"http://{service.otlp_grpc}", "--protocol", "grpc", "--service-name", "research-team"),
        *("python", *arguments),
    ]
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - our own program, by our own interpreter
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as team:
        assert team.stdout is not None  # noqa: S101 - asked for above
        for line in team.stdout:
            said.append(line.strip())
            if not stop.is_set():
                console.print(f"  {said[-1]}", style="dim")
    if stop.is_set():
        raise click.Abort
    if team.returncode:
        raise Stop(f"the team ended with code {team.returncode}: {' '.join(said[-3:])[-300:]}")


def _settled(console: Console, answers: Answers, since_ns: int, runs: int) -> Window:
    """Wait until all runs are counted, and return the window that holds them.

    Raises:
        Stop: they do not appear.
    """
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        window = Window(since_ns, time.time_ns())
        found = answers.runs(window, Wanted(limit=runs))["runs"]
        if len(found) >= runs:
            console.print(f"  {len(found)} runs are in the store", style="dim")
            return window
        time.sleep(0.1)
    raise Stop(f"only {len(found)} of {runs} runs were counted in {_SETTLE_S:.0f} s: see the log")


def _show(answers: Answers, window: Window) -> None:
    """Print the KPI tables and one run as a tree: the one with most agents."""
    output.print_overview(answers.overview(window))
    for name in _SHOWN:
        output.print_kpi(answers.kpi(name, window))
    found = answers.runs(window, Wanted(limit=MOST_RUNS))["runs"]
    richest = max(found, key=lambda run: (len(run["agents"]), len(run["path"]), run["run_id"]))
    one_run.print_run(answers.run(richest["run_id"]))


def _farewell(console: Console, service: Service, folder: Path, stop: threading.Event) -> None:
    """Say where everything is; on a terminal keep serving until a signal."""
    console.print(f"The data is in {folder}.")
    if sys.stdout.isatty() and sys.stdin.isatty():
        console.print(f"Page and API: {service.url}, until Ctrl-C.")
        stop.wait()
        return
    again = f"{_command()} serve --store chdb://{folder}"
    console.print(
        f"Page and API were at {service.url}; to have them again:\n  {again}", soft_wrap=True
    )


def _command() -> str:
    """Return how this very command can be typed: a checkout's is not on the PATH."""
    return "handspan" if shutil.which("handspan") else os.path.relpath(sys.argv[0])

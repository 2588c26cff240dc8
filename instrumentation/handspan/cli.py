"""`handspan-instrument`: run any Python program with Handspan switched on."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_FOUND = 127
"""Exit code of a shell for a command that does not exist."""

_AUTOSTART = Path(__file__).resolve().parent / "autostart"

_EXAMPLES = """\
examples:
  handspan-instrument python my_agents.py --topic tea
  handspan-instrument my_agents.py
  handspan-instrument -m my_package
  handspan-instrument --endpoint http://collector:4317 --service-name support python app.py
  handspan-instrument uvicorn app:app

Spans go to http://localhost:4317 (OTLP over gRPC) unless an option or an OTEL_* variable says
otherwise. Python processes that the program starts are recorded too; python -I, -E and -S are not.
"""


def main() -> NoReturn:
    """Replace this process by the program, with Handspan switched on in it."""
    words = sys.argv[1:]
    options = _parser().parse_args(words)
    command = ["-m", *options.module] if options.module else options.command
    if not command or command == ["-m"]:
        _parser().error("which program? For example: handspan-instrument python my_agents.py")
    environment = {**os.environ, **_variables(options)}
    environment["PYTHONPATH"] = _python_path(os.environ.get("PYTHONPATH", ""))
    _run(_executable(command), environment)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="handspan-instrument",
        usage="%(prog)s [options] {python program.py | program.py | -m module} [arguments ...]",
        description="Run a Python program and record its agents, without changing a line of it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option, metavar, variable, meaning in _OPTIONS:
        choices = _PROTOCOLS if option == "--protocol" else None
        parser.add_argument(
            option, metavar=metavar, choices=choices, help=f"{meaning} ({variable})"
        )
    parser.add_argument(
        "--capture-content",
        action="store_true",
        help="record messages, tool arguments and results too (HANDSPAN_CAPTURE_CONTENT)",
    )
    parser.add_argument("-m", dest="module", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


_PROTOCOLS = ("grpc", "http/protobuf")

_OPTIONS = (
    ("--endpoint", "URL", "OTEL_EXPORTER_OTLP_ENDPOINT", "where spans go"),
    ("--protocol", "NAME", "OTEL_EXPORTER_OTLP_PROTOCOL", f"how: {' or '.join(_PROTOCOLS)}"),
    ("--service-name", "NAME", "OTEL_SERVICE_NAME", "name of the program"),
    ("--exporter", "NAME", "OTEL_TRACES_EXPORTER", "otlp, console or none"),
    (
        "--flush-timeout-s",
        "SECONDS",
        "HANDSPAN_FLUSH_TIMEOUT_S",
        "how long the end of the program may wait for the receiver",
    ),
)
"""Option, placeholder, environment variable that it sets, meaning."""


def _variables(options: argparse.Namespace) -> dict[str, str]:
    given = {
        variable: getattr(options, option.removeprefix("--").replace("-", "_"))
        for option, _, variable, _ in _OPTIONS
    }
    if options.capture_content:
        given["HANDSPAN_CAPTURE_CONTENT"] = "true"
    return {variable: value for variable, value in given.items() if value is not None}


def _python_path(path: str) -> str:
    """Return PYTHONPATH with our `sitecustomize` in front, once."""
    others = [entry for entry in path.split(os.pathsep) if entry and entry != str(_AUTOSTART)]
    return os.pathsep.join([str(_AUTOSTART), *others])


def _executable(command: Sequence[str]) -> list[str]:
    """Return the full command line; a module or a Python file runs with this Python.

    Programs beside this Python come before those on the PATH: in an environment that is not
    activated, `python` would be one that has no Handspan.
    """
    first = command[0]
    if first == "-m" or (first.endswith(".py") and Path(first).is_file()):
        return [sys.executable, *command]
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    found = shutil.which(first, path=os.pathsep.join(places))
    if found is None:
        _fail(f"there is no program {first!r}: is the name right, is it on the PATH?", NOT_FOUND)
    return [found, *command[1:]]


def _run(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Become the program: its exit code and signals are its own."""
    try:
        os.execve(command[0], command, environment)  # noqa: S606 - running a program is our task
    except OSError as error:
        _fail(f"cannot run {command[0]}: {error.strerror}", NOT_FOUND - 1)


def _fail(message: str, code: int) -> NoReturn:
    sys.stderr.write(f"handspan-instrument: {message}\n")
    raise SystemExit(code)

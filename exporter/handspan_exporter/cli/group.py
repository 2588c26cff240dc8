"""The group of all commands: each is imported when it is asked for, errors end here."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

import click

from handspan_exporter.errors import HandspanError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "serve": "Receive OTLP, keep it, and answer with KPIs.",
    "demo": "Run a team of agents into a store of its own and show its KPIs.",
    "kpi": "Answer a KPI, or all of them at a glance.",
    "runs": "List runs, show one as a tree, or compare them.",
    "alerts": "Tell the state of each alert; its exit code is for CI.",
    "best-agent": "Tell which agent should do a task, and how sure that is.",
    "export": "Write one run as JSON, CSV or a Markdown report.",
    "dashboards": "Write the dashboards for Grafana and their provisioning into a folder.",
    "migrate": "Bring the store to this version's schema.",
    "prices": "Say what models cost, check a price file, price again.",
    "rebuild": "Make agent spans anew from the raw spans.",
    "token": "Make, list and revoke tokens for other machines.",
    "doctor": "Check this machine, the store and the service.",
}
"""Name and one line of each command; it lives in a module and a function of its name."""

_INTERRUPTED = 130
_EXAMPLES = """\b
Examples:
  handspan serve
  handspan kpi --since 7d
  handspan runs list --status failure
"""


class LazyGroup(click.Group):
    """Imports a command when it is needed, so that `handspan --help` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = importlib.import_module(f"handspan_exporter.cli.{name}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the table, without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="handspan", prog_name="handspan")
def handspan() -> None:
    """OpenTelemetry for teams of agents: receive spans, keep them, answer with KPIs."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; an error is one line, never a traceback."""
    _never_fail_on_a_letter()
    try:
        code = handspan.main(args=arguments, prog_name="handspan", standalone_mode=False)
        sys.stdout.flush()
    except HandspanError as error:
        click.echo(f"handspan: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"handspan: {_said(error)}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("handspan: interrupted", err=True)
        return _INTERRUPTED
    except OSError as error:
        return _not_written(error)
    return code if isinstance(code, int) else 0


def _not_written(error: OSError) -> int:
    """Tell of a file or an output that failed; a reader who left has only seen enough."""
    left = isinstance(error, BrokenPipeError)
    if not left:
        click.echo(f"handspan: {error}", err=True)
    # What is left in the buffer must not raise at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0 if left else 1


def _said(error: click.ClickException) -> str:
    """Return click's message as one line that says where to read on."""
    message = " ".join(error.format_message().split()).removesuffix(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see {context.command_path} --help" if context else message


def _never_fail_on_a_letter() -> None:
    """A terminal that cannot show a character gets a question mark, not an error."""
    if sys.stdout is None:  # closed by the caller: `>&-`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")

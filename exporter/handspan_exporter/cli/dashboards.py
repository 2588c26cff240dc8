"""`handspan dashboards`: the dashboards for Grafana and their provisioning, out of the package."""

from __future__ import annotations

import json
import shlex
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from handspan_exporter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

_EXAMPLES = """\b
Examples:
  handspan dashboards ./handspan-grafana
  GF_PATHS_PROVISIONING=$PWD/handspan-grafana/provisioning \\
    HANDSPAN_CLICKHOUSE_HOST=127.0.0.1 HANDSPAN_CLICKHOUSE_PORT=8123 grafana server
\b
  handspan dashboards ./handspan-grafana --path /var/lib/grafana/dashboards/handspan
  docker cp ./handspan-grafana/dashboards/. grafana:/var/lib/grafana/dashboards/handspan
"""
_PROVIDER = "provisioning/dashboards/handspan.yaml"
_PATH = "      path: "
"""How the line of the provider begins that says where the dashboards are."""


@click.command(epilog=_EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--path",
    metavar="PATH",
    help="Where Grafana will find the dashboards, if not in FOLDER: in a container, say.",
)
@click.option("--force", is_flag=True, help="Write over what is there; other files stay.")
def dashboards(*, folder: Path, path: str | None, force: bool) -> None:
    """Write the dashboards for Grafana, and the provisioning that loads them, into FOLDER.

    FOLDER/dashboards has a file for each dashboard: import them by hand, or let Grafana load them
    with the data source and the alert rules in FOLDER/provisioning.
    """
    found = {name: file.read_text(encoding="utf-8") for name, file in shipped()}
    found[_PROVIDER] = _led_to(found[_PROVIDER], path or str(folder.resolve() / "dashboards"))
    try:
        _write(folder, found, force=force)
    except OSError as error:
        place = error.filename or folder
        raise UsageError(
            f"{place} cannot be written ({error.strerror}): name a folder that is yours"
        ) from None
    number = sum(name.endswith(".json") for name in found)
    click.echo(f"{number} dashboards in {folder / 'dashboards'}: import them in Grafana, or set")
    click.echo(f"  GF_PATHS_PROVISIONING={shlex.quote(str(folder.resolve() / 'provisioning'))}")
    click.echo(
        "with HANDSPAN_CLICKHOUSE_HOST, HANDSPAN_CLICKHOUSE_PORT and, where one is asked for, "
        "HANDSPAN_READ_TOKEN, and start it."
    )


def shipped() -> Iterator[tuple[str, Traversable]]:
    """Yield every file by its path in FOLDER: JSON of dashboards, YAML of the provisioning."""
    packed: Traversable = resources.files("handspan_exporter") / "dashboards"
    if not packed.is_dir():  # a checkout: the wheel is built from these folders
        packed = Path(__file__).parents[3] / "dashboards"
    yield from _below(packed / "grafana", "dashboards")
    yield from _below(packed / "provisioning", "provisioning")


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for one in sorted(folder.iterdir(), key=lambda found: found.name):
        if one.is_dir():
            yield from _below(one, f"{name}/{one.name}")
        else:
            yield f"{name}/{one.name}", one


def _led_to(provider: str, path: str) -> str:
    """Return the provider's YAML with `path` as the folder of the dashboards."""
    lines = [
        f"{_PATH}{json.dumps(path)}" if line.startswith(_PATH) else line
        for line in provider.splitlines()
        if not line.startswith("#")  # that says what is done here
    ]
    return "\n".join(lines) + "\n"


def _write(folder: Path, found: dict[str, str], *, force: bool) -> None:
    """Write the files; nothing where something is and `force` does not say so.

    Raises:
        UsageError: the folder is not empty.
        OSError: a file cannot be written.
    """
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UsageError(f"{folder} is not empty: name another folder, or add --force")
    for name, text in found.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

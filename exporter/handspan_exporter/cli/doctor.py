"""`handspan doctor`: what is as it should be, what is not, and what to do about it."""

from __future__ import annotations

import os
import shutil
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING

import click

from handspan_exporter import sql
from handspan_exporter.asgi import split_address
from handspan_exporter.cli.figures import clean
from handspan_exporter.cli.question import TOKEN_VARIABLE, open_answers, store_option
from handspan_exporter.errors import HandspanError
from handspan_exporter.query.over_http import HttpAnswers
from handspan_exporter.query.runs import newest
from handspan_exporter.settings import from_environment, journal_folder
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.lock import hold, holder
from handspan_exporter.store.migrate import pending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from handspan_exporter.settings import Settings
    from handspan_exporter.store.dsn import Dsn

_LITTLE_BYTES = 2 << 30
"""Less room than this on the store's disk is worth a word."""

_LIBRARY = "ptars"
_OWN_LIBRARY = "handspan-decoder"

_MAPPING_NS = 7 * 86_400 * 10**9
"""How far back spans are looked at."""
_MAPPING_NAMES = 15
"""Names per scope that are told."""

_STYLES = {"ok": "green", "note": "yellow", "wrong": "red"}

_EXAMPLES = """\b
Examples:
  handspan doctor
  handspan doctor --mapping
  handspan doctor --store clickhouse://user:password@host:8123/handspan
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    state: str
    """ok, note (works, but look) or wrong (exit code 1)."""
    what: str
    said: str


@click.command(epilog=_EXAMPLES)
@click.option(
    "--mapping", is_flag=True, help="Instead: which attributes of spans are not understood."
)
@store_option
@click.pass_context
def doctor(context: click.Context, store: str | None, *, mapping: bool) -> None:
    """Check this machine, the store and the service, and say what to do.

    Changes nothing. Ends with 1 when something is wrong. With --mapping it looks at the newest
    spans of the last week instead; of an embedded store that `serve` holds, `serve` tells them.
    """
    if mapping:
        _tell_unread(store)
        return
    settings = from_environment(os.environ, store=store)
    dsn = parse(settings.store)
    wrong = False
    for finding in examined(settings, dsn):
        wrong |= finding.state == "wrong"
        state = click.style(f"{finding.state:<6}", fg=_STYLES[finding.state])
        click.echo(f"{state}{finding.what:<11}{finding.said}")
    context.exit(1 if wrong else 0)


def _tell_unread(store: str | None) -> None:
    """Tell, by instrumentation scope, which attribute names are not read; never values."""
    with open_answers(store) as answers:
        scopes = answers.mapping(time.time_ns() - _MAPPING_NS)["scopes"]
    if not scopes:
        click.echo("no spans in the last week: send OTLP, see `handspan serve --help`")
    for one in scopes:
        as_what = f" as {', '.join(one['conventions'])}" * bool(one["conventions"])
        name = click.style(clean(one["scope"]) or "(no scope)", bold=True)
        read = f"{one['spans_read']:,} of {one['spans']:,} spans are agent work{as_what}"
        click.echo(f"{name}: {read}")
        for said in one["attributes"][:_MAPPING_NAMES]:
            click.echo(f"  {said['spans']:>8,}  {clean(said['attribute'])}")
        more = max(0, len(one["attributes"]) - _MAPPING_NAMES) + one["attributes_left_out"]
        if more:
            click.echo(f"            and {more:,} more names")
        if one["advice"]:
            click.echo(f"  {one['advice']}")


def examined(settings: Settings, dsn: Dsn) -> Iterator[Finding]:
    """Yield what is found, stage by stage in the order of a span's way."""
    yield Finding("ok", "handspan", version("handspan"))
    yield from _frameworks()
    yield _decoder()
    found = holder(dsn.folder) if dsn.folder else None
    yield from _served(found.url) if found and found.url else _ports(settings)
    yield from _journal(journal_folder(settings, dsn.folder))
    if dsn.folder is not None:
        yield from _disk(dsn.folder)
    if found is None:
        yield from _guarded("store", lambda: _store(dsn))


def _frameworks() -> Iterator[Finding]:
    """Tell which frameworks in this environment `handspan-instrument` records."""
    for entry in sorted(entry_points(group="opentelemetry_instrumentor"), key=lambda e: e.name):
        if entry.value.startswith("handspan."):
            name = entry.name.replace("_", "-")
            try:
                yield Finding("ok", "records", f"{name} {version(name)}")
            except PackageNotFoundError:
                yield Finding("ok", "records", f"{name}, which is not installed here")


def _decoder() -> Finding:
    """Tell what parses OTLP here: the choices of `otlp.native` and `otlp.decode`."""
    from handspan_exporter.otlp.decode import BY_COLUMNS  # noqa: PLC0415 - keeps `--help` fast
    from handspan_exporter.otlp.native import LOADED  # noqa: PLC0415

    others = f"{_LIBRARY} {version(_LIBRARY)}" if BY_COLUMNS else "opentelemetry-proto"
    if LOADED:
        own = f"{_OWN_LIBRARY} {version(_OWN_LIBRARY)}"
        return Finding("ok", "decoder", f"{own}; what it leaves and logs: {others}")
    if BY_COLUMNS:
        said = f"{others}; {_OWN_LIBRARY}, which needs a third of its time, is not installed"
        return Finding("ok", "decoder", said)
    said = f"{others}: {_LIBRARY} does not load here, a span costs 58 us instead of 4"
    return Finding("note", "decoder", said)


def _served(url: str) -> Iterator[Finding]:
    def ask() -> Iterator[Finding]:
        with closing(HttpAnswers(url, token=os.environ.get(TOKEN_VARIABLE, ""))) as answers:
            said = answers.health()
        yield Finding("ok", "serve", f"answers at {url}, version {said['version']}")
        yield _freshness(said["newest"])

    return _guarded("serve", ask)


def _ports(settings: Settings) -> Iterator[Finding]:
    """Look whether `serve` could listen where it would."""
    for option in ("otlp_grpc", "otlp_http", "web"):
        address, name = getattr(settings, option), f"--{option.replace('_', '-')}"
        host, port = split_address(address, option=name)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            taken = probe.connect_ex((host, port)) == 0
        if taken:
            said = f"{address} is taken by another program: start serve with {name} {host}:1{port}"
            yield Finding("note", "port", said)
        else:
            yield Finding("ok", "port", f"{address} is free for serve {name}")


def _journal(folder: Path) -> Iterator[Finding]:
    waiting = list(folder.glob("*.otlp"))
    size = sum(path.stat().st_size for path in waiting)
    yield Finding("ok", "journal", f"{folder}: {size:,} bytes wait to be stored")
    rejected = list(folder.glob("rejected/*"))
    if rejected:
        said = f"{len(rejected)} files hold what the store refused, each with its reason: "
        yield Finding("note", "journal", said + str(folder / "rejected"))


def _disk(folder: Path) -> Iterator[Finding]:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    said = f"{free / (1 << 30):,.1f} GiB free for {folder}"
    if not (there.is_dir() and os.access(there, os.W_OK)):
        yield Finding("wrong", "disk", f"{there} cannot be written: choose another with --store")
    elif free < _LITTLE_BYTES:
        yield Finding("note", "disk", f"{said}: make room, or lower --raw-days")
    else:
        yield Finding("ok", "disk", said)


def _store(dsn: Dsn) -> Iterator[Finding]:
    """Open the store and look inside; only called when nobody holds it."""
    if dsn.folder is not None and not (dsn.folder / "engine").is_dir():
        yield Finding("ok", "store", f"{dsn}: none yet, `handspan serve` makes it")
        return
    with hold(dsn), closing(connect(dsn, create=False)) as connection:
        (row,) = connection.rows(sql.load("migrations/version"))
        yield Finding("ok", "store", f"{dsn}: ClickHouse {row['version']}")
        if missing := pending(connection):
            said = f"{len(missing)} schema files are missing: run `handspan migrate`"
            yield Finding("wrong", "schema", said)
        else:
            yield Finding("ok", "schema", "is this version's")
            yield _freshness(newest(connection))


def _freshness(moment: str | None) -> Finding:
    if moment is None:
        return Finding("note", "data", "none yet: send OTLP, see `handspan serve --help`")
    return Finding("ok", "data", f"the newest fact ended {moment}")


def _guarded(what: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """A check that fails is a finding, not the end of the others."""
    try:
        yield from look()
    except HandspanError as error:
        yield Finding("wrong", what, str(error))

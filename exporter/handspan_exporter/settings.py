"""Every setting of the service: type, default, environment variable and meaning, once.

The options of `handspan serve`, docs/settings.md and the checks at start are made from here.
"""

from __future__ import annotations

import os
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handspan_exporter.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def data_folder() -> Path:
    """Return the folder for data of this user (XDG base directory specification)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "handspan"


def default_store() -> str:
    """Return the DSN of the embedded store in the user's data folder."""
    return f"chdb://{data_folder()}"


_MOST_DAYS = 10_000
"""A ClickHouse DateTime ends in 2106: a retention that reaches beyond would delete everything."""


def _setting(
    default: Any,  # noqa: ANN401
    meaning: str,
    *,
    low: float | None = None,
    high: float | None = None,
    words: tuple[str, ...] = (),
) -> Any:  # noqa: ANN401
    """Declare one setting: `low` and `high` bound its value, `words` are all that it may be."""
    metadata = {"meaning": meaning, "low": low, "high": high, "words": words}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one `handspan serve` behaves. Environment variable of a field: HANDSPAN_<FIELD>."""

    store: str = _setting(
        default_store, "Where spans and KPIs live: chdb:///folder or clickhouse://user:pw@host/db."
    )
    role: str = _setting(
        "all",
        "What this process does: take spans (receiver), compute facts (processor), or both. "
        "Several on one ClickHouse server share the work.",
        words=("all", "receiver", "processor"),
    )
    lease_s: float = _setting(
        15.0,
        "Seconds without a sign of life after which another processor takes over.",
        low=1,
        high=600,
    )
    attach: str = _setting(
        "",
        "Table of a ClickHouse server that a Collector's clickhouseexporter writes, as "
        "`otel.otel_traces`: spans are read from there, and none are received.",
    )
    attach_s: float = _setting(
        1.0, "Seconds between two looks for new rows of --attach.", low=0.05, high=600
    )
    otlp_grpc: str = _setting("127.0.0.1:4317", "Address for OTLP over gRPC.")
    otlp_http: str = _setting("127.0.0.1:4318", "Address for OTLP over HTTP.")
    cors_origins: str = _setting(
        "",
        "Origins whose web pages may send OTLP over HTTP, with commas between; `*`: all.",
    )
    web: str = _setting("127.0.0.1:8317", "Address for the HTTP API.")
    alerts: str = _setting("", "TOML file of alerts, see docs/alerts.md; read at each question.")
    prices: str = _setting(
        "",
        "TOML or JSON file of own models and discounts, see docs/prices.md; read at the start.",
    )
    clickhouse_http: str = _setting(
        "",
        "Address that offers the embedded store over ClickHouse's HTTP protocol, for reading: "
        "127.0.0.1:8123; empty: none.",
    )
    clickhouse_http_queries: int = _setting(
        2, "Statements of readers at once at --clickhouse-http; others wait.", low=1, high=64
    )
    clickhouse_http_s: float = _setting(
        30.0, "Seconds that a statement at --clickhouse-http may take.", low=0.1
    )
    clickhouse_http_memory_bytes: int = _setting(
        1 << 30, "Memory of one statement at --clickhouse-http, in bytes.", low=1 << 20
    )
    clickhouse_http_result_bytes: int = _setting(
        64 << 20, "Largest answer at --clickhouse-http, in bytes.", low=1 << 10
    )
    jaeger: str = _setting(
        "",
        "Address at which Jaeger reads (its remote-storage service over gRPC): 127.0.0.1:17271; "
        "empty: none.",
    )
    metrics_kpis: str = _setting(
        "",
        "Groupings, with commas between, whose KPIs /metrics tells beside the service's own "
        "numbers: total,workflow,agent; empty: none.",
    )
    metrics_kpi_window_s: float = _setting(
        3600.0, "Seconds back from now that the KPIs at /metrics look at.", low=60
    )
    metrics_kpi_every_s: float = _setting(
        30.0, "Seconds for which KPIs at /metrics are told again before the store is asked.", low=1
    )
    metrics_kpi_groups: int = _setting(
        50,
        "Groups of one KPI and grouping told at /metrics; others are counted.",
        low=1,
        high=10_000,
    )
    journal: str = _setting(
        "", "Folder of the write-ahead journal; empty: `journal` in the store's folder."
    )
    max_request_bytes: int = _setting(
        16 << 20, "Largest OTLP request, in bytes after decompression.", low=1024
    )
    journal_max_bytes: int = _setting(
        4 << 30,
        "Acknowledged bytes not yet stored; beyond, clients are told to retry.",
        low=1 << 20,
    )
    pending_max_bytes: int = _setting(
        256 << 20,
        "Decoded spans kept in memory, in bytes; beyond, they are read back from the journal.",
        low=1 << 20,
    )
    durability: str = _setting(
        "disk",
        "What an acknowledged span survives: a power cut (disk) or the end of this process only "
        "(process).",
        words=("disk", "process"),
    )
    rejected_max_bytes: int = _setting(
        1 << 30,
        "Bytes kept of what the store refuses; beyond, the oldest are removed and counted.",
        low=0,
    )
    insecure_open: bool = _setting(
        False,
        "Listen on addresses that other machines can reach, although nothing asks who they are.",
    )
    tokens: str = _setting(
        "",
        "File of hashed tokens, see `handspan token`; empty: `tokens.json` in the store's folder.",
    )
    require_tokens: bool = _setting(
        False, "Ask for a token on 127.0.0.1 too, for instance behind a proxy."
    )
    tls_cert: str = _setting("", "PEM file of the certificate chain, for all addresses.")
    tls_key: str = _setting("", "PEM file of the certificate's key.")
    tls_client_ca: str = _setting(
        "", "PEM file of the authority whose certificates clients must show (mutual TLS)."
    )
    allowed_hosts: str = _setting(
        "", "Names, by comma, that a proxy calls the API by when it listens on 127.0.0.1."
    )
    log_format: str = _setting(
        "text", "How log records are written to stderr.", words=("text", "json")
    )
    flush_spans: int = _setting(
        65536, "Spans after which the journal is flushed to the store.", low=1
    )
    flush_s: float = _setting(
        0.8,
        "Seconds after which the journal is flushed; a quarter of a second is the most while the "
        "HTTP API or --clickhouse-http is asked.",
        low=0.01,
    )
    drain_s: float = _setting(
        20.0,
        "Seconds that an end by signal waits for what is acknowledged to be stored; what is left "
        "is stored by the next start.",
        low=0.0,
    )
    tick_s: float = _setting(
        0.5,
        "Seconds between two looks for changed runs while the HTTP API or --clickhouse-http is "
        "asked; else they take a twentieth of a core and come every ten seconds at the latest.",
        low=0.01,
    )
    implicit_run_s: float = _setting(
        300.0, "Seconds without a new span until a trace without a workflow is a run.", low=0
    )
    raw_days: int = _setting(30, "Days that raw spans are kept.", low=1, high=_MOST_DAYS)
    fact_days: int = _setting(
        90, "Days that runs, calls and handoffs are kept.", low=1, high=_MOST_DAYS
    )
    hourly_history_days: int = _setting(
        30, "Days that hourly KPI history is kept.", low=7, high=_MOST_DAYS
    )
    daily_history_days: int = _setting(
        400, "Days that daily KPI history is kept.", low=30, high=_MOST_DAYS
    )

    def __post_init__(self) -> None:
        """Refuse values out of bounds, naming the setting."""
        for one in fields(self):
            low, high, value = one.metadata["low"], one.metadata["high"], getattr(self, one.name)
            if (words := one.metadata["words"]) and value not in words:
                raise UsageError(f"{variable(one)} must be {' or '.join(words)}, not {value!r}")
            if low is not None and value < low:
                raise UsageError(f"{variable(one)} must be at least {low}, not {value}")
            if high is not None and value > high:
                raise UsageError(f"{variable(one)} must be at most {high}, not {value}")


def takes_spans(settings: Settings) -> bool:
    """Tell whether this process has a journal and listens for OTLP."""
    return settings.role != "processor" and not settings.attach


def variable(setting: Field[Any]) -> str:
    """Return the environment variable that holds the setting."""
    return f"HANDSPAN_{setting.name.upper()}"


def default_of(setting: Field[Any]) -> Any:  # noqa: ANN401
    """Return the default of a field of `Settings`."""
    if setting.default_factory is not MISSING:
        return setting.default_factory()
    return setting.default


def from_environment(environ: Mapping[str, str], **given: object) -> Settings:
    """Return the settings: a given value wins over the environment, that over the default.

    Raises:
        UsageError: a variable is unknown or its value is not of the setting's type.
    """
    values = {name: value for name, value in given.items() if value is not None}
    for one in fields(Settings):
        text = environ.get(variable(one), "")
        if text and one.name not in values:
            values[one.name] = _parsed(one, text)
    return Settings(**values)  # type: ignore[arg-type]


def _parsed(setting: Field[Any], text: str) -> object:
    kind = type(default_of(setting))
    if kind is bool:
        return _yes_or_no(setting, text)
    try:
        return kind(text)
    except ValueError:
        wanted = "a whole number" if kind is int else "a number"
        raise UsageError(f"{variable(setting)} must be {wanted}, not {text!r}") from None


def _yes_or_no(setting: Field[Any], text: str) -> bool:
    """Read a switch as OpenTelemetry does: only `true` and `false`."""
    if text.lower() not in ("true", "false"):
        raise UsageError(f"{variable(setting)} must be true or false, not {text!r}")
    return text.lower() == "true"


def token_file(settings: Settings, store_folder: Path | None) -> Path:
    """Return the file of tokens: as set, else with the embedded store, else with the user."""
    if settings.tokens:
        return Path(settings.tokens).expanduser().absolute()
    return (store_folder or data_folder()) / "tokens.json"


def journal_folder(settings: Settings, store_folder: Path | None) -> Path:
    """Return where the journal lies: as set, else with the embedded store, else with the user."""
    if settings.journal:
        return Path(settings.journal).expanduser().absolute()
    return (store_folder or data_folder()) / "journal"

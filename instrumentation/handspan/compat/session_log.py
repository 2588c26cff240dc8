"""What happened in a chaos session: its entries, figures and exports; live or from a link."""

from __future__ import annotations

import json
import time
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any

from handspan.compat import session_formats, session_link
from handspan.compat.counted import count
from handspan.compat.resilience import Effect, Resilience
from handspan.internal import contained, warn_once
from handspan.json_lines import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_BASE_URL = "handspan:session"

Entry = dict[str, Any]
"""One step: `step`, `timestamp`, `relative_time` (ms), `action`, what the action has of its own,
`performance_impact`, `resilience_score`, `current_score`."""


class SessionLog:
    """The log of one session, finished or still growing.

    No method raises. Credentials, e-mail addresses and the like are taken out of an entry before
    it is kept, so no export can show them.
    """

    def __init__(
        self,
        session_id: str,
        *,
        started_at: str,
        configuration: Mapping[str, Any] | None = None,
        mode: str | None = None,
        seed: int | None = None,
        max_entries: int = 10_000,
    ) -> None:
        """Start an empty log; the oldest entries beyond `max_entries` are dropped and counted."""
        self.session_id = session_id
        self.started_at = started_at
        self.configuration = dict(configuration or {})
        self.mode = mode
        self.seed = seed
        known = seed if seed is None or isinstance(seed, int) else text_of(seed)
        self.random = Random(known)  # noqa: S311 - repeatable on purpose
        """Draw from it, and the same seed makes the same session."""
        self.summary: dict[str, Any] = {}
        # As text: a third of the memory of dicts, and nobody's later change reaches it.
        self._entries: deque[str] = deque(maxlen=max(max_entries, 1))
        self._passed = self._evaluations = 0
        self._resilience = Resilience()
        self._analyzers: dict[str, Callable[[SessionLog], object]] = {}
        self._formats: dict[str, Callable[[SessionLog], str]] = {}

    @property
    def entries(self) -> list[Entry]:
        """Copies of the entries that are kept, oldest first."""
        return [json.loads(text) for text in self.entries_as_json()]

    def entries_as_json(self) -> list[str]:
        """Return the entries that are kept, oldest first, each as a JSON object."""
        return list(self._entries)

    def metrics(self) -> dict[str, float | int | None]:
        """Return faults, recoveries and scores; None is unknown, never 0 or 1."""
        rate = self._passed / self._evaluations if self._evaluations else None
        return self._resilience.metrics() | {
            "evaluations": self._evaluations,
            "evaluation_pass_rate": rate,
        }

    def effects(self) -> list[dict[str, Any]]:
        """Return each injected effect paired with its recovery."""
        names = Effect.__slots__
        return [{name: getattr(one, name) for name in names} for one in self._resilience.effects]

    def timeline(self) -> list[dict[str, Any]]:
        """Return the scores after each step."""
        names = ("step", "relative_time", "current_score", "resilience_score", "performance_impact")
        return [{name: entry.get(name) for name in names} for entry in self.entries]

    def replay(self, speed: float | None = None) -> Iterator[Entry]:
        """Yield the entries again, in order.

        Args:
            speed: 1.0 waits between entries as long as it took then, 2.0 half of it (blocks the
                caller); None: does not wait.
        """
        before_ms = 0.0
        for entry in self.entries:
            at_ms = float(entry.get("relative_time") or 0.0)
            if speed:
                time.sleep(max(at_ms - before_ms, 0.0) / 1000 / speed)
            before_ms = at_ms
            yield entry

    # --- exports ---

    def register_analyzer(self, name: str, analyze: Callable[[SessionLog], object]) -> None:
        """Let `analyze(log)` add to exports under `name`; what it raises stands there instead."""
        self._analyzers[name] = analyze

    def add_export_format(self, name: str, write: Callable[[SessionLog], str]) -> None:
        """Let `export(name)` return what `write(log)` returns."""
        self._formats[name] = write

    def export(self, name: str) -> str:
        """Return the session in a format added by `add_export_format`; "" when it fails."""
        write = self._formats.get(name)
        if write is None:
            known = ", ".join(sorted(self._formats)) or "none"
            warn_once(f"Handspan: no export format {name!r} was added, only {known}")
            return ""
        try:
            return write(self)
        except Exception as error:  # noqa: BLE001 - the user's function
            warn_once(f"Handspan: the export format {name!r} failed: {error!r}")
            return ""

    def as_dict(self) -> dict[str, Any]:
        """Return all but the entries: session, summary, metrics, effects, analysis."""
        return {
            "session": {
                "id": self.session_id,
                "started_at": self.started_at,
                "mode": self.mode,
                "seed": self.seed,
                "configuration": self.configuration,
            },
            "summary": self.summary,
            "metrics": self.metrics(),
            "effects": self.effects(),
            "analysis": {name: self._analyzed(name) for name in self._analyzers},
        }

    def export_as_json(self, pretty: bool = False) -> str:  # noqa: FBT002 - as people call it
        """Return the session as JSON; "" when that fails."""
        return contained(session_formats.as_json)(self, pretty=pretty) or ""

    def export_as_csv(self) -> str:
        """Return the entries as CSV, a column for every key that occurs; "" when that fails."""
        return contained(session_formats.as_csv)(self) or ""

    def export_as_report(self) -> str:
        """Return a report in Markdown; "" when that fails."""
        return contained(session_formats.as_report)(self) or ""

    def export_as_shareable_url(self, base_url: str = _BASE_URL) -> str:
        """Return a link that holds the session; `restore(url)` reads it. "" when that fails.

        Args:
            base_url: what stands before the `#`; the session needs no server.
        """
        return contained(session_link.link)(self._document(), base_url) or ""

    def _document(self) -> dict[str, Any]:
        whole = self.as_dict()
        told = {name: whole[name] for name in ("session", "summary", "effects")}
        return told | {"entries": self.entries}

    def _analyzed(self, name: str) -> object:
        try:
            return self._analyzers[name](self)
        except Exception as error:  # noqa: BLE001 - the user's function
            return f"failed: {error!r}"

    def _keep(self, entry: Entry) -> None:
        if len(self._entries) == self._entries.maxlen:
            count(
                "entries dropped from a full session",
                f"a session has more than {self._entries.maxlen:,} entries, the oldest are "
                "dropped; its figures still count them. Give start_session a larger max_entries",
            )
        text = json.dumps(
            entry, default=text_of, skipkeys=True, ensure_ascii=False, separators=(",", ":")
        )
        self._entries.append(text)
        if entry["action"] == "evaluation_result":
            self._evaluations += 1
            self._passed += entry.get("result") == "pass"


def restore(url: str) -> SessionLog | None:
    """Return the session of a link; None, counted and one warning, when it cannot be read.

    Example:
        >>> again = restore(session.export_as_shareable_url())
        >>> for entry in again.replay():
        ...     print(entry["step"], entry["action"])
        1 session_start
    """
    try:
        return _restored(session_link.document_of(url))
    except session_link.UnreadableLinkError as error:
        count("links not readable", f"a link to a session cannot be read: {error}")
    except (AttributeError, KeyError, TypeError, ValueError):
        count("links not readable", "a link to a session cannot be read: it holds no session")
    return None


def _restored(document: Mapping[str, Any]) -> SessionLog:
    """Return the log; keys of later minor versions are left out, missing ones are unknown."""
    told, entries = document["session"], document["entries"]
    log = SessionLog(
        str(told["id"]),
        started_at=str(told.get("started_at", "")),
        configuration=told.get("configuration"),
        mode=told.get("mode"),
        seed=told.get("seed"),
        max_entries=max(len(entries), 1),
    )
    log.summary = dict(document.get("summary") or {})
    for entry in entries:
        log._keep({**entry, "action": str(entry["action"])})  # noqa: SLF001 - made just above
    names = set(Effect.__slots__)
    for effect in document.get("effects", []):
        known = {name: value for name, value in effect.items() if name in names}
        log._resilience.add(Effect(**known))  # noqa: SLF001
    scores = [entry["current_score"] for entry in entries if entry.get("current_score") is not None]
    log._resilience.current_score = scores[-1] if scores else 100.0  # noqa: SLF001
    return log

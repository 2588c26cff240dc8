"""Writes docs/conventions.json anew from the recordings: `python -m ...conventions.writing`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Final

from tests.exporter.conventions.judging import verdicts
from tests.exporter.conventions.replaying import Replay, recordings

from handspan_exporter.settings import Settings
from handspan_exporter.store.connection import connect
from handspan_exporter.store.dsn import parse
from handspan_exporter.store.migrate import migrate

_RESULTS: Final = Path(__file__).parents[3] / "docs" / "conventions.json"


def main() -> None:
    """Replay all recordings and keep what they show; explanations stay as they are."""
    data = json.loads(_RESULTS.read_text(encoding="utf-8"))
    sent = recordings()
    with tempfile.TemporaryDirectory() as folder:
        connection = connect(parse(f"chdb://{folder}/store"))
        migrate(connection, Settings())
        replay = Replay(connection, Path(folder) / "journal", sent)
        data["sources"] = [
            {
                "framework": one.framework,
                "source": one.source,
                "facts": verdicts(one, replay.shown(one)),
                "versions": one.versions,
            }
            for one in sent
        ]
        connection.close()
    _RESULTS.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

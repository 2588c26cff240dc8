"""Write the dashboards' JSON; `--check` only says whether the files are what they should be.

Usage: python -m dashboards.generate [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboards import alerts
from dashboards.boards import BOARDS

FOLDER = Path(__file__).parent / "grafana"
PROVISIONING = Path(__file__).parent / "provisioning"
_MADE = "# Made by `make dashboards` from dashboards/alerts.py.\n"


def files() -> dict[Path, str]:
    """Return the text of every generated file."""
    found = {FOLDER / f"{board.name}.json": board.to_json() for board in BOARDS}
    # JSON is YAML, and Grafana's provisioning reads .yaml alone.
    rules = json.dumps(alerts.provisioned(), indent=1, ensure_ascii=False)
    found[PROVISIONING / "alerting" / "handspan.yaml"] = f"{_MADE}{rules}\n"
    return found


def main() -> int:
    """Write or check; 1 when a file is not fresh."""
    stale = [
        path
        for path, text in files().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" not in sys.argv:
        for path in stale:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files()[path], encoding="utf-8")
        return 0
    for path in stale:
        print(f"{path.relative_to(FOLDER.parents[1])} is not fresh: run `make dashboards`")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

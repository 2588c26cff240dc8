"""Records what every source of telemetry emits: `python -m stack.frameworks.recording [FRAMEWORK]`.

Builds the environments that are absent; takes a minute where they are there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from stack.tools import FRAMEWORKS, Missing

_ROOT: Final = Path(__file__).parents[2]
RECORDED: Final = _ROOT / "tests" / "exporter" / "conventions" / "recorded"

SOURCES: Final = {
    "autogen": ("native", "openinference"),
    "crewai": ("native", "openinference", "openinference_events", "openllmetry"),
    "langfuse": ("native",),
    "langgraph": ("native", "openinference", "openllmetry", "official"),
    "openai_agents": ("handspan", "openinference", "openllmetry", "official"),
    "pydantic_ai": ("native", "openinference"),
    "strands": ("native", "openinference"),
}
"""Framework -> what can record it."""


def record(python: Path, framework: str, source: str) -> str:
    """Return a recording, made with an interpreter; takes some seconds.

    Raises:
        Missing: the program failed; the message ends with what it printed last.
    """
    # Our own instrumentor belongs to no framework's environment: it runs in that of this program.
    program = Path(sys.executable) if source == "handspan" else python
    done = subprocess.run(  # noqa: S603 - our own module
        [str(program), "-m", "stack.frameworks.record", framework, source],
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": f"{_ROOT}:{_ROOT / 'instrumentation'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = "\n".join(done.stderr.splitlines()[-5:])
        raise Missing(f"{framework} with {source} cannot be recorded:\n{said}")
    return done.stdout


def main(frameworks: list[str]) -> int:
    """Record the named frameworks, all by default, into the tests."""
    for framework in frameworks or SOURCES:
        try:
            python = FRAMEWORKS[framework].build()
            for source in SOURCES[framework]:
                path = RECORDED / framework / f"{source}.jsonl"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(record(python, framework, source), encoding="utf-8")
                sys.stdout.write(f"wrote {path.relative_to(_ROOT)}\n")
        except Missing as missing:
            sys.stderr.write(f"{missing}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Tells the story with one source of telemetry and prints what it emits, as OTLP in JSON.

usage, in a framework's environment, from the root:
    python -m stack.frameworks.record FRAMEWORK SOURCE
"""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version

from opentelemetry import trace

from stack.frameworks.recorder import Recorder


def main(framework: str, source: str) -> None:
    """Print one request per line; each run of the story is a service of its own."""
    program = importlib.import_module(f"stack.frameworks.with_{framework}")
    recorder = Recorder(f"{framework}-{source}")
    trace.set_tracer_provider(recorder.provider)
    program.trace(source, recorder)
    for ending in program.ENDINGS:
        recorder.begin(ending)
        program.tell(ending)
    lines = recorder.lines({name: version(name) for name in sorted(program.PACKAGES[source])})
    sys.stdout.write("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    main(*sys.argv[1:])

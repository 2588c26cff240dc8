"""Loaded by Python itself when a program is run by `handspan-instrument`.

Python imports the first module named `sitecustomize` on its path: this one. The one that it
hides runs first, as it would without us; whatever happens here, the program starts.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def run_hidden() -> None:
    """Run the `sitecustomize` that would have been loaded without Handspan, if there is one."""
    here = Path(__file__).resolve().parent
    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != here]
    spec = PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def start_handspan() -> None:
    """Switch Handspan on; a Python that does not have it is told so in one line."""
    try:
        from handspan.autostart import start  # noqa: PLC0415 - may be missing
    except ImportError as error:
        sys.stderr.write(f"Handspan records nothing of this Python ({sys.executable}): {error}\n")
    else:
        start()


try:
    run_hidden()
finally:
    start_handspan()

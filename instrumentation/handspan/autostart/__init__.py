"""Recording in a program that knows nothing of Handspan: what `handspan-instrument` starts.

This folder is put on PYTHONPATH, so that Python loads `sitecustomize.py` from it first.
"""

from __future__ import annotations

from handspan.configure import configure
from handspan.internal import contained


@contained
def start() -> None:
    """Configure Handspan with what the environment says."""
    configure()

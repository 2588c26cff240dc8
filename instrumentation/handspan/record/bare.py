"""A verb as a decorator without parentheses, which is how people try it first.

`@handspan.tool` alone is meant. `@handspan.agent` alone is a slip: the function is where the name
belongs, and the recording where the function should be. It then stands for the recorded function,
and one warning says what to write.
"""

from __future__ import annotations

from inspect import isfunction
from typing import TYPE_CHECKING, Any

from handspan.internal import warn_once
from handspan.record.decorating import decorated


class MaybeBare:
    """A recording that may have been made by a decorator without parentheses."""

    def _bare(self) -> Any:  # noqa: ANN401 - the user's function, recorded
        """Return the function that was given instead of a name, recorded; else None."""
        parts = vars(self)
        if "_recorded" not in parts:
            given = next((one for one in parts.values() if isfunction(one)), None)
            if given is None:
                return None
            verb, name = type(self).__name__.lower(), given.__name__
            warn_once(f"Handspan: write @handspan.{verb}({name!r}), not @handspan.{verb} alone")
            kind: Any = type(self)
            parts["_recorded"] = decorated(kind(name), given)
        return parts["_recorded"]

    # No `__getattr__` for the function's name and the like: it would slow down every verb.
    if not TYPE_CHECKING:

        def __get__(self, instance: Any, owner: Any = None) -> Any:  # noqa: ANN401 - see above
            """Return itself; of a method that was decorated so, the bound method."""
            bare = None if instance is None else self._bare()
            return self if bare is None else bare.__get__(instance, owner)

"""Tables on a terminal of any width: words stay whole, or else rows become paragraphs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, JustifyMethod, OverflowMethod
    from rich.table import Column

_BETWEEN = 3
"""Characters between two columns: a line and what is around it."""


def new_table(
    console: Console, *headings: str, right: Sequence[str] = (), whole: Sequence[str] = ()
) -> Table:
    """Return a table without rows; columns in `whole` are never broken: people copy from them."""
    lines = box.ASCII2 if is_ascii(console) else box.SIMPLE_HEAD
    table = Table(box=lines, header_style="bold", pad_edge=is_ascii(console))
    for heading in headings:
        side: JustifyMethod = "right" if heading in right else "left"
        if heading in whole:
            # What is never broken is also never moved to the right by rich.
            cut: OverflowMethod = "ignore" if side == "left" else "fold"
            table.add_column(Text(heading), justify=side, overflow=cut, no_wrap=True)
        else:
            # Folded, not cut: half a number is another number.
            table.add_column(Text(heading), justify=side, overflow="fold")
    return table


def wanted_width(console: Console, table: Table) -> int:
    """Return how wide a table would like to be; asked with the console's own width, it gives in."""
    return Measurement.get(console, console.options.update(max_width=100_000), table).maximum


def is_ascii(console: Console) -> bool:
    """Tell whether lines are drawn in ASCII: anywhere but on a terminal that has more."""
    return not console.is_terminal or console.options.ascii_only


def print_table(console: Console, table: Table) -> None:
    """Print a table; where words would have to be broken, a paragraph per row instead."""
    needed = sum(_needs(column) + _BETWEEN for column in table.columns) + 1
    if needed <= console.width:
        console.print(table)
        return
    cells = [list(column.cells) for column in table.columns]
    headings = [str(column.header) for column in table.columns]
    for first, *others in zip(*cells, strict=True):
        console.print(Text(str(first), style="bold"))
        named = zip(headings[1:], others, strict=True)
        told = [f"{heading} {cell}" for heading, cell in named if str(cell).strip()]
        console.print(Padding(Text("; ".join(told)), (0, 0, 0, 4)))


def _needs(column: Column) -> int:
    """Return how wide a column is at least: its longest word, or cell if that must be whole."""
    cells = [str(column.header), *map(str, column.cells)]
    words = cells if column.no_wrap else [word for cell in cells for word in cell.split()]
    return max(map(cell_len, words), default=0)

"""Tables: rich's on a terminal where it is installed, plain columns otherwise."""
from __future__ import annotations

import sys
from typing import Any, Sequence


class Printer:
    """Prints to standard output."""

    def __init__(self) -> None:
        self._console: Any = None
        if sys.stdout.isatty():  # a pipe has no width to fit
            try:
                from rich.console import Console

                self._console = Console()
            except ImportError:
                pass

    def line(self, text: str = "") -> None:
        if self._console is not None:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "", right: Sequence[int] = ()) -> None:
        """`right`: the columns of numbers."""
        texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
        if self._console is not None:
            from rich import box
            from rich.table import Table
            from rich.text import Text

            table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False)
            for index, column in enumerate(columns):
                table.add_column(column, justify="right" if index in right else "left", overflow="fold")
            for row in texts:
                table.add_row(*(Text(cell) for cell in row))
            self._console.print(table)
            return
        widths = [max([len(column), *(len(row[index]) for row in texts)]) for index, column in enumerate(columns)]

        def joined(cells: Sequence[str]) -> str:
            return "  ".join(cell.rjust(width) if index in right else cell.ljust(width)
                             for index, (cell, width) in enumerate(zip(cells, widths))).rstrip()

        if title:
            print(title)
        print(joined(columns))
        print(joined(["-" * width for width in widths]))
        for row in texts:
            print(joined(row))


def byte_text(count: float) -> str:
    """1536 as "1.5 KiB"."""
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError  # the loop always returns


def yes_no(value: bool) -> str:
    return "yes" if value else "no"

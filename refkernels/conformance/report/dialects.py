"""Show how often the readings of a name differ, and on which smallest input."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from refkernels.arrays import Array
from refkernels.conformance.dialects.difference import VISIBLE, Count, Difference

__all__ = ["dialects_as_json", "print_dialects"]


def print_dialects(console: Console, found: Sequence[Difference]) -> None:
    """Print a table of the dialects, then of each the two readings and the smallest input."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("differ on", no_wrap=True)
    names = list(found[0].counts)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("in", justify="right", no_wrap=True)
    for own in found:
        cells = [text for name in names for text in _cells(own.counts[name])]
        table.add_row(own.dialect.name, *cells)
    console.print(table)
    console.print(
        "so many images, and in so much of what they say: of the matches, of the boxes that stay, "
        f"or of the numbers (by over {VISIBLE:.0%})"
    )
    for own in found:
        console.rule(Text(own.dialect.name))
        _print_one(console, own)


def _cells(count: Count) -> tuple[str, str]:
    if not count.values:
        return "not tried", ""
    share = f"{count.share:.1%}"
    return (
        f"{count.differing} of {count.images}",
        "<0.1%" if count.others and share == "0.0%" else share,
    )


def _print_one(console: Console, own: Difference) -> None:
    dialect = own.dialect
    console.print(Text(f"{dialect.what}:"))
    if own.smallest is None:
        console.print(f"  {dialect.one} ({dialect.whose_one})", markup=False)
        console.print(f"  {dialect.other} ({dialect.whose_other})", markup=False)
        console.print("no input was found on which they differ")
        return
    # Not wrapped: it must survive being copied.
    console.print(Text(_pasted(own)), soft_wrap=True)


def _pasted(own: Difference) -> str:
    """Return the smallest input as Python, with what each reading makes of it."""
    assert own.smallest is not None
    names = ", ".join(own.smallest.inputs)
    operator = own.dialect.one.partition("(")[0].partition(".")[0]
    arrays = own.smallest.assignments().splitlines()
    lines = ["import numpy as np", f"from refkernels import {operator}", *arrays]
    for text, whose, outputs in (
        (own.dialect.one, own.dialect.whose_one, own.one),
        (own.dialect.other, own.dialect.whose_other, own.other),
    ):
        lines.append(f"print({text}({names}))  # {_values(outputs)}: {whose}")
    return "\n".join(lines)


def _values(outputs: Sequence[Array]) -> str:
    return ", ".join(str(_listed(output)) for output in outputs)


def _listed(array: Array) -> Any:
    """Return an array as lists, its numbers with the digits that they have in its dtype."""
    if array.dtype.kind != "f":
        return array.tolist()
    return [_listed(own) for own in array] if array.ndim else float(str(array))


def dialects_as_json(found: Sequence[Difference]) -> str:
    """Return what was found as JSON: of each dialect its readings, counts and smallest input."""
    content = [
        {
            **own.dialect._asdict(),
            "counts": {name: vars(count) for name, count in own.counts.items()},
            "smallest": None
            if own.smallest is None
            else {name: array.tolist() for name, array in own.smallest.inputs.items()},
            "made_by_one": [output.tolist() for output in own.one],
            "made_by_other": [output.tolist() for output in own.other],
        }
        for own in found
    ]
    return json.dumps({"format": 1, "dialects": content}, indent=1) + "\n"

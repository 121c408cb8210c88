"""``python -m tests.exhaustive``: every kernel that decides, on every input of its scopes.

`refkernels check --exhaustive` holds a target to the kernel on these inputs (SPEC section 7); here
the kernel is held to the definition on all of them, so that the kernel is the definition there.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from signal import SIG_IGN, SIGINT, signal
from time import perf_counter

import click
import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from refkernels.conformance.cases import find
from refkernels.conformance.cases.scopes import SCOPES, scopes_of
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.operator import Reference
from refkernels.conformance.model.parameters import FREE
from refkernels.conformance.model.scope import Exhausted, Scope, largest

DTYPE = "float32"


@dataclass
class Row:
    """What was tried of an operator, and how long it took.

    Parameters
    ----------
    operator : str
    tried : Exhausted
        Which sizes, and how many inputs.
    configs : int
        How many configurations of each size.
    kernel, definition, judge : float
        The seconds that each took.
    wrong : str
        The first input on which the kernel is not what is defined; empty if there is none.
    """

    operator: str
    tried: Exhausted = field(default_factory=lambda: Exhausted([], DTYPE))
    configs: int = 0
    kernel: float = 0.0
    definition: float = 0.0
    judge: float = 0.0
    wrong: str = ""


# Of more inputs than this, a share may be taken.
MANY = 2000


def exhaust(name: str, *, whole: bool = True, step: int = 1) -> Row:
    """Hold the kernel of an operator to its definition, on every input of its scopes.

    Parameters
    ----------
    name : str
    whole : bool
        Whether of all sizes, and not only of those that are always tried.
    step : int
        Of scopes with more than 2000 inputs only each so many-th is tried.
    """
    operator, row = find(name), Row(name)
    seen: set[str] = set()
    warm = False
    for scope in scopes_of(name, FREE, whole):
        seen.add(repr(scope.config))
        sizes = row.tried.fewer if scope.fewer else row.tried.sizes
        if scope.size not in sizes:
            sizes.append(scope.size)
        for count, case in _cases(scope, step if scope.count > MANY else 1):
            if not warm:  # what is compiled belongs to no input
                operator.refer(case, ask_definition=False)
                warm = True
            started = perf_counter()
            reference = operator.refer(case, ask_definition=False)
            called = perf_counter()
            reference = Reference(operator.define(case), reference.kernel)
            defined = perf_counter()
            wrong = operator.judge_kernel(case, reference)
            row.kernel += called - started
            row.definition += defined - called
            row.judge += perf_counter() - defined
            if wrong is not None:
                row.wrong = f"{scope.size} {dict(scope.config)}: {wrong.what}"
                return row
            row.tried.inputs += count
    row.configs = len(seen)
    return row


def _cases(scope: Scope, step: int) -> Iterator[tuple[int, Case]]:
    """Yield how many inputs a case holds, and the case."""
    for batch in scope.batches():
        batch = {name: array[::step] for name, array in batch.items()}
        count = len(next(iter(batch.values())))
        cases = [scope.case(batch)] if scope.stacked else scope.singles(batch)
        for case in cases:
            yield count if scope.stacked else 1, case.astype(np.dtype(DTYPE))


def table(rows: Sequence[Row]) -> Table:
    """Return a table of what was tried; sizes in brackets are of fewer values."""
    titles = ("operator", "up to", "settings", "inputs", "kernel", "definition", "judge")
    shown = Table(*titles, box=SIMPLE, padding=(0, 1, 0, 0), pad_edge=False)
    shown.columns[0].no_wrap = True
    for column in shown.columns[2:]:
        column.justify, column.no_wrap = "right", True
    for row in rows:
        seconds = (row.kernel, row.definition, row.judge)
        shown.add_row(
            row.operator,
            ", ".join(largest(row.tried.sizes))
            + (f" ({', '.join(largest(row.tried.fewer))})" if row.tried.fewer else ""),
            str(row.configs),
            f"{row.tried.inputs:,}",
            *(f"{number:.2f} s" for number in seconds),
        )
    return shown


@click.command()
@click.option("--operator", "names", multiple=True, type=click.Choice(list(SCOPES)))
@click.option("--small", is_flag=True, help="The sizes that are always tried alone.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
def main(names: Sequence[str], small: bool, workers: int) -> None:
    """Hold kernels to their definitions on every input of their scopes.

    Exit status: 0 if each is what is defined, 1 if not, or not known.
    """
    started, rows = perf_counter(), []
    chosen = list(names or SCOPES)
    # Ctrl-C reaches all processes of a terminal: what is known by then is told by this one.
    with get_context("spawn").Pool(workers, signal, (SIGINT, SIG_IGN)) as pool:
        try:
            for row in pool.imap(partial(exhaust, whole=not small), chosen):
                rows.append(row)
                print(row.operator, row.wrong or "is what is defined", file=sys.stderr)
        except KeyboardInterrupt:
            print(f"interrupted: {len(chosen) - len(rows)} are left", file=sys.stderr)
    console = Console(highlight=False)
    console.print(table(rows))
    for row in rows:
        if row.wrong:
            console.print(f"{row.operator} is not what is defined: {row.wrong}", markup=False)
    inputs = sum(row.tried.inputs for row in rows)
    console.print(f"{inputs:,} inputs in {DTYPE}, in {perf_counter() - started:.0f} s")
    sys.exit(len(rows) < len(chosen) or any(row.wrong for row in rows))


if __name__ == "__main__":
    main()

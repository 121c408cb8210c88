"""A race between implementations of one operator: in one process, in turns, with its spread."""

import gc
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

__all__ = [
    "Contestant",
    "Peer",
    "Result",
    "Table",
    "compare",
    "load",
    "measure",
    "race",
    "recorded",
]

Call = Callable[[], Any]

# How long a contestant has the floor at least, and for how many calls; and how long nobody has it
# afterwards: time for the threads of the last one to stop spinning.
TURN_SECONDS = 0.004
TURN_CALLS = 3
PAUSE_SECONDS = 0.002

# What every race of this process has measured, in turn.
_races: list[dict[str, Any]] = []
_growth: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Contestant:
    """An implementation that is bound to its input.

    `call` runs it once and waits for the result, and `result` gives that result as a NumPy array,
    which is not timed. `target` is how many times as long as the first contestant's its time is to
    be at least; None where there is no target.
    """

    name: str
    call: Call
    result: Callable[[Any], Any] = np.asarray
    target: float | None = None


@dataclass(frozen=True)
class Peer:
    """A library that may not be installed: `load` imports it, and returns what is used of it."""

    name: str
    load: Callable[[], Any]


@dataclass(frozen=True)
class Result:
    """Seconds for one call, over all turns.

    The first call of a turn, with the caches full of somebody else's data, counts by itself; then
    come the quartiles and the median of what the shortest of the calls after it takes.
    """

    first: float
    low: float
    median: float
    high: float


def load(peers: Iterable[Peer]) -> tuple[dict[str, Any], list[str]]:
    """Import the peers that there are; the others are returned in words."""
    found, skipped = {}, []
    for peer in peers:
        try:
            found[peer.name] = peer.load()
        except Exception as error:  # a library may fail in any way while it is imported
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            skipped.append(f"{peer.name} is skipped: {reason}")
    return found, skipped


def race(contestants: Sequence[Contestant], rounds: int) -> list[Result]:
    """Give every contestant a turn each round, so that what else goes on hits all of them alike."""
    for contestant in contestants:
        contestant.call()  # compiles, allocates
    first, later = np.empty((2, rounds, len(contestants)))
    for i in range(rounds):
        for j in np.roll(np.arange(len(contestants)), i):  # nobody always follows the same one
            first[i, j], later[i, j] = _turn(contestants[j].call)
    return [
        Result(float(np.median(first[:, j])), *np.percentile(later[:, j], [25, 50, 75]))
        for j in range(len(contestants))
    ]


def measure(call: Call, rounds: int) -> Result:
    """Time one function by itself."""
    return race([Contestant("", call)], rounds)[0]


def _turn(call: Call) -> tuple[float, float]:
    """Return the seconds of the first call, and of the shortest of the calls after it."""
    time.sleep(PAUSE_SECONDS)
    gc.disable()
    try:
        first = _time(call)
        later = [_time(call)]
        while sum(later) < TURN_SECONDS or len(later) < TURN_CALLS:
            later.append(_time(call))
    finally:
        gc.enable()
    return first, min(later)


def _time(call: Call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Table:
    """Lines of figures: by rich where it is installed, as plain text elsewhere."""

    def __init__(self, title: str, *columns: str) -> None:
        self.title = title
        self.columns = columns
        self.rows: list[tuple[str, ...]] = []

    def add(self, *cells: str) -> None:
        """Add a line."""
        self.rows.append(cells)

    def print(self) -> None:
        """Print the table."""
        try:
            from rich import box
            from rich.console import Console
            from rich.table import Table as RichTable
        except ImportError:
            self._print_plain()
            return
        table = RichTable(title=self.title, title_justify="left", box=box.SIMPLE_HEAD)
        for i, column in enumerate(self.columns):
            table.add_column(column, justify="left" if i == 0 else "right", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 150).print(table)

    def _print_plain(self) -> None:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        print(f"\n{self.title}")
        for first, *rest in lines:
            cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
            print("  ".join([first.ljust(widths[0]), *cells]))


def compare(title: str, contestants: Sequence[Contestant], rounds: int, differ: Any) -> bool:
    """Race, print, and return whether every target is met.

    ``differ(ours, theirs)`` says in a few words how a result differs from the first contestant's.
    """
    entries: list[dict[str, Any]] = []
    table = Table(
        title, "", "median ms", "quartiles", "first call", "times ours", "target", "result"
    )  # fmt: skip
    results = race(contestants, rounds)
    ours = contestants[0].result(contestants[0].call())
    met = True
    for contestant, result in zip(contestants, results, strict=True):
        ratio = result.median / results[0].median
        target = ""
        if contestant.target is not None:
            reached = ratio >= contestant.target
            met &= reached
            target = f"{contestant.target:g} {'met' if reached else 'MISSED'}"
        first = contestant is contestants[0]
        says = "" if first else differ(ours, contestant.result(contestant.call()))
        entries.append({"name": contestant.name, **asdict(result), "result": says})
        table.add(
            contestant.name,
            f"{1e3 * result.median:.3f}",
            f"{1e3 * result.low:.3f} to {1e3 * result.high:.3f}",
            f"{1e3 * result.first:.3f}",
            f"{ratio:.1f}",
            target,
            says,
        )
    table.print()
    _races.append({"title": title, "contestants": entries})
    return met


def grow(name: str, make: Callable[[int], Callable[[], Any]], sizes: Sequence[int]) -> list[float]:
    """Return the medians of what `make` gives for each size, in seconds, and note them."""
    medians = [measure(make(size), 5).median for size in sizes]
    _growth.append({"name": name, "sizes": list(sizes), "medians": medians})
    return medians


def recorded() -> dict[str, list[dict[str, Any]]]:
    """Return the races so far, as titles and each contestant's `Result`, and what was grown."""
    return {"races": list(_races), "growth": list(_growth)}

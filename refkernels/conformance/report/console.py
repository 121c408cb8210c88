"""Show what a check finds, while it runs and at the end."""

import os
import platform
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.measure import Measurement
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from refkernels.arrays.printing import times
from refkernels.conformance.engine.not_a_number import AS_A_NUMBER, PASSED_ON, REFUSED
from refkernels.conformance.engine.run import Result
from refkernels.conformance.model.dissent import NOT_SAVED
from refkernels.conformance.model.quoting import printable
from refkernels.conformance.model.verdict import UNUSABLE, VERDICTS, failed
from refkernels.conformance.report.summary import Summary, gathered, in_short, versions

__all__ = ["LiveReport", "print_dissents", "print_header", "print_results"]

# What computes what is expected; the frameworks of targets are told apart.
OWN = ("numpy", "numba", "hypothesis")

ON_NAN = (REFUSED, PASSED_ON, AS_A_NUMBER)

# So many calls show that a nan is taken for a number; reports as files have all.
CALLS = 3

# So many operators of which the same is said are named.
NAMED = 3

STYLES = {
    verdict: "bold red" if failed(verdict) or verdict in UNUSABLE else "green"
    for verdict in VERDICTS
} | {"absent": "yellow"}


def print_header(console: Console, target: str, seed: int) -> None:
    """Print versions and the seed; the target's own framework is told when it is known."""
    found = versions(*OWN)
    console.print(f"refkernels {found.pop('refkernels')} checks", Text(printable(target), "bold"))
    others = " · ".join(f"{name} {number}" for name, number in found.items())
    console.print(f"Python {platform.python_version()} · {others} · seed {seed}")


class LiveReport:
    """A table that fills while operators are checked, with a progress bar below.

    On something that is not a terminal nothing is drawn until the end.
    """

    def __init__(self, console: Console, operators: Sequence[str]) -> None:
        self._operators, self._console = operators, console
        self._results: dict[str, Result] = {}
        self._counts: dict[str, int] = {}
        self._progress = Progress(
            TextColumn("{task.completed} of {task.total} operators"),
            BarColumn(),
            TextColumn("{task.fields[now]}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task("", total=len(operators), now="")
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=5)
        self._visible = console.is_terminal

    def __enter__(self) -> "LiveReport":
        if self._visible:
            self._live.start()
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._visible:
            self._live.transient = True
            self._live.stop()

    @property
    def results(self) -> list[Result]:
        """The results so far, in the order of the operators."""
        return [self._results[name] for name in self._operators if name in self._results]

    def on_event(self, name: str, count: int, result: Result | None) -> None:
        """Take an event of `workers.check`."""
        self._counts[name] = count
        if result is not None:
            self._results[name] = result
            self._progress.advance(self._task)
        busy = ", ".join(
            f"{name} {count}" for name, count in self._counts.items() if name not in self._results
        )
        self._progress.update(self._task, now=busy)

    def _render(self) -> Group:
        return Group(_table(self.results, self._console), self._progress)


# The columns that a table does without if it is too wide, the least first.
DROPPED = ("not offered", "modes", "contexts", "dtypes")


def _table(results: Sequence[Result], console: Console) -> Table:
    """Return a table that fits the console, as far as it can with fewer columns.

    What is not offered, and the modes, are told below the table too.
    """
    boundless = console.options.update(width=10_000)
    for dropped in (DROPPED[:n] for n in range(len(DROPPED) + 1)):
        table = _with_columns(results, dropped)
        if Measurement.get(console, boundless, table).maximum <= console.width:
            break
    return table


def _with_columns(results: Sequence[Result], dropped: Sequence[str]) -> Table:
    """Return a table with all columns that there is something to say in, but for these."""
    columns: dict[str, list[str | Text]] = {
        "operator": [result.operator for result in results],
        "object": [result.place.removesuffix(":*").rpartition(":")[2] for result in results],
        "verdict": [Text(result.verdict, STYLES[result.verdict]) for result in results],
        "cases": [_cases(result) for result in results],
        "dtypes": [in_short(result.dtypes) for result in results],
        "modes": [" ".join(mode[0] for mode in result.modes) for result in results],
        "not offered": [", ".join(result.not_offered) for result in results],
        "contexts": [" ".join(result.contexts) for result in results],
    }
    empty = [name for name in ("object", "not offered") if not any(columns[name])]
    if not any(len(result.contexts) > 1 for result in results):
        empty.append("contexts")
    shown = {name: own for name, own in columns.items() if name not in (*empty, *dropped)}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(name, justify="right" if name == "cases" else "left", no_wrap=True)
    for row in zip(*shown.values(), strict=True):
        table.add_row(*row)
    return table


def _cases(result: Result) -> str:
    own = f"{result.cases}+{result.real_cases}" if result.real_cases else str(result.cases)
    return own if result.cases else ""


def print_dissents(console: Console, result: Result) -> None:
    """Print what is wrong with an operator, with calls that can be pasted into Python."""
    if result.note:
        console.print(Text(result.note))
    for dissent, others in gathered(result.dissents):
        console.print(Text(str(dissent), "bold"))
        if dissent.saved:
            again = f"--operator {result.operator} --seed {result.seed}"
            console.print(Text(f"{dissent.origin}; again with: {again}"))
            place = os.path.relpath(dissent.saved)
            console.print(Text(f"or: refkernels replay {place}"), soft_wrap=True)
        elif NOT_SAVED in dissent.origin:
            console.print(Text(printable(dissent.origin)))
        # Not wrapped: it must survive being copied.
        console.print(Text(dissent.paste), soft_wrap=True)
        if others:
            console.print(Text(f"likewise in {', '.join(others)}", "bold"))


def print_results(console: Console, summary: Summary, detail: int = 0) -> None:
    """Print the table, then each failure with a call that can be pasted into Python.

    With a `detail` of -1 it is failures and the sum alone, and with 1 every operator is named.
    """
    if detail >= 0:
        _print_overview(console, summary, detail)
    for result in summary.results:
        if result.verdict in ("conforms", "known", "absent"):
            continue
        console.rule(Text(f"{result.item} {result.verdict}", STYLES[result.verdict]))
        print_dissents(console, result)
    if detail >= 0:
        labels = _labels(summary.results)
        for result in summary.results:
            for remark, text in result.remarks.items():
                if remark not in ON_NAN:
                    label = labels[result.item]
                    line = text.splitlines()[0]
                    said = repr(line) if remark == "prints" else line
                    console.print(Text(f"{label} {remark}: {said}"))
        _print_nan(console, summary.results, CALLS if detail == 0 else len(summary.results))
        _print_known(console, summary, detail)
        _print_untried(console, summary, NAMED if detail == 0 else len(summary.results))
    console.rule()
    _print_sum(console, summary)


def _labels(results: Sequence[Result]) -> dict[str, str]:
    """Return what each result is called in a line: without its module, where that is enough."""
    short = {
        r.item: r.operator if r.place.endswith(":*") else r.item.rpartition(":")[2] for r in results
    }
    counts = Counter(short.values())
    return {item: label if counts[label] == 1 else item for item, label in short.items()}


def _in_a_line(start: str, names: Sequence[str], console: Console, detail: int) -> Text:
    """Return names in a line, or how many there are if it is too short for them."""
    line = f"{start}{', '.join(names)}"
    if len(line) > console.width and detail <= 0:
        line = f"{start}{times(len(names), 'other')} (-v names them)"
    return Text(line)


def _print_overview(console: Console, summary: Summary, detail: int) -> None:
    """Print the table, and what it ran on."""
    results = summary.results
    there = [result for result in results if result.verdict != "absent"]
    console.print(_table(there or results, console))
    left = [result.item for result in results if result not in there]
    if there and left:
        console.print(_in_a_line("absent: ", left, console, detail))
    modes = dict.fromkeys(mode for result in results for mode in result.modes)
    if modes:
        console.print(f"modes: {', '.join(modes)}; batches also image by image")
    for package in filter(None, dict.fromkeys(result.framework for result in results)):
        own = [result.contexts for result in results if result.framework == package]
        contexts = dict.fromkeys(context for contexts in own for context in contexts)
        number = versions(package).get(package, "")
        console.print(f"ran on: {package} {number}, {', '.join(contexts)}")
    labels = _labels(results)
    scopes: dict[str, list[str]] = {}
    for result in results:
        if result.scope:
            scopes.setdefault(result.scope, []).append(labels[result.item])
    for scope, items in scopes.items():
        console.print(Text(f"no counterexample {scope}: {', '.join(items)}"))
    for result in results:
        if result.is_undefined:
            console.print(f"{result.operator}: {result.note}")


def _print_sum(console: Console, summary: Summary) -> None:
    results = summary.results
    counts = {verdict: sum(r.verdict == verdict for r in results) for verdict in STYLES}
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    cases = sum(result.cases + result.real_cases for result in results)
    # None are counted of what fails in a scope that is tried whole, before any case is drawn.
    counted = f" · {times(cases, 'case')}" if cases else ""
    console.print(f"{verdicts}{counted} in {summary.seconds:.1f} s")
    ambiguous = sum(result.ambiguous for result in results)
    if ambiguous:
        console.print(
            f"{times(ambiguous, 'ambiguous decision')}: on a tie or threshold, within rounding"
        )
    if any(result.real_cases for result in results):
        console.print("cases: drawn and at corners + from boxes of images")


def _print_nan(console: Console, results: Sequence[Result], calls: int) -> None:
    """Print what is done with NaN, on which no verdict depends."""
    labels = _labels(results)
    kinds = {kind: [r for r in results if kind in r.remarks] for kind in ON_NAN}
    if any(kinds.values()):
        console.rule(Text("what is done with nan"))
    for kind, own in kinds.items():
        if own:
            names = [f"{labels[r.item]} ({r.remarks[kind].splitlines()[0]})" for r in own]
            several = len(own) > calls and kind != AS_A_NUMBER
            said = f"{len(own)} operators" if several else ", ".join(names)
            console.print(Text(f"{kind}: ", "bold") + said)
    for result in kinds[AS_A_NUMBER][:calls]:
        console.print(Text("\n".join(result.remarks[AS_A_NUMBER].splitlines()[1:])), soft_wrap=True)


def _print_known(console: Console, summary: Summary, detail: int) -> None:
    """Print the declared divergences, and calls that show the first of them, or all."""
    labels = _labels(summary.results)
    known = [(labels[r.item], met) for r in summary.results for met in summary.known(r)]
    if not known:
        return
    count, shown = len({met["id"] for _, met in known}), 0
    console.rule(Text(times(count, "known divergence"), STYLES["known"]))
    for operator, met in known:
        seen = times(met["cases"], "case") if met["cases"] else "its witness"
        console.print(Text(f"{met['id']} {operator}, {seen}: ", "bold") + met["why"])
        if met["call"] and (detail > 0 or shown < CALLS):
            console.print(Text(met["call"]), soft_wrap=True)
            shown += 1
    if shown < sum(bool(met["call"]) for _, met in known):
        console.print("-v and --html show a call of each")


def _print_untried(console: Console, summary: Summary, most: int) -> None:
    """Print what was not tried, so that no verdict says more than it may."""
    labels = _labels(summary.results)
    for title, said in (
        ("not offered", summary.said("not_offered")),
        ("not tried", summary.said("untried")),
    ):
        if said:
            console.rule(Text(title))
        for (what, why), operators in said.items():
            several = (
                f"{len(operators)} operators"
                if len(operators) > most
                else ", ".join(labels[own] for own in operators)
            )
            console.print(Text(f"{several}: ", "bold") + f"{what} ({why})")

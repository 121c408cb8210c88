"""What ``refkernels check`` and ``refkernels replay`` do, up to their exit status."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console

from refkernels.conformance import cases
from refkernels.conformance.engine.replay import load
from refkernels.conformance.engine.run import Options
from refkernels.conformance.model.operator import Image
from refkernels.conformance.model.verdict import exit_status
from refkernels.conformance.peers.opening import (
    bindings_of,
    module_of,
    of_other_version,
    why_absent,
)
from refkernels.conformance.process import supervisor as workers
from refkernels.conformance.process.signals import ending_in_order
from refkernels.conformance.report import console as report
from refkernels.conformance.report.summary import Summary, write

__all__ = ["UsageError", "check_command", "replay_command"]

USAGE = 2

# What is checked by default: every block, and of operators without one the NumPy operator.
BLOCKS = "refkernels.gluon"

# The module and function that render a report, by its format.
RENDERERS = {
    "json": ("summary", "as_json"),
    "junit": ("junit", "as_junit"),
    "html": ("html", "as_html"),
}


class UsageError(Exception):
    """There is nothing to check, or not like this; the message says why in one line."""


def check_command(
    targets: Sequence[str],
    operators: Sequence[str],
    options: Options,
    images: Sequence[Image],
    files: dict[str, Path],
    *,
    processes: int,
    time_limit: float,
) -> int:
    """Check operators of a target, print what is found, write reports, return the exit status.

    Parameters
    ----------
    targets : sequence of str
        A module, a peer, or bindings (`peers.opening`); by default `BLOCKS`, and the NumPy
        operators that have no block.
    operators, options, images, time_limit
        As `workers.check` takes them; no operators are all.
    files : dict of str to Path
        Where to write reports, by their format: json, junit, html.
    processes : int
        How many, side by side.

    Raises
    ------
    UsageError
        If an operator is unknown, or a report cannot be written where it should be.
    """
    targets = targets or (BLOCKS,)
    try:
        wanted = [cases.find(name).name for name in operators] or list(cases.operators())
        if targets == (BLOCKS,):
            targets = (BLOCKS, *_without_blocks(wanted))
        bindings = [binding for _, binding in bindings_of(targets)]
        for binding in bindings:
            cases.find(binding.operator)
        module = module_of(targets)
    except ValueError as error:
        raise UsageError(str(error)) from None
    own = {binding.operator for binding in bindings} if module == BLOCKS else ()
    names = [name for name in wanted if module and name not in own]
    if absent := why_absent(module or targets[0].partition(":")[0]):
        raise UsageError(absent)
    names += [binding.item for binding in bindings if binding.operator in wanted]
    target = module or " ".join(targets if "=" not in targets[0] else names)
    if not names:
        known = ", ".join(dict.fromkeys(binding.operator for binding in bindings))
        raise UsageError(f"{target} has none of {', '.join(operators)}; it has {known}")
    for file in files.values():
        if not file.absolute().parent.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {file.parent}")
    # Now: what is not installed must not be noticed in the end.
    renderers = [(file, _renderer(format_)) for format_, file in files.items()]
    console = Console(highlight=False)
    report.print_header(console, target, options.seed)
    if other := of_other_version(targets[0]):
        console.print(f"[yellow]{other}")
    started = time.perf_counter()
    with ending_in_order(), report.LiveReport(console, names) as live:
        results = workers.check(
            targets,
            names,
            options,
            images,
            workers=min(processes, len(names)),
            time_limit=time_limit,
            on_event=live.on_event,
        )
    summary = Summary(target, results, time.perf_counter() - started, asdict(options))
    status = summary.status
    for file, render in renderers:  # before they are printed, which a closed pipe may prevent
        try:
            write(file, render(summary))
        except OSError as error:  # the others are written all the same
            print(f"refkernels: cannot write {file}: {error.strerror}", file=sys.stderr)
            status = USAGE
    if len(results) > 1 and {result.verdict for result in results} == {"no import"}:
        raise UsageError(results[0].note)  # once, and not of each operator
    report.print_results(console, summary)
    if all(result.verdict == "absent" for result in results):
        undefined = [f"{r.operator}: {r.note}" for r in results if r.is_undefined]
        nothing = f"{target} has none of the operators: {', '.join(names)}"
        raise UsageError("; ".join(undefined) or nothing)
    return status


def replay_command(place: Path, target: str | None, *, time_limit: float, strict: bool) -> int:
    """Run a saved failure again, print what comes of it, return the exit status.

    Raises
    ------
    UsageError
        If it cannot be loaded, or cannot be run on the target.
    """
    try:
        saved = load(place)
    except ValueError as error:
        raise UsageError(str(error)) from None
    target = target or saved.target
    with ending_in_order(), workers.Checker([target], time_limit=time_limit) as checker:
        result = checker.replay(place, strict=strict)
    status = exit_status([result.verdict])
    if status == USAGE:
        raise UsageError(result.note)
    console = Console(highlight=False)
    seen = f"{saved.operator} of {target}, {saved.dtype}; it was: {saved.what}"
    console.print(seen, markup=False)
    console.print(result.verdict, *sorted(result.known))
    report.print_dissents(console, result)
    return status


def _without_blocks(names: Sequence[str]) -> list[str]:
    """Return those that have no Gluon block, as bindings of the NumPy operators."""
    return [f"refkernels:*={name}" for name in names if not cases.find(name).has_block]


def _renderer(format_: str) -> Callable[[Summary], str]:
    name, function = RENDERERS[format_]
    try:
        module = import_module(f"refkernels.conformance.report.{name}")
    except ModuleNotFoundError as error:
        install = "install it with: pip install 'refkernels[check]'"
        raise UsageError(f"--{format_} needs {error.name}; {install}") from None
    render: Callable[[Summary], str] = getattr(module, function)
    return render

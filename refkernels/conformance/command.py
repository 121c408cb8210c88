"""What ``refkernels check`` and ``refkernels replay`` do, up to their exit status."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from refkernels.arrays.telling import telling
from refkernels.conformance import cases
from refkernels.conformance.engine.replay import load, whose_code
from refkernels.conformance.engine.run import Options, Result
from refkernels.conformance.model.operator import Image
from refkernels.conformance.model.quoting import printable
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
from refkernels.conformance.suggest.command import looked_at, print_suggestions
from refkernels.conformance.targets.adapter import TargetError
from refkernels.conformance.targets.files import as_module

__all__ = ["UsageError", "check_command", "replay_command"]

USAGE = 2

# What a shell makes of a command that an interrupt ended.
INTERRUPTED = 130

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
    detail: int = 0,
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
    detail : int
        -1 to print failures alone, 1 to name every operator in every remark.

    Raises
    ------
    UsageError
        If an operator is unknown, or a report cannot be written where it should be.
    """
    console = Console(highlight=False, markup=False, emoji=False)
    targets, names, module, target = _asked(console, targets, operators)
    for file in files.values():
        if not file.absolute().parent.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {file.parent}")
    absent_ones: list[str] = []
    if module and module != BLOCKS and not operators:
        try:
            has = _named_in(module, time_limit)
            if not has and len(targets) == 1:
                found = looked_at(module)
                console.print(Text(f"{module} has none of the operators by name."))
                print_suggestions(console, module, *found)
                return USAGE
        except TargetError as error:
            raise UsageError(str(error)) from None
        absent_ones = [name for name in names if name not in has and "=" not in name]
        names = [name for name in names if name not in absent_ones]
    # Now: what is not installed must not be noticed in the end.
    renderers = [(file, _renderer(format_)) for format_, file in files.items()]
    report.print_header(console, target, options.seed)
    if other := of_other_version(targets[0]):
        console.print(other, style="yellow")
    started = time.perf_counter()
    interrupted = False
    with ending_in_order(), report.LiveReport(console, names) as live:
        try:
            results = workers.check(
                targets,
                names,
                options,
                images,
                workers=min(processes, len(names)),
                time_limit=time_limit,
                on_event=live.on_event,
            )
        except KeyboardInterrupt:
            interrupted, results = True, live.results
    results += [Result(name, "absent", note=f"no {name}") for name in absent_ones]
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
    report.print_results(console, summary, detail)
    if interrupted:
        done = len(results) - len(absent_ones)
        print(f"refkernels: interrupted: {done} of {len(names)} were checked", file=sys.stderr)
        return INTERRUPTED
    if all(result.verdict == "absent" for result in results):
        undefined = [f"{r.operator}: {r.note}" for r in results if r.is_undefined]
        nothing = f"{target} has none of the operators: {', '.join(names)}"
        raise UsageError("; ".join(undefined) or nothing)
    return status


class _Asked(NamedTuple):
    """What is to be checked: targets, their items, the module among them, and what to call it."""

    targets: tuple[str, ...]
    names: list[str]
    module: str
    target: str


def _asked(console: Console, targets: Sequence[str], operators: Sequence[str]) -> _Asked:
    """Return what is to be checked, or raise `UsageError`."""
    ours = False
    try:
        targets = tuple(map(as_module, targets)) or (BLOCKS,)
        wanted = [cases.find(name).name for name in operators] or list(cases.operators())
        if targets == (BLOCKS,):
            ours = find_spec("mxnet") is None
            if ours:
                console.print("MXNet is not installed, and with it no block: the NumPy operators")
                console.print("are held to their definitions.")
            every = [f"refkernels:*={n}" for n in wanted if ours or not cases.find(n).has_block]
            targets = (*([] if ours else [BLOCKS]), *every)
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
    return _Asked(targets, names, module, "refkernels" if ours else target)


def replay_command(
    place: Path, target: str | None, *, time_limit: float, strict: bool, trust: bool = False
) -> int:
    """Run a saved failure again, print what comes of it, return the exit status.

    To run it on the target that it names is to import that, which is to run what somebody wrote.

    Raises
    ------
    UsageError
        If it cannot be loaded, or cannot be run on the target; or if it names one that is not to be
        taken from it (`whose_code`), unless `trust` says so.
    """
    try:
        saved = load(place)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if target is None:
        reason = "" if trust else whose_code(place, saved.target)
        if reason:
            raise UsageError(
                f"{place} would import {saved.target}, and {reason}; say --trust to do so, or what "
                "to run it on with --target"
            )
        target = saved.target
    with ending_in_order(), workers.Checker([target], time_limit=time_limit) as checker:
        result = checker.replay(place, strict=strict)
    status = exit_status([result.verdict])
    if status == USAGE:
        raise UsageError(result.note)
    console = Console(highlight=False, markup=False, emoji=False)
    seen = f"{saved.operator} of {target}, {saved.dtype}; it was: {saved.what}"
    console.print(printable(seen))
    console.print(result.verdict, *sorted(result.known))
    report.print_dissents(console, result)
    return status


def _named_in(module: str, time_limit: float) -> list[str]:
    """Return the operators that a module has by name, found out in another process."""
    with (
        telling(f"{printable(module)}: importing it"),
        ending_in_order(),
        workers.Checker([module], time_limit=time_limit) as checker,
    ):
        return checker.find()


def _renderer(format_: str) -> Callable[[Summary], str]:
    name, function = RENDERERS[format_]
    try:
        module = import_module(f"refkernels.conformance.report.{name}")
    except ModuleNotFoundError as error:
        install = "install it with: pip install 'refkernels[check]'"
        raise UsageError(f"--{format_} needs {error.name}; {install}") from None
    render: Callable[[Summary], str] = getattr(module, function)
    return render

"""``python -m tests.fuzz``: call every operator at random, and say what does not hold."""

import os

# Before NumPy is imported: processes are side by side already, one for each core.
os.environ["OMP_NUM_THREADS"] = "1"

import secrets
import sys
import time

import click
from rich.console import Console
from rich.progress import Progress

from tests.fuzz.kernel_cache import kernel_cache


@click.command()
@click.option("--calls", type=click.IntRange(min=1), help="Default: 20,000, or those in --minutes.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Stop after these.")
@click.option("--seed", type=click.IntRange(min=0), help="Default: a new one, which is printed.")
@click.option("--only", multiple=True, type=click.IntRange(min=0), help="This call; repeatable.")
@click.option("--operator", "names", multiple=True, help="Of this; repeatable.")
@click.option("--processes", type=click.IntRange(min=1), default=2, show_default=True)
def main(
    calls: int | None,
    minutes: float | None,
    seed: int | None,
    only: tuple[int, ...],
    names: tuple[str, ...],
    processes: int,
) -> None:
    """Call every operator at random, with valid and with wrong arguments.

    `tests/fuzz/examine.py` says what is held. Of each kind of finding the smallest call is printed,
    as Python to paste. NUMBA_BOUNDSCHECK=1 in the environment lets kernels check every index.

    Exit status: 0 if nothing is found, 1 if something is, 130 if it is interrupted before.
    """
    os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_cache()))  # Numba reads it when imported
    from refkernels.arrays.printing import times
    from tests.fuzz.crew import run
    from tests.fuzz.report import Findings, table
    from tests.fuzz.subjects import subjects
    from tests.fuzz.worker import Job

    every = tuple(subjects())
    unknown = sorted(set(names) - set(every))
    if unknown:
        raise click.BadParameter(
            f"{unknown[0]!r} is none of {', '.join(every)}", param_hint="operator"
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 110  # what the table needs
    seed = secrets.randbelow(10**9) if seed is None else seed
    if calls is None:
        calls = 20_000 if minutes is None else sys.maxsize
    chosen = tuple(name for name in every if name in names) or every
    started = time.time()
    end = float("inf") if minutes is None else started + 60 * minutes
    job = Job(seed, chosen, 0, processes, calls, only, end)
    findings, status = Findings(), 0
    total = len(only) or (None if calls == sys.maxsize else calls)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"seed {seed}", total=total)

        def on_report(report: object) -> None:
            findings.add(report)
            progress.update(task, completed=findings.calls)

        try:
            run(job, processes, on_report)
        except KeyboardInterrupt:  # what is known by then is told
            console.print("interrupted")
            status = 130
    if only:
        chosen = tuple(name for name in every if name in findings.tallies)
        for number in only:
            console.print(f"\ncall {number}:", style="bold")
            call = subjects()[every[number % len(every)]].call(seed, number)
            console.print(call.python(), markup=False, soft_wrap=True)
    findings.tell(console, seed)
    console.print(table(findings.tallies, chosen))
    console.print(
        f"seed {seed}: {times(findings.calls, 'call')}, "
        f"{times(len(findings), 'finding')} of {times(len(findings.kinds), 'kind')}, "
        f"in {time.time() - started:.0f} s"
    )
    sys.exit(1 if len(findings) else status)


if __name__ == "__main__":
    main()

"""``python -m tests.mutants``: how many mutants `refkernels check` kills, and how soon."""

import os

# Before MXNet is imported: processes are side by side already, one for each core.
os.environ["OMP_NUM_THREADS"] = "1"

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.mutants.mutant import FAMILIES, OPERATOR_FILES, Mutant

SOURCES = ("by hand", "generated")
GOLDEN = (5**0.5 - 1) / 2
OF = ("blocks", "operators")
ALL_FAMILIES = (*FAMILIES, *sorted({file.split("/")[0] for file in OPERATOR_FILES} - {*FAMILIES}))


@click.command()
@click.option(
    "--of",
    type=click.Choice(OF),
    default="blocks",
    show_default=True,
    help="Of the MXNet blocks, or of the NumPy operators that have no block.",
)
@click.option("--only", multiple=True, type=click.Choice(ALL_FAMILIES), help="Repeatable.")
@click.option(
    "--source", "sources", multiple=True, type=click.Choice(SOURCES), help="Default: both."
)
@click.option("--max", "limit", type=click.IntRange(min=1), help="This many, evenly spread.")
@click.option(
    "--skip",
    type=click.IntRange(min=0),
    default=0,
    help="Leave out the first of that order, declared or not, which does not change it.",
)
@click.option("--match", multiple=True, help="Those whose name holds this text; repeatable.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option(
    "--config",
    "configs",
    type=click.IntRange(min=1),
    is_flag=False,
    flag_value=30,
    default=None,
    help="Fix the configuration: try this many of each operator, 30 if no number is given.",
)
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=60,
    show_default=True,
    help="With --config: seconds of computing for each mutant.",
)
@click.option("--examples", type=click.IntRange(min=1), default=100, show_default=True)
@click.option(
    "--equivalent", is_flag=True, help="Check those that are declared equivalent too, and only."
)
@click.option("--plain", is_flag=True, help="Those of operators as plain Python only.")
@click.option("--verbose", is_flag=True, help="List what killed each mutant.")
def main(
    of: str,
    only: tuple[str, ...],
    sources: tuple[str, ...],
    limit: int | None,
    skip: int,
    match: tuple[str, ...],
    workers: int,
    configs: int | None,
    budget: int,
    examples: int,
    equivalent: bool,
    plain: bool,
    verbose: bool,
) -> None:
    """Check wrong variants of the blocks up to the first failure, at default settings.

    Those of operators are generated alone; tests.planted has some by hand. They are tried as plain
    Python first, on few examples, and those that live then compiled; with --plain they are left
    alive there, which tells most apart in a tenth of the time.

    With --config, a variant counts as killed if it is under one of the configurations. Whether it
    differs at all under any of them cannot be decided, so that some survivors may be equivalent.

    Exit status: 0 if each is killed or declared equivalent, 1 if one survives.
    """
    mutants = [
        (source, mutant)
        for source in sources or SOURCES
        for mutant in _mutants(source, of, only)
        if mutant.family in (only or ALL_FAMILIES)
        and any(text in mutant.name for text in match or [""])
    ]
    if skip or (limit is not None and limit < len(mutants)):
        # By multiples of the golden ratio: evenly, and so are those that are first. Those declared
        # equivalent have their places too, so that one more declaration moves no other.
        order = sorted(range(len(mutants)), key=lambda i: i * GOLDEN % 1)
        mutants = [mutants[i] for i in order[skip:][:limit]]
    declared = [mutant for _, mutant in mutants if mutant.equivalent]
    mutants = [pair for pair in mutants if bool(pair[1].equivalent) == equivalent]
    console = Console(highlight=False)
    if configs and of == "operators":
        raise click.UsageError("--config is for --of blocks")
    if plain and of == "blocks":
        raise click.UsageError("--plain is for --of operators")
    if configs:
        mutants = _configurable(mutants, console)
    if not mutants:
        console.print("no mutant is chosen")
        sys.exit(2)
    # By identity: a generated mutant may equal one by hand.
    source_of = {id(mutant): source for source, mutant in mutants}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="refkernels-") as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder  # nothing is written to the tree
        plan = {"workers": workers, "configs": configs or 0, "budget": budget}
        plan |= {"max_examples": examples, "plain": plain}
        fates = _run([mutant for _, mutant in mutants], plan, console, verbose)
    console.print(_by("family", [(fate.mutant.family, fate) for fate in fates]))
    if of == "operators":
        console.print(_by("file", [(fate.mutant.file, fate) for fate in fates]))
    console.print(_by("source", [(source_of[id(fate.mutant)], fate) for fate in fates]))
    console.print(_by("kind", [(fate.mutant.kind, fate) for fate in fates]))
    survivors = [fate.mutant for fate in fates if not fate.killed]
    for fate in fates:
        if not fate.killed:
            under = f" ({fate.survived} configurations to the end)" if configs else ""
            console.print(f"survives: {fate.mutant.name}{under}", style="red", markup=False)
    for fate in fates:
        if fate.broken:
            console.print(f"the check stopped: {fate.mutant.name}: {fate.broken}", markup=False)
    if configs:
        untried = sum(fate.untried for fate in fates)
        console.print(f"no case could be drawn for {untried} configurations of survivors")
    killed = len(fates) - len(survivors)
    console.print(
        f"{killed} of {len(fates)} killed, {len(declared)} declared equivalent, "
        f"in {time.perf_counter() - started:.0f} s"
    )
    if equivalent:
        wrong = [fate.mutant for fate in fates if fate.killed]
        for mutant in wrong:
            console.print(f"declared equivalent, but killed: {mutant.name}", markup=False)
        sys.exit(bool(wrong))
    sys.exit(bool(survivors))


def _mutants(source: str, of: str, families: Sequence[str]) -> Sequence[Mutant]:
    if source == "by hand":
        if of == "operators":
            return ()
        from tests.mutants.by_hand import MUTANTS

        return MUTANTS
    try:
        from tests.mutants.generated import generate
    except ModuleNotFoundError as error:
        print(f"no mutants are generated: {error.name} is not installed", file=sys.stderr)
        return ()
    return generate(of, families)


def _configurable(
    mutants: Sequence[tuple[str, Mutant]], console: Console
) -> list[tuple[str, Mutant]]:
    """Leave out those of operators that are built with a network."""
    from tests.mutants.affected import affected
    from tests.mutants.configurations import CONFIGURABLE

    kept = [pair for pair in mutants if not CONFIGURABLE.keys().isdisjoint(affected(pair[1]))]
    if len(kept) < len(mutants):
        console.print(f"{len(mutants) - len(kept)} of operators built with networks are left out")
    return kept


def _run(
    mutants: Sequence[Mutant], plan: Mapping[str, int], console: Console, verbose: bool
) -> list:
    from refkernels import warmup
    from tests.mutants.run import judge, sample_images

    if len(mutants) > 10:  # for fewer it takes longer than it saves
        warmup()
    images = sample_images()
    fates = []
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("mutants", total=len(mutants))
        try:
            for fate in judge(mutants, images, **plan):
                fates.append(fate)
                progress.advance(task)
                if verbose or not fate.killed:
                    console.print(_line(fate), markup=False)
        except KeyboardInterrupt:  # what is known by then is told
            console.print(f"interrupted after {len(fates)} of {len(mutants)}")
    order = {id(mutant): i for i, mutant in enumerate(mutants)}
    return sorted(fates, key=lambda fate: order[id(fate.mutant)])


def _line(fate: Any) -> str:
    place = f"{fate.operator} {fate.examples}".strip()
    what = f"{fate.how or 'SURVIVES'} ({place}) {fate.what}"
    return (
        f"{fate.mutant.name}\n    {f'{what[:300]} {fate.config}'.rstrip()} [{fate.seconds:.1f} s]"
    )


def _by(title: str, fates: Sequence[tuple[str, object]]) -> Table:
    """Return a table of what was killed, and within how many examples, by a trait."""
    table = Table(title, "mutants", "killed", "median", "worst", "law or scope", "otherwise")
    for column in table.columns[1:]:
        column.justify = "right"
    for trait in [*dict.fromkeys(trait for trait, _ in fates), "all"]:
        own = [fate for other, fate in fates if trait in (other, "all")]
        counts = [fate.examples for fate in own if fate.examples]
        laws = sum(fate.killed and bool(fate.operator) and not fate.examples for fate in own)
        table.add_row(
            trait,
            str(len(own)),
            str(sum(fate.killed for fate in own)),
            f"{statistics.median(counts):g}" if counts else "",
            str(max(counts, default="")),
            str(laws),
            str(sum(fate.killed and not fate.operator for fate in own)),
        )
    return table


if __name__ == "__main__":
    main()

"""``python -m tests.planted``: which planted mistakes `assert_conforms` finds."""

import os

# Before PyTorch is imported: processes are side by side already, one for each core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from collections.abc import Callable, Sequence

import click
from rich.console import Console
from rich.table import Table

from tests.planted.planted import KINDS, STYLES, Planted
from tests.planted.run import Pair, is_runnable, judge
from tests.planted.tables import PLANTED

WORDS = {
    "wrong": {"differs": "found", "conforms": "SURVIVES", "error": "ERROR"},
    "right": {"differs": "ACCUSED", "conforms": "conforms", "error": "ERROR"},
}


@click.command()
@click.option("--style", "styles", multiple=True, type=click.Choice([*STYLES]), help="Repeatable.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice([*KINDS]), help="Repeatable.")
@click.option("--id", "texts", multiple=True, help="Those whose id holds this text; repeatable.")
@click.option("--operator", "operators", multiple=True, help="Of this operator; repeatable.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--quick", is_flag=True, help="Do not look for the smallest case that shows it.")
@click.option("--list", "show", is_flag=True, help="Only list them.")
def main(
    styles: tuple[str, ...],
    kinds: tuple[str, ...],
    texts: tuple[str, ...],
    operators: tuple[str, ...],
    workers: int,
    quick: bool,
    show: bool,
) -> None:
    """Hold code with one mistake each, and its right twin, to `assert_conforms`, as users do.

    Exit status: 0 if every mistake is found and everything right conforms, 1 if not.
    """
    console = Console(highlight=False, soft_wrap=True)
    table = [
        planted
        for planted in PLANTED
        if planted.style in (styles or STYLES)
        and planted.kind in (kinds or KINDS)
        and planted.operator in (operators or [planted.operator])
        and any(text in planted.id for text in texts or [""])
    ]
    if show:
        for planted in table:
            _say(console, f"{planted.id}  {planted.operator}  {planted.style}  {planted.why}")
        return
    runnable = [planted for planted in table if is_runnable(planted)]
    if len(runnable) < len(table):
        _say(console, f"PyTorch is not installed: {len(table) - len(runnable)} are left out")
    if not runnable:
        _say(console, "nothing to check")
        sys.exit(2)
    started = time.perf_counter()
    pairs = []
    for pair in judge(runnable, workers, quick=quick):
        pairs.append(pair)
        _say(console, _line(pair))
    console.print(_by("kind", pairs, lambda planted: planted.kind))
    console.print(_by("style", pairs, lambda planted: planted.style))
    console.print(_by("operator", pairs, lambda planted: planted.operator))
    rank = {planted.id: i for i, planted in enumerate(PLANTED)}
    for pair in sorted(pairs, key=lambda pair: rank[pair.planted.id]):
        if not pair.is_told_apart:
            words = f"{WORDS['wrong'][pair.wrong.verdict]} / {WORDS['right'][pair.right.verdict]}"
            _say(
                console,
                f"{pair.planted.kind}: {pair.planted.id} ({pair.planted.operator}, "
                f"{pair.planted.style}): {words}: {pair.planted.why}",
            )
    count = sum(pair.is_told_apart for pair in pairs)
    _say(
        console,
        f"{count} of {len(pairs)} told apart from their right twins, in "
        f"{time.perf_counter() - started:.0f} s",
    )
    sys.exit(count < len(pairs))


def _line(pair: Pair) -> str:
    planted, wrong, right = pair
    said = wrong.what.partition("target dissents ")[2] or wrong.what
    said += f" | right: {right.what}" if right.what else ""
    return (
        f"{planted.id:34} {planted.operator:26} {WORDS['wrong'][wrong.verdict]:8} "
        f"{wrong.seconds:5.1f} s  {WORDS['right'][right.verdict]:8} {right.seconds:5.1f} s  {said}"
    )


def _by(title: str, pairs: Sequence[Pair], trait: Callable[[Planted], str]) -> Table:
    table = Table(title, "mistakes", "found", "twins conform", "told apart")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in [*dict.fromkeys(trait(pair.planted) for pair in pairs), "all"]:
        own = [pair for pair in pairs if name in (trait(pair.planted), "all")]
        table.add_row(
            name,
            str(len(own)),
            str(sum(pair.wrong.verdict == "differs" for pair in own)),
            str(sum(pair.right.verdict == "conforms" for pair in own)),
            str(sum(pair.is_told_apart for pair in own)),
        )
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False)


if __name__ == "__main__":
    main()

"""What ``refkernels dialects`` does, up to its exit status."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from refkernels.conformance.dialects.difference import difference
from refkernels.conformance.dialects.published import DIALECTS
from refkernels.conformance.engine.run import Options
from refkernels.conformance.model.case import Image
from refkernels.conformance.report.dialects import dialects_as_json, print_dialects
from refkernels.conformance.report.summary import write

__all__ = ["dialects_command"]


def dialects_command(
    words: Sequence[str], images: dict[str, Sequence[Image]], options: Options, file: Path | None
) -> None:
    """Print how often readings of one name differ, and write it as JSON if that is asked for.

    Parameters
    ----------
    words : sequence of str
        Dialects whose name or operator holds one of them; by default all.
    images : dict of str to sequence of Image
        What they are compared on, by what it is called.
    options : Options
        How the smallest input is looked for.
    file : Path or None
        Where to write it.

    Raises
    ------
    ValueError
        If there is no such dialect.
    """
    chosen = [
        dialect
        for dialect in DIALECTS
        if not words
        or any(word.lower() in f"{dialect.name} {dialect.one}".lower() for word in words)
    ]
    if not chosen:
        known = ", ".join(dialect.name for dialect in DIALECTS)
        raise ValueError(f"no dialect is called {', '.join(words)}; there are: {known}")
    found = [difference(dialect, images, options) for dialect in chosen]
    if file is not None:
        write(file, dialects_as_json(found))
    print_dialects(Console(highlight=False), found)

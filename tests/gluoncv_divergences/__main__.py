"""Print the table of divergences as a page, ``docs/gluoncv-divergences.md``.

The command is ``python -m tests.gluoncv_divergences``. With ``--found`` it shows
instead that the check finds each (`found`).
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator

from refkernels.conformance.cases import find
from refkernels.conformance.model.divergence import Divergence
from refkernels.conformance.peers.gluoncv import DIVERGENCES
from tests.gluoncv_divergences.found import example, show_found

HEADINGS = {
    "bbox": "Boxes",
    "matcher": "Matchers",
    "sampler": "Samplers",
    "coder": "Coders",
    "predictor": "Predictors",
    "pipeline": "Whole chains",
}

START = """# What GluonCV 0.10.5 does otherwise

`refkernels check gluoncv.nn` and `refkernels check gluoncv.data` found these differences between
gluoncv 0.10.5.post0, on MXNet 1.9.1, and [what every operator means](spec.md). Each is declared
with the condition under which it shows and with a case that shows it: outside of these conditions
gluoncv must conform, and each case must still fail. With `--strict` they are reported like any
other failure, with a call to paste.

None is only read off the code: left undeclared one at a time, each is found by `refkernels check`
at its default seed and in at most 400 cases, most by drawn ones, some at corners or by a law;
`python -m tests.gluoncv_divergences --found` shows how.

The example is the declared case: the arrays of the call, in order, in the dtype that is named.
Where modes are named, it shows in these alone.

This page is printed by `python -m tests.gluoncv_divergences`.
"""


def page() -> str:
    """Return the page, in Markdown."""
    return "\n".join([START, *_sections()]).rstrip() + "\n"


def _sections() -> Iterator[str]:
    families: dict[str, list[Divergence]] = {family: [] for family in HEADINGS}
    for divergence in sorted(DIVERGENCES, key=lambda divergence: divergence.id):
        families[find(divergence.operator).family].append(divergence)
    counts = Counter({family: len(own) for family, own in families.items()})
    yield "| family | differences |\n|---|--:|"
    yield from (f"| {HEADINGS[family]} | {count} |" for family, count in counts.items())
    yield f"| all | {counts.total()} |\n"
    for family, own in families.items():
        yield f"## {HEADINGS[family]}\n"
        yield "| id | operator | what happens | smallest example |\n|---|---|---|---|"
        for divergence in own:
            cells = (
                divergence.id,
                f"`{divergence.operator}`",
                divergence.why.replace("|", "\\|"),
                _example(divergence),
            )
            yield f"| {' | '.join(cells)} |"
        yield ""


def _example(divergence: Divergence) -> str:
    call = example(divergence.operator, divergence.witness, divergence.dtype)
    modes = f", {' or '.join(divergence.modes)}" if divergence.modes else ""
    return f"`{call}` {divergence.dtype}{modes}".replace("|", "\\|")


def _main() -> int:
    parser = argparse.ArgumentParser(description="Print what gluoncv 0.10.5 does otherwise.")
    parser.add_argument(
        "--found",
        nargs="*",
        metavar="ID",
        help="show that the check finds each of these, or all; exit with 1 if it does not",
    )
    arguments = parser.parse_args()
    if arguments.found is not None:
        return show_found(arguments.found)
    print(page(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(_main())

"""Print the table of divergences as a page, ``docs/gluoncv-divergences.md``.

The command is ``python -m refkernels.conformance.gluoncv_divergences``.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.divergence import Divergence
from refkernels.conformance.gluoncv_divergences import DIVERGENCES

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

The example is the declared case: the arrays of the call, in order, in the dtype that is named.
Where modes are named, it shows in these alone.

This page is printed by `python -m refkernels.conformance.gluoncv_divergences`.
"""

# Of longer arrays only the shape is told.
SHOWN = 24


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
    case = divergence.witness.astype(np.dtype(divergence.dtype))
    call = case.call(divergence.operator)
    arrays = ", ".join(_array(array) for array in case.inputs.values())
    modes = f", {' or '.join(divergence.modes)}" if divergence.modes else ""
    return f"`{call}({arrays})` {divergence.dtype}{modes}".replace("|", "\\|")


def _array(array: Array) -> str:
    if array.size > SHOWN:
        return f"<{' x '.join(map(str, array.shape))}>"
    return repr(array.astype(np.float64).tolist() if array.dtype.kind == "f" else array.tolist())


if __name__ == "__main__":
    print(page(), end="")

"""How often two readings of one name differ, and the smallest input on which they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases import find
from refkernels.conformance.dialects.published import Dialect
from refkernels.conformance.dialects.reading import Reading
from refkernels.conformance.dialects.scenes import scenes
from refkernels.conformance.engine.run import Options, check_operator
from refkernels.conformance.model.case import Case, Image
from refkernels.conformance.model.operator import Operator
from refkernels.conformance.model.outputs import as_outputs
from refkernels.conformance.targets.subject import Subject

__all__ = ["VISIBLE", "Count", "Difference", "count", "difference"]

# Real numbers that differ by less are the same to a detector.
VISIBLE = 0.01

# In which dtype the readings are compared.
DTYPE = "float32"


@dataclass
class Count:
    """On how many of some images two readings differ, and in how much of what they say.

    Attributes
    ----------
    images, differing : int
        How many there are, and on how many of them something differs.
    values, others : int
        Of decisions: what either decides on (matched anchors, boxes that stay), and how much of it
        the two decide otherwise. Of real numbers: all, and those that differ by over `VISIBLE`.
    """

    images: int = 0
    differing: int = 0
    values: int = 0
    others: int = 0

    @property
    def share(self) -> float:
        """The share of what is said that is said otherwise."""
        return self.others / self.values if self.values else 0.0


@dataclass(frozen=True)
class Difference:
    """What two readings of a name come to.

    Attributes
    ----------
    counts : mapping of str to Count
        By what the images are: generated, or of a file.
    smallest : Case or None
        The smallest input that was found on which they differ; None if there is none.
    one, other : tuple of ndarray
        What each makes of it.
    """

    dialect: Dialect
    counts: dict[str, Count]
    smallest: Case | None
    one: tuple[Array, ...] = ()
    other: tuple[Array, ...] = ()


def difference(
    dialect: Dialect, images: dict[str, Sequence[Image]], options: Options
) -> Difference:
    """Return how often the readings of a dialect differ on images, and on which smallest input."""
    one, other = Reading.parse(dialect.one), Reading.parse(dialect.other)
    operator = find(one.operator)
    counts = {name: count(operator, one, other, own) for name, own in images.items()}
    for case in _found(operator, one, other, options):
        said = [_run(operator, reading, case) for reading in (one, other)]
        if any(not np.array_equal(a, b, equal_nan=True) for a, b in zip(*said, strict=True)):
            return Difference(dialect, counts, case, *said)
    return Difference(dialect, counts, None)


def count(operator: Operator, one: Reading, other: Reading, images: Iterable[Image]) -> Count:
    """Return on how many images two readings differ, and in how much."""
    found = Count()
    for image in images:
        found.images += 1
        is_other = False
        for case in scenes(operator, image):
            cast = case.astype(DTYPE)
            outputs = [_run(operator, reading, cast) for reading in (one, other)]
            for output, a, b in zip(operator.outputs(cast), *outputs, strict=True):
                values, others = _compared(output.name, a, b)
                found.values += values
                found.others += others
                is_other |= others > 0
        found.differing += is_other
    return found


def _run(operator: Operator, reading: Reading, case: Case) -> tuple[Array, ...]:
    own = replace(case, config=reading.config)
    with np.errstate(all="ignore"):
        return as_outputs(operator.build(own)(*case.inputs.values()))


def _compared(name: str, one: Array, other: Array) -> tuple[int, int]:
    """Return how much two outputs say, and how much of it they say otherwise."""
    if name == "indices":  # of what stays
        return len(np.union1d(one, other)), len(np.setxor1d(one, other))
    if one.dtype.kind in "iu":
        said = (one >= 0) | (other >= 0)
        return int(said.sum()), int((one != other).sum())
    same = np.isclose(one, other, rtol=VISIBLE, atol=0, equal_nan=True)
    return one.size, int((~same).sum())


def _found(operator: Operator, one: Reading, other: Reading, options: Options) -> list[Case]:
    """Return the inputs, made small, that `check` finds where it holds one reading to the other."""
    held: Any = operator.build(Case(other.config, {}))
    result = check_operator(
        operator.name,
        Subject(lambda *inputs: held(*inputs), operator.name),  # a function is given no parameters
        replace(options, dtypes=(DTYPE,)),
        config=one.config,
    )
    cases = [dissent.case for dissent in result.dissents if dissent.case is not None]
    return [case.astype(DTYPE) for case in cases]

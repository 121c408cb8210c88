"""What costs and metrics are given: scores of classes, labels, and numbers of pairs."""

from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.arrays import Array, as_indices, require, rounded_to_computing
from refkernels.coder.assignment import with_batch
from refkernels.jit import jit

__all__ = ["NO_CLASS", "as_classes", "check_pairs", "constant", "within"]

# The label of what pads a batch.
NO_CLASS = -1


def as_classes(labels: npt.ArrayLike, classes: int) -> tuple[Array, bool]:
    """Check labels, (B, M) or (M,); return them with a batch axis, and whether they had one.

    A label is a class in [0, `classes`), or -1 for none, as padding has it.
    """
    indices, batched = with_batch("labels", as_indices("labels", labels), "(M,)")
    wrong = (indices < NO_CLASS) | (indices >= classes)
    if wrong.any():
        image, truth = (int(i) for i in np.argwhere(wrong)[0])
        where = f"{image}, {truth}" if batched else f"{truth}"
        expected = f"a class from 0 to {classes - 1}, or -1" if classes else "-1, as there are none"
        raise ValueError(f"labels[{where}] is {indices[image, truth]}, expected {expected}")
    return indices, batched


def check_pairs(name: str, array: Array, anchors: Array, truths: Array, of: str) -> None:
    """Check that a batch of matrices has a row for each anchor and a column for each truth."""
    expected = anchors.shape[1], truths.shape[1]
    require(
        array.shape[1:] == expected,
        f"{name}: expected {expected} for an image, a number for each pair of {of}, got "
        f"{array.shape[1:]}",
    )


def constant(name: str, value: float, dtype: npt.DTypeLike) -> Any:
    """Round a parameter that enters arithmetic; it has to be a number of the computing dtype."""
    number = rounded_to_computing(value, dtype)
    require(bool(np.isfinite(number)), f"{name}: {value} does not fit {number.dtype}")
    return number


@jit
def within(values, low, high):  # type: ignore[no-untyped-def]
    """Return whether all of `values` (K,) lie in [low, high]; nan does not."""
    inside = True
    for i in range(values.size):
        inside &= (values[i] >= low) & (values[i] <= high)
    return inside

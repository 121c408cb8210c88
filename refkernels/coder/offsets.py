"""A box as its offset from an anchor: the two formulas, their means and stds, and what anchors fit.

The order of operations in `encode_box` and `decode_box` is part of their meaning: fused kernels
call them, so that their results have the same bits.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from refkernels.arrays import Array, check_numbers, keep, require, rounded_to_computing
from refkernels.arrays.printing import times
from refkernels.jit import jit

__all__ = [
    "MEANS",
    "STDS",
    "center_form",
    "check_anchors",
    "check_normalisation",
    "decode_box",
    "encode_box",
    "normalisation",
]

STDS = (0.1, 0.1, 0.2, 0.2)
MEANS = (0.0, 0.0, 0.0, 0.0)


def check_anchors(anchors: Array, size: int, count: int) -> None:
    """Check that there are `count` anchors for each of `size` images, or once for all of them."""
    require(
        anchors.shape[0] in (1, size) and anchors.shape[1] == count,
        f"anchors: expected {times(count, 'box')} for each of {times(size, 'image')}, or once "
        "for all of them, got "
        f"shape {anchors.shape}",
    )


def check_normalisation(coder: Any) -> None:
    """Check stds and means, and keep them as tuples."""
    stds = check_numbers("stds", coder.stds, 4)
    for i, std in enumerate(stds):
        require(std != 0, f"stds[{i}] is 0, expected a number that can be divided by")
    keep(coder, stds=stds, means=check_numbers("means", coder.means, 4))


def normalisation(
    means: Sequence[float], stds: Sequence[float], dtype: np.dtype[Any]
) -> tuple[Array, Array]:
    """Round means and stds to the computing dtype, which must be able to hold them."""
    rounded = {
        name: np.array([rounded_to_computing(value, dtype) for value in values])
        for name, values in (("means", means), ("stds", stds))
    }
    for name, values in rounded.items():
        require(
            bool(np.isfinite(values).all()) and (name == "means" or bool(values.all())),
            f"{name}: {means if name == 'means' else stds} overflow or vanish in {values.dtype}",
        )
    return rounded["means"], rounded["stds"]


@jit
def center_form(box):  # type: ignore[no-untyped-def]
    """Return cx, cy, w, h of a corner box."""
    half = box.dtype.type(0.5)
    width = box[2] - box[0]
    height = box[3] - box[1]
    return box[0] + width * half, box[1] + height * half, width, height


@jit
def encode_box(anchor, ref, means, stds):  # type: ignore[no-untyped-def]
    """Return the four targets of `anchor` for `ref`, both in centre form.

    Fused kernels call this too, so that their targets have the same bits.
    """
    return (
        ((ref[0] - anchor[0]) / anchor[2] - means[0]) / stds[0],
        ((ref[1] - anchor[1]) / anchor[3] - means[1]) / stds[1],
        (np.log(ref[2] / anchor[2]) - means[2]) / stds[2],
        (np.log(ref[3] / anchor[3]) - means[3]) / stds[3],
    )


@jit
def _grown(exponent, side):  # type: ignore[no-untyped-def]
    """Return a side times an exponential: a side of 0 stays so, however far this overflows."""
    return np.exp(exponent) * side if side != 0 else side


@jit
def decode_box(x, anchor, means, stds, least, limit):  # type: ignore[no-untyped-def]
    """Return the corners of the box that is offset by `x` from `anchor`, in centre form.

    What exp is taken of is limited to [least, limit].
    """
    half = x.dtype.type(0.5)
    center_x = (x[0] * stds[0] + means[0]) * anchor[2] + anchor[0]
    center_y = (x[1] * stds[1] + means[1]) * anchor[3] + anchor[1]
    log_width = min(max(x[2] * stds[2] + means[2], least), limit)
    log_height = min(max(x[3] * stds[3] + means[3], least), limit)
    half_width = _grown(log_width, anchor[2]) * half
    half_height = _grown(log_height, anchor[3]) * half
    return (
        center_x - half_width,
        center_y - half_height,
        center_x + half_width,
        center_y + half_height,
    )

"""When mmdet's overlaps, and other steps of arithmetic on boxes, differ."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.mmdet.conditions import (
    any_is_rounded,
    any_leaves_integers,
    dtype_of,
    exact_of,
)

__all__ = [
    "areas_leave_integers",
    "areas_round_in_half",
    "centres_leave_integers",
    "distances_leave_integers",
    "distances_round_in_half",
    "divides_by_nothing",
    "eps_is_a_floor",
    "is_inverted",
    "overlaps_leave_integers",
    "overlaps_round_in_half",
    "places_leave_integers",
    "small_areas_count_as_eps",
    "sums_leave_integers",
    "sums_overflow",
]

# mmdet's own, which it is called with where the operator has none.
EPS = 1e-6


class _Pairs(NamedTuple):
    """What is computed of all pairs of boxes, exactly; an overlap's denominators are the last."""

    sides: Array
    inter: Array
    union: Array
    around: Array
    steps: list[Array]


def _pairs(case: Case, own: str = "") -> _Pairs:
    """Return the numbers on the way to overlaps, as mmdet computes them."""
    inputs, offset = exact_of(case), case.config.get("offset", 0)
    a, b = inputs["a"][..., :, None, :], inputs["b"][..., None, :, :]
    sides_a, sides_b = (x[..., 2:] - x[..., :2] + offset for x in (a, b))
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]) + offset
    inter, areas = np.maximum(sides, 0).prod(-1), (sides_a.prod(-1), sides_b.prod(-1))
    union = areas[0] + areas[1] - inter
    corners = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    around = np.maximum(corners, 0).prod(-1)
    steps = [sides_a, sides, inter, areas[0]]
    if own != "ioa":
        steps += [sides_b, areas[1], areas[0] + areas[1], union]
    if own == "giou":
        steps += [corners, around]
    return _Pairs(sides, inter, areas[0] + 0 * inter if own == "ioa" else union, around, steps)


def overlaps_round_in_half(own: str = "") -> Any:
    """Return whether a step of an overlap is rounded to half precision."""

    def steps(case: Case) -> Iterator[Array]:
        """Yield the steps to overlaps, with the quotients of a GIoU."""
        pairs = _pairs(case, own)
        yield from pairs.steps
        if own == "giou":
            with np.errstate(all="ignore"):
                for quotient in (pairs.inter / pairs.union, pairs.union / pairs.around):
                    yield np.where(np.isfinite(quotient), quotient, 0)

    return lambda case: any_is_rounded(case, steps)


def overlaps_leave_integers(own: str = "") -> Any:
    """Return whether a step of an overlap is none of the integers' dtype."""
    return lambda case: any_leaves_integers(case, lambda case: _pairs(case, own).steps)


def _floor(case: Case, eps: float) -> Any:
    """Return eps in the dtype that overlaps are computed in: 0 for integers."""
    dtypes = {dtype_of(array) for array in case.inputs.values()}
    if any(name[:3] in ("int", "uin") for name in dtypes):
        return 0.0
    if dtypes == {"float16"}:
        return float(np.float16(eps))
    return eps


def divides_by_nothing(own: str = "") -> Any:
    """Return whether an area is 0, and eps, in the dtype of the boxes, too."""

    def when(case: Case) -> bool:
        """Return whether eps is 0 in the dtype of the boxes, and an area to divide by, too."""
        eps = case.config.get("eps", 1e-15) if not own else EPS
        if _floor(case, eps) > 0:
            return False
        pairs = _pairs(case, own)
        by_nothing = pairs.union <= 0
        return bool((by_nothing | (pairs.around <= 0) if own == "giou" else by_nothing).any())

    return when


def eps_is_a_floor(case: Case) -> bool:
    """Return whether a union with eps added is another number than the larger of the two."""
    eps = case.config.get("eps", 1e-15)
    pairs = _pairs(case)
    dtypes = {dtype_of(array) for array in case.inputs.values()}
    dtype = np.float64 if "float64" in dtypes else np.float32
    union: Any = pairs.union.astype(dtype)
    own = dtype(_floor(case, eps))
    return bool(((union + dtype(eps) != np.maximum(union, own)) & (pairs.inter > 0)).any())


def small_areas_count_as_eps(own: str) -> Any:
    """Return whether an area is below mmdet's eps, which stands in its place then."""

    def when(case: Case) -> bool:
        """Return whether eps stands in the place of a smaller area, and changes an overlap."""
        if _floor(case, EPS) == 0:
            return False
        pairs = _pairs(case, own)
        is_small = pairs.union < EPS
        return bool((is_small & ((pairs.around if own == "giou" else pairs.inter) > 0)).any())

    return when


def is_inverted(case: Case) -> bool:
    """Return whether a box ends before it begins."""
    return any(bool((x[..., 2:] < x[..., :2]).any()) for x in exact_of(case).values())


def _area_steps(case: Case) -> Iterator[Array]:
    (x,) = exact_of(case).values()
    yield x[..., 2:] - x[..., :2]
    yield (x[..., 2:] - x[..., :2]).prod(-1)


def areas_round_in_half(case: Case) -> bool:
    """Return whether a side of a box is rounded to half precision."""
    return any_is_rounded(case, lambda case: list(_area_steps(case))[:1])


def areas_leave_integers(case: Case) -> bool:
    """Return whether a side or an area of a box is none of the integers' dtype."""
    return any_leaves_integers(case, _area_steps)


def sums_leave_integers(case: Case) -> bool:
    """Return whether a sum or a difference of corners is none of the integers' dtype."""

    def steps(case: Case) -> Iterator[Array]:
        """Yield the differences and the sums of corners."""
        (x,) = exact_of(case).values()
        yield x[..., 2:] - x[..., :2]
        yield x[..., 2:] + x[..., :2]

    return any_leaves_integers(case, steps)


def sums_overflow(case: Case) -> bool:
    """Return whether a sum of corners is infinite in the dtype of the boxes."""
    (x,) = case.inputs.values()
    if x.dtype.kind != "f":
        return False
    limit = float(np.finfo(x.dtype).max)  # that of bfloat16 is about that of float32
    x = x.view(np.ndarray).astype(np.longdouble)
    return bool((np.abs(x[..., 2:] + x[..., :2]) > limit * (1 - 2.0**-8)).any())


def _rows(case: Case) -> Iterator[Array]:
    points, rows = exact_of(case).values()
    if "distances" in case.inputs:
        yield from (points - rows[..., :2], points + rows[..., 2:])
    else:
        yield from (points - rows[..., :2], rows[..., 2:] - points)


def _point_pairs(case: Case) -> Iterator[Array]:
    points, boxes = exact_of(case).values()
    yield points[..., :, None, :] - boxes[..., None, :, :2]
    yield boxes[..., None, :, 2:] - points[..., :, None, :]


def distances_leave_integers(case: Case) -> bool:
    """Return whether a distance from a point to its box's sides is none of the integers' dtype."""
    return any_leaves_integers(case, _rows)


def places_leave_integers(case: Case) -> bool:
    """Return whether a distance from a point to any box's side is none of the integers' dtype."""
    return any_leaves_integers(case, _point_pairs)


def centres_leave_integers(case: Case) -> bool:
    """Return whether a sum of corners of one of two sets is none of the integers' dtype."""

    def steps(case: Case) -> Iterator[Array]:
        """Yield the sums of corners, of each set."""
        yield from (x[..., :2] + x[..., 2:] for x in exact_of(case).values())

    return any_leaves_integers(case, steps)


def distances_round_in_half(case: Case) -> bool:
    """Return whether a step of a distance of centres is rounded to half precision."""

    def steps(case: Case) -> Iterator[Array]:
        """Yield the steps from corners to the squares of distances."""
        inputs = exact_of(case)
        sums = [inputs[name][..., :2] + inputs[name][..., 2:] for name in ("a", "b")]
        between = (sums[0][..., :, None, :] - sums[1][..., None, :, :]) / 2
        yield from (*sums, *(own / 2 for own in sums), between)
        yield between**2
        yield (between**2).sum(-1)

    return any_is_rounded(case, steps)

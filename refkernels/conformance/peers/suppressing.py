"""What decides in suppression, as packages compute it: for the conditions of peers."""

from collections.abc import Callable

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = ["areas_leave_reals", "has_ties", "overlaps", "threshold_decides"]


def overlaps(boxes: Array) -> tuple[Array, Array, Array]:
    """Return the IoUs, the unions of all pairs, and which are pairs of two boxes."""
    low, high = boxes[:, :2], boxes[:, 2:]
    with np.errstate(all="ignore"):
        sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        inter, areas = np.maximum(sides, 0).prod(-1), (high - low).prod(-1)
        union = areas[:, None] + areas - inter
        ious = np.where(inter > 0, inter / union, 0)
    return ious, union, ~np.eye(len(boxes), dtype=bool)


def has_ties(case: Case, above: int = 1) -> bool:
    """Return whether two scores are equal, among more boxes than a sort leaves in order."""
    scores = case.inputs["scores"]
    return len(scores) > above and len(np.unique(scores)) < len(scores)


def threshold_decides(case: Case, computed: type, compared: type, bar: type) -> bool:
    """Return whether IoUs are on another side of the threshold in these dtypes.

    They are computed in one, and compared in another with a threshold in a third.
    """
    boxes, threshold = case.inputs["boxes"], case.config["threshold"]
    own = boxes.dtype if boxes.dtype.kind == "f" else np.dtype(np.float64)
    plain = boxes.view(np.ndarray)
    ious, _, pairs = overlaps(plain.astype(np.float32 if own.itemsize < 8 else np.float64))
    limit = rounded(np.float32(threshold)) if isinstance(boxes, BFloat16) else own.type(threshold)
    right = ious > float(limit)
    theirs = overlaps(plain.astype(computed))[0].astype(compared).astype(np.float64)
    return bool((pairs & (right != (theirs > float(bar(threshold))))).any())


def areas_leave_reals(
    computed: type | None = None, *, not_a_number: bool = False
) -> Callable[[Case], bool]:
    """Return a predicate: whether areas beyond the dtype, on either end, decide otherwise.

    IoUs are computed in a dtype, by default that of the boxes, of bfloat16 in single precision.
    With `not_a_number` an IoU that is none suppresses, and else it does not.
    """

    def when(case: Case) -> bool:
        """Return whether such an IoU is on another side of the threshold than the exact one."""
        boxes, threshold = case.inputs["boxes"], case.config["threshold"]
        is_coarse = isinstance(boxes, BFloat16)
        if not is_coarse and boxes.dtype not in (np.float32, np.float64):
            return False
        plain = boxes.view(np.ndarray)
        with np.errstate(all="ignore"):
            own = plain.astype(computed or (np.float32 if is_coarse else plain.dtype))
            areas = (own[:, 2:] - own[:, :2]).prod(-1)
        if not _leaves(np.abs(areas), (plain[:, 2:] != plain[:, :2]).all(-1)).any():
            return False
        ious, union, pairs = overlaps(own)
        limit = float(rounded(np.float32(threshold)) if is_coarse else plain.dtype.type(threshold))
        theirs = ~(ious <= limit) if not_a_number else ious > limit
        right = _exact_overlaps(plain.astype(np.float64)) > limit
        return bool((_leaves(union, pairs) & (theirs != right)).any())

    return when


def _leaves(areas: Array, counted: Array) -> Array:
    """Return which areas are infinite if doubled, or have fewer digits than their dtype has."""
    info = np.finfo(areas.dtype)
    return np.asarray(counted & (~(areas <= info.max / 2) | (areas < info.tiny)))


def _exact_overlaps(boxes: Array) -> Array:
    """Return the IoUs of all pairs, each with sides that are near 1 beside the larger one."""
    low, high = boxes[:, :2], boxes[:, 2:]
    cut = np.maximum(np.minimum(high[:, None], high) - np.maximum(low[:, None], low), 0)
    sides = np.maximum(high - low, 0)
    _, exponents = np.frexp(np.maximum(sides[:, None], sides))
    inter, one, other = (
        np.ldexp(x, -exponents).prod(-1) for x in (cut, sides[:, None] + 0 * cut, sides + 0 * cut)
    )
    with np.errstate(all="ignore"):
        return np.where(inter > 0, inter / (one + other - inter), 0)

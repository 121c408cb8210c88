"""When kornia differs: on which cases."""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFloat16
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.suppressing import has_ties, overlaps, threshold_decides

__all__ = [
    "areas_are_of_products",
    "corners_move",
    "corners_round_in_half",
    "dtypes_are_mixed",
    "single_decides",
    "sort_is_unstable",
    "union_is_none",
]

# As many are sorted by insertion, which keeps what is equal in order.
INSERTED = 16


def dtypes_are_mixed(case: Case) -> bool:
    """Return whether boxes are in two dtypes."""
    return len({array.dtype for array in case.inputs.values()}) > 1


def _is_half(array: Array) -> bool:
    return array.dtype == np.float16 or isinstance(array, BFloat16)


def corners_round_in_half(case: Case) -> bool:
    """Return whether boxes by their centres are in half precision."""
    return case.config.get("fmt") == "center" and any(map(_is_half, case.inputs.values()))


def union_is_none(case: Case) -> bool:
    """Return whether the areas of two boxes add up to nothing."""
    boxes = case.inputs["boxes"]
    own = boxes if boxes.dtype == np.float64 else boxes.view(np.ndarray).astype(np.float32)
    _, union, pairs = overlaps(own)
    return bool((pairs & (union == 0)).any())


def sort_is_unstable(case: Case) -> bool:
    """Return whether equal scores are among more than are left in order."""
    return has_ties(case, INSERTED)


def single_decides(case: Case) -> bool:
    """Return whether IoUs in single precision are on another side of the threshold."""
    boxes = case.inputs["boxes"]
    if boxes.dtype in (np.float32, np.float64) and not _is_half(boxes):
        return False
    return threshold_decides(case, np.float64, np.float32, np.float32)


def _with_sides(x: Array) -> tuple[Array, Array]:
    """Return the corners of boxes that were held as a corner and inclusive sides."""
    own = x if x.dtype.kind == "f" else x.astype(np.float32)
    one = own.dtype.type(1)
    low, high = own[..., :2], own[..., 2:]
    with np.errstate(all="ignore"):
        return low, low + ((high - low) + one) - one


def corners_move(case: Case) -> bool:
    """Return whether the upper corner is another one, as a side and 1 are added to the lower."""
    x = case.inputs["x"]
    return _is_half(x) or bool((_with_sides(x)[1] != x[..., 2:]).any())


def areas_are_of_products(case: Case) -> bool:
    """Return whether the products of coordinates, or sides with 1, are rounded."""
    x = case.inputs["x"]
    if _is_half(x) or corners_move(case):
        return True
    low, high = _with_sides(x)
    exact = np.stack([low, high], -2).astype(np.longdouble)
    products = exact[..., :, None, 0] * exact[..., None, :, 1]
    with np.errstate(all="ignore"):
        return bool((products.astype(low.dtype) != products).any())

"""When powerboxes differs: on which cases."""

import numpy as np

from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.suppressing import has_ties, threshold_decides

__all__ = [
    "areas_are_negative",
    "areas_wrap",
    "corners_wrap",
    "double_decides",
    "sides_are_odd",
    "sort_is_unstable",
    "sum_is_endless",
    "sums_are_odd",
    "sums_wrap",
    "there_are_boxes",
    "there_is_none",
]

# As many are sorted by insertion, which keeps what is equal in order.
INSERTED = 20


def there_are_boxes(case: Case) -> bool:
    """Return whether there are any boxes."""
    return case.inputs["boxes" if "boxes" in case.inputs else "x"].size > 0


def there_is_none(case: Case) -> bool:
    """Return whether there are no boxes."""
    return not there_are_boxes(case)


def areas_are_negative(case: Case) -> bool:
    """Return whether the product of a box's sides is not that of its sides above 0."""
    x = case.inputs["x"].astype(np.float64)
    sides = x[..., 2:] - x[..., :2]
    return bool((sides.prod(-1) != np.maximum(sides, 0).prod(-1)).any())


def areas_wrap(case: Case) -> bool:
    """Return whether an area of integers is another one in their dtype."""
    x = case.inputs["x"]
    if x.dtype.kind not in "iu":
        return False
    exact = x.astype(np.float64)
    with np.errstate(over="ignore"):
        theirs = (x[..., 2:] - x[..., :2]).prod(-1, dtype=x.dtype)
    return bool((theirs != (exact[..., 2:] - exact[..., :2]).prod(-1)).any())


def sums_wrap(case: Case) -> bool:
    """Return whether the sum of two corners of integers is another one in their dtype."""
    x = case.inputs["x"]
    if x.dtype.kind not in "iu":
        return False
    exact = x.astype(np.float64)
    with np.errstate(over="ignore"):
        theirs = x[..., 2:] + x[..., :2]
    return bool((theirs != exact[..., 2:] + exact[..., :2]).any())


def corners_wrap(case: Case) -> bool:
    """Return whether a corner by half a side is no number of the boxes' dtype."""
    x = case.inputs["x"]
    if x.dtype.kind not in "iu":
        return False
    exact, limits = x.astype(np.float64), np.iinfo(x.dtype)
    half = np.trunc(exact[..., 2:] / 2)
    corners = np.stack([exact[..., :2] - half, exact[..., :2] + half])
    return bool(((corners < limits.min) | (corners > limits.max)).any())


def sum_is_endless(case: Case) -> bool:
    """Return whether corners are finite, and their sum is not."""
    x = case.inputs["x"]
    with np.errstate(over="ignore"):
        return x.dtype.kind == "f" and not np.isfinite(x[..., :2] + x[..., 2:]).all()


def sums_are_odd(case: Case) -> bool:
    """Return whether a centre lies between two integers."""
    x = case.inputs["x"]
    return x.dtype.kind in "iu" and bool(((x[..., :2] ^ x[..., 2:]) & 1).any())


def sides_are_odd(case: Case) -> bool:
    """Return whether a corner lies between two integers."""
    x = case.inputs["x"]
    return x.dtype.kind in "iu" and bool((x[..., 2:] & 1).any())


def sort_is_unstable(case: Case) -> bool:
    """Return whether equal scores are among more than are left in order."""
    return has_ties(case, INSERTED)


def double_decides(case: Case) -> bool:
    """Return whether IoUs in double precision are on another side of the threshold."""
    return threshold_decides(case, np.float64, np.float64, np.float64)

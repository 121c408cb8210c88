"""When effdet differs: on which cases.

Predicates do its arithmetic where they can, so that they cover no case in which a difference does
not show.
"""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = [
    "areas_leave_int32",
    "codes_are_scaled",
    "eps_shows",
    "forced_matches_go_astray",
    "has_no_anchors",
    "integers_wrap",
    "is_half",
    "is_unmatched_of_nothing",
    "steps_round_in_half",
    "uint8_wraps",
]

INT32_MAX = 2**31 - 1


def is_half(case: Case) -> bool:
    """Return whether there is half precision."""
    return any(x.dtype == np.float16 or isinstance(x, BFloat16) for x in case.inputs.values())


def _in_half(x: Array, case: Case) -> Array:
    is_coarse = any(isinstance(own, BFloat16) for own in case.inputs.values())
    with np.errstate(over="ignore"):
        half = rounded(x) if is_coarse else x.astype(np.float16)
    return half.view(np.ndarray).astype(np.float64)


def steps_round_in_half(case: Case) -> bool:
    """Return whether a number on the way to an IoU above 0 is rounded to half."""
    if not is_half(case):
        return False
    a, b = (case.inputs[name].view(np.ndarray).astype(np.float64) for name in ("a", "b"))
    rows, columns = a[..., :, None, :], b[..., None, :, :]
    sides = np.minimum(rows[..., 2:], columns[..., 2:]) - np.maximum(
        rows[..., :2], columns[..., :2]
    )
    inter, total = _overlaps(a, b)
    numbers = [inter, sides[..., 0], sides[..., 1]]
    own = (rows[..., 2:] - rows[..., :2], columns[..., 2:] - columns[..., :2])
    for boxes in own:
        numbers += [boxes[..., 0], boxes[..., 1], boxes.prod(-1)]
    numbers += [total, total - inter]
    return any(bool(((_in_half(x, case) != x) & (inter > 0)).any()) for x in numbers)


def areas_leave_int32(case: Case) -> bool:
    """Return whether the areas of two int32 boxes that overlap have a sum that is no int32."""
    a, b = case.inputs["a"], case.inputs["b"]
    if a.dtype != np.int32:
        return False
    inter, total = _overlaps(a.astype(np.float64), b.astype(np.float64))
    return bool(((total > INT32_MAX) & (inter > 0)).any())


def uint8_wraps(case: Case) -> bool:
    """Return whether sides or areas of uint8 boxes wrap."""
    a, b = case.inputs["a"], case.inputs["b"]
    if a.dtype != np.uint8:
        return False
    inter, total = _overlaps(a.astype(np.float64), b.astype(np.float64))
    wrapped, other = _overlaps(a, b)
    return bool(((wrapped != inter) | ((inter > 0) & (other != total))).any())


def _overlaps(a: Array, b: Array) -> tuple[Array, Array]:
    """Return intersections, and the sums of areas, of boxes in their dtype.

    The sides of an intersection are multiplied as int64.
    """
    rows, columns = a[..., :, None, :], b[..., None, :, :]
    sides = np.minimum(rows[..., 2:], columns[..., 2:]) - np.maximum(
        rows[..., :2], columns[..., :2]
    )
    wide = sides.dtype if sides.dtype.kind == "f" else np.dtype(np.int64)
    own, theirs = rows[..., 2:] - rows[..., :2], columns[..., 2:] - columns[..., :2]
    total = own.prod(-1, dtype=own.dtype) + theirs.prod(-1, dtype=own.dtype)
    return np.maximum(sides, 0).prod(-1, dtype=wide), total


def integers_wrap(case: Case) -> bool:
    """Return whether codes and anchors of integers are decoded by numbers that wrap."""
    x, anchors = case.inputs["x"], case.inputs["anchors"]
    if x.dtype.kind not in "iu":
        return False
    found, exact = (_steps(x.astype(t), anchors.astype(t)) for t in (x.dtype, np.dtype(np.float64)))
    return any(bool((a != b).any()) for a, b in zip(found, exact, strict=True))


def _steps(x: Array, anchors: Array) -> list[Array]:
    """Return what is computed of integers before real numbers come in."""
    sides, total = anchors[..., 2:] - anchors[..., :2], anchors[..., :2] + anchors[..., 2:]
    return [sides, total, x[..., :2] * sides]


def forced_matches_go_astray(case: Case) -> bool:
    """Return whether an object that overlaps nothing takes an anchor from what it has else."""
    x, config = case.inputs["x"].view(np.ndarray), case.config
    if config.get("low_quality") is None or not x.size:
        return False
    firsts, best = x.argmax(-2), x.max(-2)
    for image in np.ndindex(x.shape[:-2]):
        theirs: dict[int, int] = {}
        right: dict[int, int] = {}
        for column, row in enumerate(firsts[image].tolist()):
            theirs.setdefault(row, column)
            if best[image][column] > 0:
                right.setdefault(row, column)
        if theirs != right and any(
            theirs[row] != right.get(row, _otherwise(x[image][row], case)) for row in theirs
        ):
            return True
    return False


def _otherwise(row: Array, case: Case) -> int:
    """Return what an anchor is matched with that nothing is forced on."""
    best = int(row.argmax())
    if row[best] >= _bar(case, case.config["high"]):
        return best
    low = case.config.get("low")
    return -1 if low is None or row[best] < _bar(case, low) else -2


def _bar(case: Case, threshold: float) -> float:
    """Return a threshold as it is compared with an array: integers are compared with the real."""
    x = case.inputs["x"]
    if isinstance(x, BFloat16):
        return float(rounded(threshold))
    return float(x.dtype.type(threshold)) if x.dtype.kind == "f" else threshold


def is_unmatched_of_nothing(case: Case) -> bool:
    """Return whether there is no object, whose IoU of 0 is not below the lower threshold."""
    high, low = case.config["high"], case.config.get("low")
    count, truths = case.inputs["x"].shape[-2:]
    is_between = low is not None and _bar(case, low) <= 0 < _bar(case, high)
    return truths == 0 and count > 0 and is_between


def has_no_anchors(case: Case) -> bool:
    """Return whether there are objects to force matches for, and no anchors."""
    *images, count, truths = case.inputs["x"].shape
    is_forced = case.config.get("low_quality") is not None
    return is_forced and count == 0 and truths > 0 and all(images)


def eps_shows(case: Case) -> bool:
    """Return whether a side of a positive anchor, or of its ground truth, changes by 1e-7."""
    sides = []
    for name in ("anchors", "refs"):
        boxes = case.inputs[name]
        sides.append((boxes[..., 2:] - boxes[..., :2]).ravel())
    own = np.concatenate(sides)
    return bool((own + own.dtype.type(1e-7) != own).any())


def codes_are_scaled(case: Case) -> bool:
    """Return whether a code is another number when it is scaled."""
    x, stds = case.inputs["x"], case.config.get("stds", (0.1, 0.1, 0.2, 0.2))
    return bool((x * np.array(stds, x.dtype) != x).any())

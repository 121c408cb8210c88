"""When mmdet differs: on which cases.

Predicates do mmdet's arithmetic where they can, so that they cover no case in which a difference
does not show.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case

__all__ = [
    "cells_are_of_single",
    "cells_are_rounded_first",
    "centres_leave_the_map",
    "has_infinite_area",
    "has_no_deviation",
    "is_double",
    "is_float16",
    "is_half",
    "is_of_float16",
    "last_of_a_cell_differs",
    "nothing_is_neither",
    "nothing_is_the_best",
    "quota_is_cut",
    "some_have_no_extent",
    "ties_in_costs",
    "ties_in_distances",
    "ties_in_losses",
    "ties_in_metrics",
    "ties_in_peaks",
]


def dtype_of(array: Array) -> str:
    """Return what a dtype is called, also if it is one that NumPy does not have."""
    return BFLOAT16 if isinstance(array, BFloat16) else str(array.dtype.name)


def half_of(case: Case) -> str:
    """Return the half precision of a case, or "" if there is none."""
    own = {dtype_of(array) for array in case.inputs.values()} & {"float16", BFLOAT16}
    return min(own) if own and not _is_empty(case) else ""


def _is_empty(case: Case) -> bool:
    return any(array.size == 0 for array in case.inputs.values())


def is_half(case: Case) -> bool:
    """Return whether there is half precision, and something of it."""
    return bool(half_of(case))


def is_float16(case: Case) -> bool:
    """Return whether there is float16, and something of it."""
    return half_of(case) == "float16"


def is_double(case: Case) -> bool:
    """Return whether there is double precision."""
    return any(dtype_of(array) == "float64" for array in case.inputs.values())


def is_of_float16(case: Case) -> bool:
    """Return whether anchors are asked for in float16."""
    return bool(case.config.get("dtype") == "float16")


def cells_are_rounded_first(case: Case) -> bool:
    """Return whether an anchor is another if that of the first cell is rounded to float16."""
    config = case.config
    if not is_of_float16(case):
        return False
    down, along = np.broadcast_to(config["stride"], 2)
    roots = np.sqrt(np.array(config["ratios"], np.float32)).astype(np.float64)[:, None]
    sizes = np.array(config["sizes"], np.float32).astype(np.float64)
    for name, step, sides in (("width", along, sizes / roots), ("height", down, sizes * roots)):
        middle = step * config.get("offset", 0.5)
        first = np.stack([middle - sides / 2, middle + sides / 2])[..., None]
        moves = np.arange(int(case.inputs[name])) * float(step)
        moved = in_half(in_half(first, "float16") + moves, "float16")
        if (moved != in_half(first + moves, "float16")).any():
            return True
    return False


def exact_of(case: Case) -> dict[str, Array]:
    """Return the inputs in float64, which holds all that smaller dtypes hold."""
    return {k: array.view(np.ndarray).astype(np.float64) for k, array in case.inputs.items()}


def in_half(x: Array, dtype: str) -> Array:
    """Return float64 with the numbers of half precision that are next."""
    with np.errstate(over="ignore"):
        half = rounded(x) if dtype == BFLOAT16 else x.astype(np.float16)
    return half.view(np.ndarray).astype(np.float64)


def any_is_rounded(case: Case, steps: Callable[[Case], Iterable[Array]]) -> bool:
    """Return whether one of the numbers on the way to a result is none of half precision."""
    dtype = half_of(case)
    return bool(dtype) and any(bool((in_half(x, dtype) != x).any()) for x in steps(case))


def any_leaves_integers(case: Case, steps: Callable[[Case], Iterable[Array]]) -> bool:
    """Return whether one of the numbers on the way to a result is none of the integers' dtype."""
    dtypes = {array.dtype for array in case.inputs.values() if array.dtype.kind in "iu"}
    if len(dtypes) != 1:
        return False
    info = np.iinfo(dtypes.pop())
    return any(bool(((x < info.min) | (x > info.max)).any()) for x in steps(case))


def _images(case: Case, name: str) -> list[tuple[int, ...]]:
    return list(np.ndindex(case.inputs[name].shape[:-2]))


def _ties_at(order: Array, count: int) -> bool:
    """Return whether the last of so many is equal to the next."""
    return 0 < count < len(order) and bool(order[count - 1] == order[count])


def nothing_is_the_best(case: Case) -> bool:
    """Return whether a ground truth that overlaps nothing takes an anchor that is not its own."""
    config, x = case.config, case.inputs["x"]
    is_open = x.dtype.type(config.get("min_quality", 0.0)) <= 0
    if config.get("low_quality") is None or not is_open or not x.size:
        return False
    return bool((x.max(-2) <= 0).any())


def nothing_is_neither(case: Case) -> bool:
    """Return whether, without ground truths, an IoU of 0 is between the thresholds."""
    x, high = case.inputs["x"], case.config["high"]
    low = case.config.get("low")
    return x.shape[-1] == 0 and bool((high if low is None else low) <= 0)


def ties_in_distances(case: Case) -> bool:
    """Return whether, on some level, the last candidate is as far as one that is left."""
    distances, ends = case.inputs["distances"], np.cumsum(case.inputs["levels"]).astype(int)
    topk = case.config.get("topk", 9)
    for image in _images(case, "distances"):
        for level in np.split(distances[image], ends[:-1]):
            for column in np.sort(level, 0).T:
                if _ties_at(column, min(topk, len(column))):
                    return True
    return False


def has_no_deviation(case: Case) -> bool:
    """Return whether there is one candidate, of which a ground truth has no deviation."""
    topk = case.config.get("topk", 9)
    count = int(np.minimum(case.inputs["levels"].astype(int), topk).sum())
    return count == 1 and bool(case.inputs["inside"].any())


def ties_in_metrics(case: Case) -> bool:
    """Return whether the last of the largest metrics is above 0 and as large as one left."""
    metric, topk = case.inputs["metric"], case.config.get("topk", 13)
    for image in _images(case, "metric"):
        for column in -np.sort(-metric[image], 0).T:
            if _ties_at(column, min(topk, len(column))) and column[topk - 1] > 0:
                return True
    return False


def ties_in_costs(case: Case) -> bool:
    """Return whether the last of the least costs is that of an anchor that is left."""
    ious, costs = case.inputs["ious"], case.inputs["cost"]
    valid = case.inputs.get("valid", np.ones(costs.shape[:-1], bool))
    topk = case.config.get("candidate_topk", 10)
    for image in _images(case, "cost"):
        own = valid[image]
        largest = -np.sort(-ious[image][own].astype(np.float64), 0)[:topk]
        for total, column in zip(largest.sum(0), np.sort(costs[image][own], 0).T, strict=True):
            # What rounding makes of a sum that is about whole is open.
            near = {max(1, math.floor(total + step)) for step in (-1e-3, 0.0, 1e-3)}
            if any(_ties_at(column, count) for count in near):
                return True
    return False


def ties_in_losses(case: Case) -> bool:
    """Return whether, of more negatives than are kept, some have equal logits."""
    matches, logits = case.inputs["matches"], case.inputs["logits"]
    for image in np.ndindex(matches.shape[:-1]):
        own = logits[image][matches[image] == -1]
        quota = 3 * max(1, int((matches[image] >= 0).sum()))
        if len(own) > quota and len(np.unique(own, axis=0)) < len(own):
            return True
    return False


def ties_in_peaks(case: Case) -> bool:
    """Return whether there are equal scores among the highest, or next to them."""
    x, topk = case.inputs["x"], case.config.get("topk", 100)
    highest = -np.sort(-x.reshape(*x.shape[:-3], -1), -1)[..., : topk + 1]
    return bool((highest[..., 1:] == highest[..., :-1]).any())


# What stands for an infinite area in FCOS.
INFINITE = 1e8


def has_infinite_area(case: Case) -> bool:
    """Return whether a box is as large as what stands for infinity."""
    boxes = exact_of(case)["boxes"]
    sides = boxes[..., 2:] - boxes[..., :2]
    return bool(((sides > 0).all(-1) & (sides.prod(-1) >= INFINITE * (1 - 1e-6))).any())


def quota_is_cut(case: Case) -> bool:
    """Return whether a product of the quota is rounded to below a whole number."""
    product = case.config.get("pos_ratio", 0.5) * case.config["num_sample"]
    return int(product) != math.floor(float(product) + 1e-9)


def cells_are_of_single(case: Case) -> bool:
    """Return whether a cell's anchors are others where they are computed in single precision."""
    config = case.config
    if config.get("dtype") != "float64":
        return False
    cells = []
    for dtype in (np.float32, np.float64):
        sizes: Array = np.array(config["sizes"], dtype)
        roots: Array = np.sqrt(np.array(config.get("ratios", (1.0,)), dtype))[:, None]
        steps: Any = np.array(np.broadcast_to(config["stride"], 2), dtype)
        middle = steps[:, None, None] / 2
        halves = [sizes / roots / 2, sizes * roots / 2]
        cells.append([middle - half for half in halves] + [middle, *halves])
    return any(bool((a != b).any()) for a, b in zip(*cells, strict=True))


def _cells(case: Case) -> tuple[Array, Array, tuple[int, int]]:
    """Return where centres are in cells, which boxes have extent, and how many cells there are."""
    boxes = exact_of(case)["boxes"]
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2 / case.config.get("scale", 4.0)
    height, width = (int(n) for n in np.broadcast_to(case.config["size"], 2))
    return middle, (boxes[..., 2:] > boxes[..., :2]).all(-1), (width, height)


def some_have_no_extent(case: Case) -> bool:
    """Return whether a box has no extent."""
    _, extended, _ = _cells(case)
    return not bool(extended.all())


def centres_leave_the_map(case: Case) -> bool:
    """Return whether the centre of a box is beside the map."""
    middle, _, size = _cells(case)
    return bool(((middle < 0) | (middle >= np.array(size))).any())


def last_of_a_cell_differs(case: Case) -> bool:
    """Return whether two boxes have their centres in one cell."""
    middle, extended, _ = _cells(case)
    for image in np.ndindex(middle.shape[:-2]):
        cells = np.floor(middle[image][extended[image]])
        if len(np.unique(cells, axis=0)) < len(cells):
            return True
    return False

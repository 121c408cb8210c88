"""Where torchvision 0.29 differs from what is specified, found by ``refkernels check torchvision``.

Predicates do torchvision's arithmetic where they can, so that they cover no case in which a
difference does not show.
"""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness

__all__ = ["DIVERGENCES"]

INT32_MAX = 2**31 - 1


def _corners(boxes: Array, fmt: str) -> tuple[Array, Array]:
    """Return the lower and the upper corners of boxes, in the dtype that they come in."""
    if fmt == "corner":
        return boxes[..., :2], boxes[..., 2:]
    half = boxes[..., 2:] / boxes.dtype.type(2)
    return boxes[..., :2] - half, boxes[..., :2] + half


def _overlap_sides(case: Case) -> Array:
    """Return the sides of all pairs' intersections, not clamped, in the dtype that boxes have."""
    fmt = case.config.get("fmt", "corner")
    (a_low, a_high), (b_low, b_high) = (_corners(case.inputs[name], fmt) for name in ("a", "b"))
    low = np.maximum(a_low[..., :, None, :], b_low[..., None, :, :])
    high = np.minimum(a_high[..., :, None, :], b_high[..., None, :, :])
    with np.errstate(over="ignore"):
        return np.asarray(high - low)


def _exact(case: Case) -> Case:
    """Return a case with its reals in float64, which holds all that float16 and int32 hold."""
    inputs = {k: array.view(np.ndarray).astype(np.float64) for k, array in case.inputs.items()}
    return Case(case.config, inputs)


def _area(boxes: Array, fmt: str) -> Array:
    low, high = _corners(boxes.astype(np.float64), fmt)
    return np.asarray((high - low).prod(-1))


def _dtype(case: Case) -> str:
    array = next(iter(case.inputs.values()))
    return BFLOAT16 if isinstance(array, BFloat16) else array.dtype.name


def _area_leaves_int32(case: Case) -> bool:
    fmt = case.config.get("fmt", "corner")
    return _dtype(case) == "int32" and bool((_area(case.inputs["x"], fmt) > INT32_MAX).any())


def _union_leaves_int32(case: Case) -> bool:
    if _dtype(case) != "int32":
        return False
    fmt = case.config.get("fmt", "corner")
    inter = np.maximum(_overlap_sides(_exact(case)), 0).prod(-1)
    a, b = _area(case.inputs["a"], fmt), _area(case.inputs["b"], fmt)
    return bool((a[..., :, None] + b[..., None, :] - inter > INT32_MAX).any())


def _uint8_wraps(case: Case) -> bool:
    if _dtype(case) != "uint8" or case.config.get("fmt", "corner") != "corner":
        return False
    wrapped = _overlap_sides(case).astype(np.float64).prod(-1)
    exact = np.maximum(_overlap_sides(_exact(case)), 0).prod(-1)
    return bool((wrapped != exact).any())


def _sides_round_in_half(case: Case) -> bool:
    dtype = _dtype(case)
    if dtype not in ("float16", BFLOAT16):
        return False
    fmt, exact = case.config.get("fmt", "corner"), _exact(case)
    numbers = [_overlap_sides(exact)]
    numbers += [x for boxes in exact.inputs.values() for x in _corners(boxes, fmt)]
    return any(bool((_in_half(x, dtype) != x).any()) for x in numbers)


def _in_half(x: Array, dtype: str) -> Array:
    with np.errstate(over="ignore"):
        half = rounded(x) if dtype == BFLOAT16 else x.astype(np.float16)
    return half.view(np.ndarray).astype(np.float64)


def _weights_are_cut(case: Case) -> bool:
    weights = 1 / np.array(case.config.get("stds", (0.1, 0.1, 0.2, 0.2)))
    return case.inputs["refs"].dtype.kind in "iu" and bool((weights != np.floor(weights)).any())


def _is_half(case: Case) -> bool:
    return any(x.dtype == np.float16 or isinstance(x, BFloat16) for x in case.inputs.values())


ONE = {"samples": [1.0], "matches": [0.0]}

DIVERGENCES = (
    Divergence(
        "TV-001",
        "BBoxArea",
        "the area of int32 boxes is an int32, and wraps from 2**31 on: it may be negative",
        _area_leaves_int32,
        witness(x=[[0, 0, 65536, 32768]]),
        "int32",
    ),
    Divergence(
        "TV-002",
        "BBoxBatchIOU",
        "of int32 boxes, the areas and the intersection are int32, and wrap from 2**31 on",
        _union_leaves_int32,
        witness(a=[[0, 0, 65536, 32768]], b=[[0, 0, 65536, 16384]]),
        "int32",
    ),
    Divergence(
        "TV-003",
        "BBoxBatchIOU",
        "of uint8 boxes that lie apart, the sides of the intersection are uint8, and wrap: they "
        "overlap then, by more than the union",
        _uint8_wraps,
        witness(a=[[0, 0, 1, 1]], b=[[2, 2, 3, 3]]),
        "uint8",
    ),
    Divergence(
        "TV-004",
        "BBoxBatchIOU",
        "of boxes in half precision, corners and sides of the intersection are rounded to that, "
        "and only then float32 is gone on with",
        _sides_round_in_half,
        witness({"fmt": "center"}, a=[[0, 0, 1, 41]], b=[[0, 3, 1, 46.09375]]),
        "float16",
    ),
    Divergence(
        "TV-005",
        "NormalizedBoxCenterEncoder",
        "for boxes of integers the weights become integers: those below 1 are 0",
        _weights_are_cut,
        witness({"stds": (1, 1, 1, 2)}, **ONE, anchors=[[0, 0, 1, 1]], refs=[[0, 0, 1, 2]]),
        "int32",
    ),
    Divergence(
        "TV-006",
        "NormalizedBoxCenterEncoder",
        "in half precision each step is rounded to that",
        _is_half,
        witness(**ONE, anchors=[[0, 0, 1, 4]], refs=[[0, 0, 1, 3]]),
        "float16",
    ),
    Divergence(
        "TV-007",
        "NormalizedBoxCenterDecoder",
        "in half precision each step is rounded to that",
        _is_half,
        witness(x=[[1, 0, 0, 0]], anchors=[[0, 0, 1, 1]]),
        "float16",
    ),
)

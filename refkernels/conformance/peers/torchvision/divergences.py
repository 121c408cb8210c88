"""Where torchvision 0.29 differs from what is specified, found by ``refkernels check torchvision``.

Predicates do torchvision's arithmetic where they can, so that they cover no case in which a
difference does not show.
"""

import math

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.bfloat16 import BFLOAT16, BFloat16, rounded
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness

__all__ = ["DIVERGENCES"]

INT32_MAX = 2**31 - 1

UTILS = "torchvision.models.detection._utils"
CALLS = "refkernels.conformance.peers.torchvision.calls"


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


def _extremes_round_in_half(case: Case) -> bool:
    """Return whether a side of an intersection, or of a box around two, is rounded to half."""
    dtype = _dtype(case)
    if dtype not in ("float16", BFLOAT16):
        return False
    exact = _exact(case)
    a, b = exact.inputs["a"][..., :, None, :], exact.inputs["b"][..., None, :, :]
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    numbers = (_overlap_sides(exact), around)
    return any(bool((_in_half(x, dtype) != x).any()) for x in numbers)


def _areas_leave_int32(case: Case) -> bool:
    if _dtype(case) != "int32":
        return False
    exact = _exact(case)
    a, b = exact.inputs["a"][..., :, None, :], exact.inputs["b"][..., None, :, :]
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    return bool((around.prod(-1) > INT32_MAX).any()) or _union_leaves_int32(case)


def _is_on_the_threshold(case: Case) -> bool:
    """Return whether an IoU is the threshold rounded up to its dtype, and so over it in double."""
    boxes, threshold = case.inputs["boxes"], case.config["threshold"]
    if boxes.dtype != np.float32 or float(np.float32(threshold)) <= threshold:
        return False
    low, high = boxes[..., :2], boxes[..., 2:]
    area = (high - low).prod(-1)
    sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    inter = np.maximum(sides, 0).prod(-1)
    with np.errstate(all="ignore"):
        ious = inter / (area[:, None] + area - inter)
    return bool((ious == np.float32(threshold)).any())


# Boxes with more numbers than that are suppressed class by class.
BY_CLASS = 4000


def _offsets_take_digits(case: Case) -> bool:
    """Return whether sides change by the offset that sets a class apart."""
    boxes, labels = case.inputs["boxes"], case.inputs["labels"]
    if not boxes.size or boxes.size > BY_CLASS:
        return False
    offsets = labels.astype(boxes.dtype)[:, None] * (boxes.max() + boxes.dtype.type(1))
    moved = boxes + offsets
    return bool((moved[:, 2:] - moved[:, :2] != boxes[:, 2:] - boxes[:, :2]).any()) or bool(
        (moved.astype(np.float64) - offsets.astype(np.float64) != boxes).any()
    )


def _ties_come_as_they_like(case: Case) -> bool:
    scores = case.inputs["scores"]
    return case.inputs["boxes"].size > BY_CLASS and len(np.unique(scores)) < len(scores)


def _squares_leave_int32(case: Case) -> bool:
    if _dtype(case) != "int32":
        return False
    exact = _exact(case)
    a, b = exact.inputs["a"][..., :, None, :], exact.inputs["b"][..., None, :, :]
    around = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    return bool(((around**2).sum(-1) > INT32_MAX).any()) or _union_leaves_int32(case)


def _objects_overlap_nothing(case: Case) -> bool:
    x = case.inputs["x"]
    return bool(x.size) and bool((x.max(-2) <= 0).any())


def _low_quality_floods(case: Case) -> bool:
    return case.config.get("low_quality") == "own" and _objects_overlap_nothing(case)


def _quota_is_cut(case: Case) -> bool:
    product = case.config.get("pos_ratio", 0.5) * case.config["num_sample"]
    return int(product) != math.floor(float(product) + 1e-9)


def _cells_are_of_single(case: Case) -> bool:
    """Return whether half a side, rounded, is another number if it is computed in float32."""
    if case.config.get("dtype") != "float64":
        return False
    halves: list[list[Array]] = []
    for dtype in (np.float32, np.float64):
        sizes: Array = np.array(case.config["sizes"], dtype)
        roots: Array = np.sqrt(np.array(case.config["ratios"], dtype))[:, None]
        halves.append([np.rint(sizes / roots / 2), np.rint(sizes * (1 / roots) / 2)])
        halves[-1].append(np.rint(sizes * roots / 2))
    return any(bool((a != b).any()) for a, b in zip(*halves, strict=True))


def _is_half(case: Case) -> bool:
    return any(x.dtype == np.float16 or isinstance(x, BFloat16) for x in case.inputs.values())


def _many_of_equal_scores() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    corners = np.arange(1001)[:, None] * 4.0 + np.zeros(2)
    scores = rng.integers(0, 3, 1001) / 4
    boxes = np.concatenate([corners, corners + 2], -1)
    return {"boxes": boxes, "scores": scores, "labels": np.arange(1001) % 3}


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
        authority="its documentation, which promises IoUs",
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
    Divergence(
        "TV-008",
        "BBoxBatchGIOU",
        "of boxes in half precision, sides of the intersection and of the box around both are "
        "rounded to that, and only then float32 is gone on with",
        _extremes_round_in_half,
        witness(a=[[1, 0, 2050, 1]], b=[[1, 0, 2, 1]]),
        "float16",
    ),
    Divergence(
        "TV-009",
        "BBoxBatchGIOU",
        "of uint8 boxes that lie apart, the sides of the intersection are uint8, and wrap: the "
        "result leaves [-1, 1]",
        _uint8_wraps,
        witness(a=[[0, 0, 1, 1]], b=[[2, 0, 3, 1]]),
        "uint8",
        authority="its documentation, which promises a generalised IoU",
    ),
    Divergence(
        "TV-010",
        "BBoxBatchDIOU",
        "of int32 boxes, the square of the enclosing box's diagonal is an int32, and wraps",
        _squares_leave_int32,
        witness(a=[[0, 0, 41561, 28928]], b=[[0, 0, 6144, 512]]),
        "int32",
    ),
    Divergence(
        "TV-011",
        "BBoxBatchCIOU",
        "of int32 boxes, the square of the enclosing box's diagonal is an int32, and wraps",
        _squares_leave_int32,
        witness(a=[[0, 0, 1, 30694]], b=[[24537, 0, 35601, 2911]]),
        "int32",
    ),
    Divergence(
        "TV-012",
        "ThresholdMatcher",
        "with low-quality matches, an object that overlaps nothing is the best of every anchor "
        "that does not overlap it either: each of them gets a match at an IoU of 0",
        _low_quality_floods,
        witness({"high": 0.5, "low": 0.25, "low_quality": "own"}, x=[[0.0], [0.0]]),
        place=f"{UTILS}:Matcher",
        authority="SPEC; the paper's rule, the anchors of highest IoU, is silent on an IoU of 0",
    ),
    Divergence(
        "TV-013",
        "ThresholdMatcher",
        "an object that overlaps nothing takes the first anchor, whatever that is matched with",
        _objects_overlap_nothing,
        witness({"high": 0.5, "low_quality": "truth", "ties": False}, x=[[0.75, 0.0]]),
        place=f"{UTILS}:SSDMatcher",
    ),
    *(
        Divergence(
            f"TV-{number:03}",
            "ThresholdMatcher",
            f"in {model}, an object that overlaps no anchor gets some all the same, at an IoU of 0",
            _objects_overlap_nothing,
            witness(config, x=[[0.0, 0.0]]),
            place=f"{CALLS}:{call}",
        )
        for number, model, call, config in (
            (14, "RPN", "rpn_matches", {"high": 0.7, "low": 0.3, "low_quality": "own"}),
            (15, "RetinaNet", "retinanet_matches", {"high": 0.5, "low": 0.4, "low_quality": "own"}),
            (16, "SSD", "ssd_matches", {"high": 0.5, "low_quality": "truth", "ties": False}),
        )
    ),
    Divergence(
        "TV-017",
        "BalancedSampler",
        "the number of positives is cut from a product that rounding leaves below a whole number: "
        "of 100 at 0.29 there are 28",
        _quota_is_cut,
        witness({"num_sample": 100, "pos_ratio": 0.29}, candidates=[1] * 29),
        authority="its documentation: a fixed proportion of positives",
    ),
    Divergence(
        "TV-018",
        "AnchorGrid",
        "anchors in double precision have sides that were computed, and rounded to whole pixels, "
        "in single precision",
        _cells_are_of_single,
        Case(
            {
                "sizes": (33.00000023841858,),
                "ratios": (1.0,),
                "stride": 1.0,
                "dtype": "float64",
                "offset": 0.0,
                "rounded": True,
            },
            {"height": np.array(1), "width": np.array(1)},
        ),
    ),
    Divergence(
        "TV-019",
        "BBoxBatchGIOU",
        "of int32 boxes, the area of the box around both is an int32, and wraps from 2**31 on",
        _areas_leave_int32,
        witness(a=[[0, 0, 1, 1]], b=[[0, 1, 25201, 86958]]),
        "int32",
    ),
    Divergence(
        "TV-020",
        "NMS",
        "an IoU in single precision is compared with a threshold in double: what is the threshold, "
        "as near as its dtype has it, may be over it",
        _is_on_the_threshold,
        witness({"threshold": 1 / 3}, boxes=[[0, 0, 2, 1], [0, 0, 1, 2]], scores=[0.25, 0.25]),
        authority="its documentation: an IoU over the threshold",
    ),
    Divergence(
        "TV-021",
        "BatchedNMS",
        "up to 1,000 boxes are set apart by adding their label times the largest coordinate: that "
        "takes digits of them, and what is suppressed depends on the label's number",
        _offsets_take_digits,
        witness(
            {"threshold": 0.5},
            boxes=[[7, 23, 8, 24], [7, 23, 8, 24]],
            scores=[0.0, 0.0],
            labels=[1e6, 1e6],
        ),
        authority="its documentation: no suppression between categories, and as nms within one",
    ),
    Divergence(
        "TV-022",
        "BatchedNMS",
        "of more than 1,000 boxes, those of equal scores come in any order",
        _ties_come_as_they_like,
        Case({"threshold": 0.5}, _many_of_equal_scores()),
    ),
    Divergence(
        "TV-023",
        "BatchedNMS",
        "an IoU in single precision is compared with a threshold in double: what is the threshold, "
        "as near as its dtype has it, may be over it",
        _is_on_the_threshold,
        witness(
            {"threshold": 1 / 3},
            boxes=[[0, 0, 2, 1], [0, 0, 1, 2]],
            scores=[0.25, 0.25],
            labels=[0, 0],
        ),
        authority="its documentation: an IoU over the threshold",
    ),
)

"""Where torchvision 0.29 differs, as ``refkernels check torchvision`` found."""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.suppressing import areas_leave_reals
from refkernels.conformance.peers.torchvision.conditions import (
    area_leaves_int32,
    areas_leave_int32,
    cells_are_of_single,
    extremes_round_in_half,
    forced_matches_go_astray,
    is_half,
    is_on_the_threshold,
    low_quality_floods,
    offsets_take_digits,
    quota_is_cut,
    sides_round_in_half,
    squares_leave_int32,
    ties_come_as_they_like,
    uint8_wraps,
    union_leaves_int32,
    weights_are_cut,
)

__all__ = ["DIVERGENCES"]

UTILS = "torchvision.models.detection._utils"
CALLS = "refkernels.conformance.peers.torchvision.calls"


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
        area_leaves_int32,
        witness(x=[[0, 0, 65536, 32768]]),
        "int32",
    ),
    Divergence(
        "TV-002",
        "BBoxBatchIOU",
        "of int32 boxes, the areas and the intersection are int32, and wrap from 2**31 on",
        union_leaves_int32,
        witness(a=[[0, 0, 65536, 32768]], b=[[0, 0, 65536, 16384]]),
        "int32",
    ),
    Divergence(
        "TV-003",
        "BBoxBatchIOU",
        "of uint8 boxes that lie apart, the sides of the intersection are uint8, and wrap: they "
        "overlap then, by more than the union",
        uint8_wraps,
        witness(a=[[0, 0, 1, 1]], b=[[2, 2, 3, 3]]),
        "uint8",
        authority="its documentation, which promises IoUs",
    ),
    Divergence(
        "TV-004",
        "BBoxBatchIOU",
        "of boxes in half precision, corners and sides of the intersection are rounded to that, "
        "and only then float32 is gone on with",
        sides_round_in_half,
        witness({"fmt": "center"}, a=[[0, 0, 1, 41]], b=[[0, 3, 1, 46.09375]]),
        "float16",
    ),
    Divergence(
        "TV-005",
        "NormalizedBoxCenterEncoder",
        "for boxes of integers the weights become integers: those below 1 are 0",
        weights_are_cut,
        witness({"stds": (1, 1, 1, 2)}, **ONE, anchors=[[0, 0, 1, 1]], refs=[[0, 0, 1, 2]]),
        "int32",
    ),
    Divergence(
        "TV-006",
        "NormalizedBoxCenterEncoder",
        "in half precision each step is rounded to that",
        is_half,
        witness(**ONE, anchors=[[0, 0, 1, 4]], refs=[[0, 0, 1, 3]]),
        "float16",
    ),
    Divergence(
        "TV-007",
        "NormalizedBoxCenterDecoder",
        "in half precision each step is rounded to that",
        is_half,
        witness(x=[[1, 0, 0, 0]], anchors=[[0, 0, 1, 1]]),
        "float16",
    ),
    Divergence(
        "TV-008",
        "BBoxBatchGIOU",
        "of boxes in half precision, sides of the intersection and of the box around both are "
        "rounded to that, and only then float32 is gone on with",
        extremes_round_in_half,
        witness(a=[[1, 0, 2050, 1]], b=[[1, 0, 2, 1]]),
        "float16",
    ),
    Divergence(
        "TV-009",
        "BBoxBatchGIOU",
        "of uint8 boxes that lie apart, the sides of the intersection are uint8, and wrap: the "
        "result leaves [-1, 1]",
        uint8_wraps,
        witness(a=[[0, 0, 1, 1]], b=[[2, 0, 3, 1]]),
        "uint8",
        authority="its documentation, which promises a generalised IoU",
    ),
    Divergence(
        "TV-010",
        "BBoxBatchDIOU",
        "of int32 boxes, the square of the enclosing box's diagonal is an int32, and wraps",
        squares_leave_int32,
        witness(a=[[0, 0, 41561, 28928]], b=[[0, 0, 6144, 512]]),
        "int32",
    ),
    Divergence(
        "TV-011",
        "BBoxBatchCIOU",
        "of int32 boxes, the square of the enclosing box's diagonal is an int32, and wraps",
        squares_leave_int32,
        witness(a=[[0, 0, 1, 30694]], b=[[24537, 0, 35601, 2911]]),
        "int32",
    ),
    Divergence(
        "TV-012",
        "ThresholdMatcher",
        "with low-quality matches, an object that overlaps nothing is the best of every anchor "
        "that does not overlap it either: each of them gets a match at an IoU of 0",
        low_quality_floods,
        witness({"high": 0.5, "low": 0.25, "low_quality": "own"}, x=[[0.0], [0.0]]),
        place=f"{UTILS}:Matcher",
        authority="SPEC; the paper's rule, the anchors of highest IoU, is silent on an IoU of 0",
    ),
    Divergence(
        "TV-013",
        "ThresholdMatcher",
        "an object that overlaps nothing takes the first anchor, whatever that is matched with",
        forced_matches_go_astray,
        witness({"high": 0.5, "low_quality": "truth", "ties": False}, x=[[0.75, 0.0]]),
        place=f"{UTILS}:SSDMatcher",
    ),
    *(
        Divergence(
            f"TV-{number:03}",
            "ThresholdMatcher",
            f"in {model}, an object that overlaps no anchor gets some all the same, at an IoU of 0",
            condition,
            witness(config, x=[[0.0, 0.0]]),
            place=f"{CALLS}:{call}",
        )
        for number, model, call, condition, config in (
            (
                14,
                "RPN",
                "rpn_matches",
                low_quality_floods,
                {"high": 0.7, "low": 0.3, "low_quality": "own"},
            ),
            (
                15,
                "RetinaNet",
                "retinanet_matches",
                low_quality_floods,
                {"high": 0.5, "low": 0.4, "low_quality": "own"},
            ),
            (
                16,
                "SSD",
                "ssd_matches",
                forced_matches_go_astray,
                {"high": 0.5, "low_quality": "truth", "ties": False},
            ),
        )
    ),
    Divergence(
        "TV-017",
        "BalancedSampler",
        "the number of positives is cut from a product that rounding leaves below a whole number: "
        "of 100 at 0.29 there are 28",
        quota_is_cut,
        witness({"num_sample": 100, "pos_ratio": 0.29}, candidates=[1] * 29),
        authority="its documentation: a fixed proportion of positives",
    ),
    Divergence(
        "TV-018",
        "AnchorGrid",
        "anchors in double precision have sides that were computed, and rounded to whole pixels, "
        "in single precision",
        cells_are_of_single,
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
        areas_leave_int32,
        witness(a=[[0, 0, 1, 1]], b=[[0, 1, 25201, 86958]]),
        "int32",
    ),
    Divergence(
        "TV-020",
        "NMS",
        "an IoU in single precision is compared with a threshold in double: what is the threshold, "
        "as near as its dtype has it, may be over it",
        is_on_the_threshold,
        witness({"threshold": 1 / 3}, boxes=[[0, 0, 2, 1], [0, 0, 1, 2]], scores=[0.25, 0.25]),
        authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
    ),
    Divergence(
        "TV-021",
        "BatchedNMS",
        "up to 1,000 boxes are set apart by adding their label times the largest coordinate: that "
        "takes digits of them, and what is suppressed depends on the label's number",
        offsets_take_digits,
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
        ties_come_as_they_like,
        Case({"threshold": 0.5}, _many_of_equal_scores()),
    ),
    Divergence(
        "TV-023",
        "BatchedNMS",
        "an IoU in single precision is compared with a threshold in double: what is the threshold, "
        "as near as its dtype has it, may be over it",
        is_on_the_threshold,
        witness(
            {"threshold": 1 / 3},
            boxes=[[0, 0, 2, 1], [0, 0, 1, 2]],
            scores=[0.25, 0.25],
            labels=[0, 0],
        ),
        authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
    ),
    *(
        Divergence(
            f"TV-{number:03}",
            operator,
            "the areas of boxes that are infinite in their dtype, or nothing, make an IoU that is "
            "no number: it is not over the threshold, and equal boxes stay side by side",
            areas_leave_reals(),
            witness(
                {"threshold": 0.5},
                boxes=[[0, 0, 2**80, 2**80], [0, 0, 2**80, 2**80]],
                scores=[0.5, 0.25],
                **more,
            ),
            authority="its documentation, which has the IoU",
        )
        for number, operator, more in ((24, "NMS", {}), (25, "BatchedNMS", {"labels": [0, 0]}))
    ),
)

"""Where keras_hub 0.32 and keras 3.15 differ, as ``refkernels check keras_hub`` found.

They ran on TensorFlow, which is their default.
"""

import numpy as np

from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.keras_hub.conditions import (
    bars_vanish,
    cells_are_cut,
    eps_counts_in_ciou,
    eps_decides,
    extras_are_forced,
    is_inverted,
    is_no_single,
    is_on_the_threshold,
    is_out_of_sight,
    is_small,
    nothing_is_forced,
    nothing_reaches_low,
    nothing_suppresses,
    ratios_are_no_squares,
    single_decides,
    sizes_are_cut,
    squares_are_infinite,
    steps_round_in_half,
    there_are_no_anchors,
    thresholds_are_single,
    ties_are_turned,
)
from refkernels.conformance.peers.suppressing import areas_leave_reals

__all__ = ["DIVERGENCES"]

CALLS = "refkernels.conformance.peers.keras_hub.calls"
MATCHER = f"{CALLS}:box_matcher"

FORCED = {"high": 0.5, "low": 0.25, "low_quality": "truth", "ties": False, "winner": "first"}
HALF = {"threshold": 0.5}
ONE = {"samples": [1.0], "matches": [0.0]}


def _grid(size: float, stride: float, width: int, ratio: float = 1.0) -> Case:
    config = {"sizes": (size,), "ratios": (ratio,), "stride": stride, "offset": 0.0}
    config |= {"rounded": True}
    return Case(config, {"height": np.array(1), "width": np.array(width)})


DIVERGENCES = (
    Divergence(
        "KH-001",
        "ThresholdMatcher",
        "if each object is to get an anchor, and the first anchor is no object's best, then that "
        "one is matched with a column past the last: the one that pads the matrix",
        extras_are_forced,
        witness(FORCED, x=[[0.0], [0.75]]),
        place=MATCHER,
        authority="its documentation, which promises the index of a column",
    ),
    Divergence(
        "KH-002",
        "ThresholdMatcher",
        "if each object is to get an anchor, one that overlaps nothing takes the first anchor, "
        "whatever that is matched with",
        nothing_is_forced,
        witness(FORCED, x=[[0.0]]),
        place=MATCHER,
        authority="SPEC; its documentation promises a match to each column",
    ),
    Divergence(
        "KH-003",
        "ThresholdMatcher",
        "thresholds are rounded to single precision, whatever values are in",
        thresholds_are_single,
        witness({"high": 0.7}, x=[[0.69999999]]),
        "float64",
        place=MATCHER,
        authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
    ),
    *(
        Divergence(
            f"KH-{number:03}",
            operator,
            f"{what} come in single precision, and are computed in it, whatever the boxes are in",
            is_no_single,
            case,
            "float64",
            place=f"keras.utils.bounding_boxes:{name}",
        )
        for number, operator, what, name, case in (
            (
                4,
                "BBoxBatchIOU",
                "IoUs",
                "compute_iou",
                witness(a=[[0, 0, 1, 1]], b=[[0, 0, 1, 1]]),
            ),
            (
                5,
                "BBoxBatchCIOU",
                "CIoUs",
                "compute_ciou",
                witness(a=[[0, 0, 1, 1]], b=[[0, 0, 1, 1]]),
            ),
            (
                6,
                "NormalizedBoxCenterEncoder",
                "targets",
                "encode_box_to_deltas",
                witness(**ONE, anchors=[[0, 0, 1, 1]], refs=[[0, 0, 1, 1]]),
            ),
            (
                7,
                "NormalizedBoxCenterDecoder",
                "boxes",
                "decode_deltas_to_boxes",
                witness(x=[[0, 0, 0, 0]], anchors=[[0, 0, 1, 1]]),
            ),
        )
    ),
    Divergence(
        "KH-008",
        "BBoxBatchCIOU",
        "epsilon is added to heights, and not to widths, twice to the union, and to the square of "
        "the diagonal: it counts where boxes are a few units large, as normalised ones are",
        eps_counts_in_ciou,
        witness(a=[[0, 0, 0.125, 0.125]], b=[[0, 0, 0.125, 0.125]]),
        authority="the paper (Zheng 2020), whose formula has none of these",
    ),
    Divergence(
        "KH-009",
        "BBoxBatchCIOU",
        "a box that pads, with sides below 0, has an aspect ratio and an area like any other",
        is_inverted,
        witness({"fmt": "center"}, a=[[0, 0, 16, 16]], b=[[-1, -1, -1, -1]]),
    ),
    Divergence(
        "KH-026",
        "BBoxBatchCIOU",
        "areas, squares of sides, or sums of corners that are infinite in single precision make "
        "the overlap no number",
        squares_are_infinite,
        witness(a=[[0, 0, 2**80, 2**80]], b=[[0, 0, 2**80, 2**80]]),
    ),
    Divergence(
        "KH-010",
        "NormalizedBoxCenterEncoder",
        "sides below epsilon, those of padding too, count as epsilon: targets are finite",
        is_small,
        witness(**ONE, anchors=[[0, 0, 1, 1]], refs=[[-1, -1, -1, -1]]),
    ),
    Divergence(
        "KH-011",
        "BBoxCornerToCenter",
        "in half precision each step is rounded to that",
        steps_round_in_half,
        witness(x=[[0, -85, 1, 5000]]),
        "float16",
    ),
    Divergence(
        "KH-012",
        "AnchorGrid",
        "sizes are cut to whole numbers before half of them is rounded",
        sizes_are_cut,
        _grid(33.5, 2.0, 1),
        place=f"{CALLS}:anchor_generator",
    ),
    Divergence(
        "KH-014",
        "AnchorGrid",
        "if an image is no whole number of cells large, cells are as many pixels apart as divide "
        "it, rounded down, in place of their stride: anchors drift off what they belong to",
        cells_are_cut,
        _grid(32.0, 8.0, 2),
        place=f"{CALLS}:anchors_of_odd_image",
        authority="its documentation: each level l has a stride of 2^l pixels",
    ),
    Divergence(
        "KH-015",
        "ThresholdMatcher",
        "TensorFlow takes a threshold below the least normal number for 0",
        bars_vanish,
        witness({"high": 1e-40}, x=[[0.0]]),
        place=MATCHER,
    ),
    Divergence(
        "KH-016",
        "NMS",
        "of boxes with equal scores, the last comes first",
        ties_are_turned,
        witness(HALF, boxes=[[0, 0, 1, 1], [2, 2, 3, 3]], scores=[0.5, 0.5]),
    ),
    Divergence(
        "KH-017",
        "NMS",
        "a box whose IoU with a better one is the threshold itself is suppressed",
        is_on_the_threshold,
        witness(HALF, boxes=[[0, 0, 2, 1], [0, 0, 1, 1]], scores=[0.75, 0.5]),
        authority="SPEC; its documentation speaks of the minimum IoU",
    ),
    Divergence(
        "KH-018",
        "NMS",
        "with a threshold of 0 no box suppresses another",
        nothing_suppresses,
        witness({"threshold": 0}, boxes=[[0, 0, 2, 1], [0, 0, 1, 1]], scores=[0.75, 0.5]),
        authority="its documentation, which has thresholds in [0, 1]",
    ),
    Divergence(
        "KH-019",
        "NMS",
        "a box without a coordinate above 0 is lost: it counts as suppressed",
        is_out_of_sight,
        witness(HALF, boxes=[[-2, -2, -1, -1]], scores=[0.5]),
    ),
    Divergence(
        "KH-020",
        "NMS",
        "IoUs are computed, and compared, in single precision, whatever the boxes are in",
        single_decides,
        witness(
            {"threshold": 0.3},
            boxes=[[0, 0, 1, 1], [0, 0, 0.300048828125, 1]],
            scores=[0.75, 0.5],
        ),
        "float16",
    ),
    Divergence(
        "KH-021",
        "NMS",
        "1e-8 is added to each union: boxes less than about a hundredth large, which normalised "
        "ones may be, overlap less than they do",
        eps_decides,
        witness(HALF, boxes=[[0, 0, 2**-14, 2**-14], [0, 0, 2**-14, 2**-14]], scores=[0.75, 0.5]),
        authority="SPEC; its documentation has the IoU",
    ),
    Divergence(
        "KH-025",
        "NMS",
        "areas of boxes that are infinite in single precision, or nothing, make an IoU that is no "
        "number: it is not over the threshold, and equal boxes stay side by side",
        areas_leave_reals(np.float32),
        witness(HALF, boxes=[[0, 0, 2**80, 2**80], [0, 0, 2**80, 2**80]], scores=[0.75, 0.5]),
        authority="SPEC; its documentation has the IoU",
    ),
    Divergence(
        "KH-022",
        "ThresholdMatcher",
        "without objects each anchor is negative, even if an IoU of 0 is not below the lower "
        "threshold",
        nothing_reaches_low,
        witness({"high": 0.5, "low": 0.0}, x=np.zeros((1, 0))),
        place=MATCHER,
        authority="SPEC, which makes the largest IoU over nothing 0",
    ),
    Divergence(
        "KH-013",
        "AnchorGrid",
        "ratios are those of height to width, and not of width to height: anchors that are asked "
        "to be wide are high",
        ratios_are_no_squares,
        _grid(32.0, 8.0, 1, 2.0),
        place=f"{CALLS}:anchors_by_documented_ratio",
        authority="its documentation: each number indicates the ratio of width to height",
    ),
    *(
        Divergence(
            f"KH-{number:03}",
            "ThresholdMatcher",
            "with objects, and without anchors, it raises",
            there_are_no_anchors,
            witness(config, x=np.zeros((0, 1))),
            place=f"{CALLS}:{name}",
        )
        for number, name, config in (
            (23, "box_matcher", {"high": 0.5}),
            (24, "retinanet_matches", {}),
        )
    ),
)

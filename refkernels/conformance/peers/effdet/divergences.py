"""Where effdet 0.4 differs, as ``refkernels check effdet`` found."""

import numpy as np

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.effdet.conditions import (
    areas_leave_int32,
    codes_are_scaled,
    eps_shows,
    forced_matches_go_astray,
    has_no_anchors,
    integers_wrap,
    is_half,
    is_unmatched_of_nothing,
    steps_round_in_half,
    uint8_wraps,
)

__all__ = ["DIVERGENCES"]

CALLS = "refkernels.conformance.peers.effdet.calls"

FORCED = {"low_quality": "truth", "ties": False, "winner": "first"}

CODED = {"x": [[0, 0, 0, 1]], "anchors": [[0, 0, 1, 1]]}

DIVERGENCES = (
    *(
        Divergence(
            f"ED-{number:03}",
            "ThresholdMatcher",
            f"{what}, an object that overlaps nothing takes the first anchor, whatever that is "
            "matched with",
            forced_matches_go_astray,
            witness({"high": 0.5, **FORCED}, x=[[0.0, 0.75]]),
            place=f"{CALLS}:{call}",
            authority="SPEC; its documentation says that each row is matched, and not by what",
        )
        for number, what, call in (
            (1, "where a match is forced for each row", "argmax_matcher"),
            (2, "of what anchors are labelled with", "label_anchors"),
        )
    ),
    Divergence(
        "ED-003",
        "BBoxBatchIOU",
        "of boxes in half precision, each step is rounded to that: areas from 65520 on are "
        "infinite, and the IoU of a box of 300 x 300 with itself is NaN",
        steps_round_in_half,
        witness({"eps": 0.0}, a=[[0, 0, 300, 300]], b=[[0, 0, 300, 300]]),
        "float16",
        place="effdet.soft_nms:pairwise_iou",
    ),
    Divergence(
        "ED-004",
        "NormalizedBoxCenterEncoder",
        "1e-7 is added to sides, which shows in boxes of normalised coordinates: a decoder does "
        "not find them again",
        eps_shows,
        witness(samples=[1], matches=[0], anchors=[[0, 0, 1, 1]], refs=[[0, 0, 0.001, 1]]),
        place=f"{CALLS}:regression_targets",
        authority="its documentation, whose formulas have no such number",
    ),
    Divergence(
        "ED-005",
        "NormalizedBoxCenterDecoder",
        "the codes that it is given are divided by the scale factors where they lie: a second "
        "call makes another box of them",
        codes_are_scaled,
        witness(**CODED),
        place=f"{CALLS}:box_coder_decode",
    ),
    Divergence(
        "ED-006",
        "NormalizedBoxCenterDecoder",
        "in half precision each step is rounded to that",
        is_half,
        witness({"stds": (1.0, 1.0, 1.0, 1.0)}, x=[[0, 0.04, 0, 0]], anchors=[[0, 0, 1, 1]]),
        "float16",
        place=f"{CALLS}:decode_box_outputs",
    ),
    Divergence(
        "ED-007",
        "NormalizedBoxCenterDecoder",
        "of integers, sums of anchors' corners and products of codes with sides are in their "
        "dtype, and wrap",
        integers_wrap,
        witness({"stds": (1.0, 1.0, 1.0, 1.0)}, x=[[52, 0, 0, 0]], anchors=[[0, 0, 5, 1]]),
        "uint8",
        place=f"{CALLS}:decode_box_outputs",
    ),
    Divergence(
        "ED-008",
        "BBoxBatchIOU",
        "of int32 boxes, areas and the sum of two are int32, and wrap from 2**31 on",
        areas_leave_int32,
        witness({"eps": 0.0}, a=[[0, 0, 65536, 32768]], b=[[0, 0, 65536, 16384]]),
        "int32",
        place="effdet.soft_nms:pairwise_iou",
    ),
    Divergence(
        "ED-009",
        "BBoxBatchIOU",
        "of uint8 boxes, areas and the sides of an intersection are uint8, and wrap: those that "
        "lie apart overlap then",
        uint8_wraps,
        witness({"eps": 0.0}, a=[[0, 0, 1, 1]], b=[[2, 0, 3, 1]]),
        "uint8",
        place="effdet.soft_nms:pairwise_iou",
        authority="its documentation, which promises IoUs",
    ),
    Divergence(
        "ED-010",
        "ThresholdMatcher",
        "where a match is forced for each row, and there are no anchors, it raises",
        has_no_anchors,
        witness({"high": 0.5, **FORCED}, x=np.zeros((0, 2))),
        place=f"{CALLS}:argmax_matcher",
    ),
    Divergence(
        "ED-011",
        "ThresholdMatcher",
        "where there are no objects, every anchor is unmatched, also at a lower threshold of 0",
        is_unmatched_of_nothing,
        witness({"high": 0.5, "low": 0.0}, x=np.zeros((1, 0))),
        place=f"{CALLS}:argmax_matcher",
    ),
)

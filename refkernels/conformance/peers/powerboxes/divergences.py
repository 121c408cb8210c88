"""Where powerboxes 0.3 differs, as ``refkernels check powerboxes`` found."""

import numpy as np

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.powerboxes.conditions import (
    areas_are_negative,
    areas_wrap,
    corners_wrap,
    double_decides,
    sides_are_odd,
    sort_is_unstable,
    sum_is_endless,
    sums_are_odd,
    sums_wrap,
    there_are_boxes,
    there_is_none,
)
from refkernels.conformance.peers.suppressing import areas_leave_reals

__all__ = ["DIVERGENCES"]

CALLS = "refkernels.conformance.peers.powerboxes.calls"
HALF = {"threshold": 0.5}
ROW = np.arange(24.0)[:, None] * [4, 0, 4, 0] + [0, 0, 1, 1]

DIVERGENCES = (
    Divergence(
        "PB-001",
        "BBoxArea",
        "of an array that is not contiguous it panics, with what is no Exception",
        there_are_boxes,
        witness(x=[[0, 0, 1, 1]]),
        modes=("strided",),
        authority="its documentation, which takes any array",
    ),
    Divergence(
        "PB-002",
        "BBoxArea",
        "the area of a box that is inverted in one direction is negative, and of one that is in "
        "both is that of any other",
        areas_are_negative,
        witness(x=[[0, 1, 1, 0]]),
    ),
    Divergence(
        "PB-003",
        "BBoxCornerToCenter",
        "a centre is half the sum of two corners: it is infinite where that is",
        sum_is_endless,
        witness(x=[[0, 2e38, 1, 3e38]]),
    ),
    Divergence(
        "PB-004",
        "BBoxCornerToCenter",
        "centres of boxes of integers are cut to integers",
        sums_are_odd,
        witness(x=[[0, 0, 1, 1]]),
        "int32",
        authority="SPEC; its documentation gives boxes in the dtype that they came in",
    ),
    Divergence(
        "PB-005",
        "BBoxCenterToCorner",
        "corners of boxes of integers are cut to integers",
        sides_are_odd,
        witness(x=[[0, 0, 1, 1]]),
        "int32",
        authority="SPEC; its documentation gives boxes in the dtype that they came in",
    ),
    *(
        divergence
        for first, name in ((6, "nms"), (10, "rtree_nms"))
        for divergence in (
            Divergence(
                f"PB-{first:03}",
                "NMS",
                "of an array that is not contiguous it panics, with what is no Exception",
                there_are_boxes,
                witness(HALF, boxes=[[0, 0, 1, 1]], scores=[0.5]),
                modes=("strided",),
                place=f"{CALLS}:{name}",
                authority="its documentation, which takes any array",
            ),
            Divergence(
                f"PB-{first + 1:03}",
                "NMS",
                "without boxes it panics, with what is no Exception",
                there_is_none,
                witness(HALF, boxes=np.zeros((0, 4)), scores=np.zeros(0)),
                place=f"{CALLS}:{name}",
            ),
            Divergence(
                f"PB-{first + 2:03}",
                "NMS",
                "of more than 20 boxes, those of equal scores come in any order",
                sort_is_unstable,
                witness(HALF, boxes=ROW, scores=[0.0] * 16 + [1.0] + [0.0] * 7),
                place=f"{CALLS}:{name}",
            ),
            Divergence(
                f"PB-{first + 3:03}",
                "NMS",
                "IoUs are computed, and compared with the threshold, in double precision, whatever "
                "the boxes are in",
                double_decides,
                witness(
                    {"threshold": 0.6},
                    boxes=[[0, 0, 1, 1], [0, 0, np.float32(0.6), 1]],
                    scores=[0.5, 0.25],
                ),
                place=f"{CALLS}:{name}",
                authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
            ),
        )
    ),
    Divergence(
        "PB-014",
        "BBoxArea",
        "areas of integers are computed in their dtype, and wrap: they may be negative",
        areas_wrap,
        witness(x=[[0, 0, 65536, 32768]]),
        "int32",
        authority="its documentation, which gives areas in float64",
    ),
    Divergence(
        "PB-015",
        "BBoxCornerToCenter",
        "sums of two corners are computed in the dtype of integers, and wrap",
        sums_wrap,
        witness(x=[[2, 2, 254, 254]]),
        "uint8",
        authority="its documentation, which takes any of these dtypes",
    ),
    Divergence(
        "PB-016",
        "BBoxCenterToCorner",
        "corners are computed in the dtype of integers, and wrap: unsigned ones below 0",
        corners_wrap,
        witness(x=[[0, 0, 2, 2]]),
        "uint8",
        authority="its documentation, which takes any of these dtypes",
    ),
    *(
        Divergence(
            f"PB-{number:03}",
            "NMS",
            "the areas of boxes that are infinite in double precision, or nothing, make an IoU "
            "that is no number: it is not over the threshold, and equal boxes stay side by side",
            areas_leave_reals(np.float64),
            witness(
                HALF, boxes=[[0, 0, 2**520, 2**520], [0, 0, 2**520, 2**520]], scores=[0.5, 0.25]
            ),
            "float64",
            place=f"{CALLS}:{name}",
        )
        for number, name in ((17, "nms"), (18, "rtree_nms"))
    ),
)

"""Where kornia 0.9 differs, as ``refkernels check kornia`` found."""

import numpy as np

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.kornia.conditions import (
    areas_are_of_products,
    corners_move,
    corners_round_in_half,
    dtypes_are_mixed,
    single_decides,
    sort_is_unstable,
    union_is_none,
)
from refkernels.conformance.peers.suppressing import areas_leave_reals

__all__ = ["DIVERGENCES"]

HALF = {"threshold": 0.5}
ROW = np.arange(24.0)[:, None] * [4, 0, 4, 0] + [0, 0, 1, 1]

DIVERGENCES = (
    Divergence(
        "KO-001",
        "BBoxBatchIOU",
        "of boxes in two dtypes, the areas of each are computed in its own",
        dtypes_are_mixed,
        witness(a=np.array([[0, 0, 1, 1]]), b=np.array([[0, 0, 3, 321.96]], np.float32)),
        "float64",
    ),
    Divergence(
        "KO-002",
        "BBoxBatchIOU",
        "of boxes by their centres in half precision, corners are rounded to that, and only then "
        "float32 is gone on with",
        corners_round_in_half,
        witness({"fmt": "center"}, a=[[0, 0, 1, 1]], b=[[0.5, 0, 0.0999755859375, 1]]),
        "float16",
    ),
    Divergence(
        "KO-003",
        "NMS",
        "of two boxes without extent the IoU is not a number, and the one of lower score is "
        "suppressed",
        union_is_none,
        witness(HALF, boxes=[[-1, -1, -1, -1], [-1, -1, -1, -1]], scores=[0.5, 0.25]),
    ),
    Divergence(
        "KO-004",
        "NMS",
        "of more than 16 boxes, those of equal scores come in any order",
        sort_is_unstable,
        witness(HALF, boxes=ROW, scores=[0.0] * 16 + [1.0] + [0.0] * 7),
    ),
    Divergence(
        "KO-005",
        "NMS",
        "a threshold is compared in single precision, also with the IoUs of boxes in half, and of "
        "integers",
        single_decides,
        witness(
            {"threshold": 0.3},
            boxes=[[0, 0, 1, 1], [0, 0, 0.300048828125, 1]],
            scores=[0.5, 0.25],
        ),
        "float16",
        authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
    ),
    Divergence(
        "KO-008",
        "NMS",
        "the areas of boxes that are infinite in their dtype, or nothing, make an IoU that is no "
        "number, by which the box of lower score is suppressed, also where the other is far larger",
        areas_leave_reals(not_a_number=True),
        witness(HALF, boxes=[[0, 0, 2**80, 2**80], [0, 0, 2**80, 2**78]], scores=[0.5, 0.25]),
        authority="its documentation, which has the IoU",
    ),
    Divergence(
        "KO-006",
        "BBoxArea",
        "an area is a sum of products of coordinates: far from the origin its digits are lost",
        areas_are_of_products,
        witness(x=[[4097, 4097, 4098, 4098]]),
        authority="its documentation, which promises the area",
    ),
    Divergence(
        "KO-007",
        "BBoxClipToImage",
        "the upper corner is held as the lower one with the side and 1 added: that takes digits of "
        "it, also where nothing is clipped",
        corners_move,
        witness(x=[[0, 0, 0.3, 1]], img=np.zeros((1, 4, 4))),
    ),
)

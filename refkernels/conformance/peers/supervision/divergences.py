"""Where supervision 0.31 differs, as ``refkernels check supervision`` found."""

import numpy as np

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.covering import covered_area_leaves_reals
from refkernels.conformance.peers.supervision.conditions import (
    area_is_small,
    is_double,
    order_is_flipped,
    single_decides,
)
from refkernels.conformance.peers.suppressing import areas_leave_reals

__all__ = ["DIVERGENCES"]

TIED = {"boxes": [[0, 0, 1, 1], [0, 0, 1, 1]], "scores": [0.25, 0.25]}
ON_IT = {"boxes": [[0, 0, 2, 1], [0, 0, 1, 2]], "scores": [0.5, 0.25]}

DIVERGENCES = (
    Divergence(
        "SV-001",
        "BBoxBatchIOU",
        "IoUs of boxes in double precision come in single, to which they are rounded",
        is_double,
        witness(a=[[0, 0, 1, 1]], b=[[0, 0, 1, 1]]),
        "float64",
        place="supervision:box_iou_batch",
        authority="SPEC; its documentation says so",
    ),
    Divergence(
        "SV-002",
        "BBoxBatchIOA",
        "the spacing of 1 is added to the area of a detection: it counts where that is below 2, as "
        "it is of normalised boxes",
        area_is_small,
        witness(a=[[0, 0, 0.125, 0.125]], b=[[0, 0, 1, 1]]),
        "float64",
    ),
    *(
        Divergence(
            f"SV-{number:03}",
            operator,
            "of boxes with equal scores the last may come first, and suppress the others",
            order_is_flipped,
            witness({"threshold": 0.5}, **TIED, **more),
        )
        for number, operator, more in (
            (3, "NMS", {}),
            (4, "BatchedNMS", {"labels": [0, 0]}),
        )
    ),
    *(
        Divergence(
            f"SV-{number:03}",
            operator,
            "an IoU in single precision is compared with a threshold in double: what is the "
            "threshold, as near as its dtype has it, may be over it",
            single_decides,
            witness({"threshold": 1 / 3}, **ON_IT, **more),
            authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
        )
        for number, operator, more in (
            (5, "NMS", {}),
            (6, "BatchedNMS", {"labels": [0, 0]}),
        )
    ),
    Divergence(
        "SV-007",
        "BBoxBatchIOA",
        "an area that is infinite in double precision is divided by itself: the share of a box "
        "that is covered by an equal one is not a number",
        covered_area_leaves_reals,
        witness(a=[[0, 0, 2**520, 2**520]], b=[[0, 0, 2**520, 2**520]]),
        "float64",
    ),
    *(
        Divergence(
            f"SV-{number:03}",
            operator,
            "the areas of boxes that are infinite in double precision, or nothing, make an IoU "
            "that is no number: it is not over the threshold, and equal boxes stay side by side",
            areas_leave_reals(np.float64),
            witness(
                {"threshold": 0.5},
                boxes=[[0, 0, 2**520, 2**520], [0, 0, 2**520, 2**520]],
                scores=[0.5, 0.25],
                **more,
            ),
            "float64",
        )
        for number, operator, more in (
            (8, "NMS", {}),
            (9, "BatchedNMS", {"labels": [0, 0]}),
        )
    ),
)

"""Where transformers 5.24 differs, as ``refkernels check transformers`` found."""

import numpy as np

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.enclosing import enclosing_leaves_reals
from refkernels.conformance.peers.transformers.conditions import (
    area_leaves_int32,
    boxes_are_of_single,
    centres_leave_the_dtype,
    distances_leave_integers,
    enclosing_leaves_int32,
    enclosing_leaves_uint8,
    enclosing_rounds_in_half,
    has_labels,
    has_no_predictions,
    has_no_union,
    inter_leaves_uint8,
    inter_rounds_in_half,
    one_point_is_sampled,
    pairs_have_no_union,
    steps_round_in_half,
    surely_right_in_half,
    union_leaves_int32,
)

__all__ = ["DIVERGENCES"]

TRANSFORMS = "transformers.image_transforms"
CALLS = "refkernels.conformance.peers.transformers.calls"

EMPTY = {"logits": [[0]], "boxes": [[0, 0, 0, 0]], "labels": [0], "truths": [[0, 0, 0, 0]]}
ONE = {"logits": [[0]], "boxes": [[0, 0, 1, 1]], "labels": [0], "truths": [[0, 0, 1, 1]]}
THIRD = {**ONE, "boxes": [[0, 0, 1, 1.1]]}
SURE = {**ONE, "logits": [[20]]}
FOCAL = {"kind": "focal", "alpha": 0.25, "gamma": 2.0, "eps": 1e-8}

DOCUMENTED = (
    "SPEC; its documentation says that pairs whose cost is NaN come last, and calls their boxes "
    "invalid"
)

DIVERGENCES = (
    Divergence(
        "HF-001",
        "BBoxArea",
        "the area of int32 boxes is an int32, and wraps from 2**31 on: it may be negative",
        area_leaves_int32,
        witness(x=[[0, 0, 65536, 32768]]),
        "int32",
    ),
    Divergence(
        "HF-002",
        "BBoxBatchIOU",
        "of boxes in half precision, the intersection is rounded to that, and is infinite from "
        "65520 on: the IoU of a box of 300 x 300 with itself is NaN",
        inter_rounds_in_half,
        witness({"eps": 0.0}, a=[[0, 0, 300, 300]], b=[[0, 0, 300, 300]]),
        "float16",
    ),
    Divergence(
        "HF-003",
        "BBoxBatchIOU",
        "of two boxes without extent the IoU is NaN",
        has_no_union,
        witness({"eps": 0.0}, a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
    ),
    Divergence(
        "HF-004",
        "BBoxBatchIOU",
        "of int32 boxes, areas and intersection are int32, and wrap from 2**31 on",
        union_leaves_int32,
        witness({"eps": 0.0}, a=[[0, 0, 65536, 32768]], b=[[0, 0, 65536, 16384]]),
        "int32",
    ),
    Divergence(
        "HF-005",
        "BBoxBatchIOU",
        "of uint8 boxes, the intersection is a uint8, and so are its sides, which wrap where boxes "
        "lie apart",
        inter_leaves_uint8,
        witness({"eps": 0.0}, a=[[0, 0, 1, 1]], b=[[2, 2, 3, 3]]),
        "uint8",
    ),
    Divergence(
        "HF-006",
        "BBoxBatchGIOU",
        "of boxes in half precision, the intersection and the area of the box around both are "
        "rounded to that, and are infinite from 65520 on: the GIoU of a box of 300 x 300 with "
        "itself is NaN",
        enclosing_rounds_in_half,
        witness(a=[[0, 0, 300, 300]], b=[[0, 0, 300, 300]]),
        "float16",
    ),
    Divergence(
        "HF-007",
        "BBoxBatchGIOU",
        "of two boxes without extent the GIoU is NaN; what checks for them lets them pass",
        has_no_union,
        witness(a=[[0, 0, 0, 0]], b=[[0, 0, 0, 0]]),
    ),
    Divergence(
        "HF-008",
        "BBoxBatchGIOU",
        "of int32 boxes, areas are int32, that of the box around both too, and wrap from 2**31 on",
        enclosing_leaves_int32,
        witness(a=[[0, 0, 1, 1]], b=[[0, 1, 25201, 86958]]),
        "int32",
    ),
    Divergence(
        "HF-030",
        "BBoxBatchGIOU",
        "areas that are infinite in the dtype of the boxes make the GIoU no number",
        enclosing_leaves_reals,
        witness(a=[[0, 0, 2**80, 2**80]], b=[[0, 0, 2**80, 2**80]]),
    ),
    Divergence(
        "HF-009",
        "BBoxBatchGIOU",
        "of uint8 boxes, the intersection and the area of the box around both are uint8: they wrap "
        "from 256 on, and the result leaves [-1, 1]",
        enclosing_leaves_uint8,
        witness(a=[[0, 0, 1, 1]], b=[[2, 2, 3, 3]]),
        "uint8",
        authority="its documentation, which promises a generalised IoU",
    ),
    *(
        Divergence(
            f"HF-{number:03}",
            "BBoxCornerToCenter",
            "coordinates are added before they are halved: the sum may be too large for their "
            "dtype, and the centre is infinite then, or of integers another one",
            centres_leave_the_dtype,
            witness(x=[[0, 40000, 1, 50000]]),
            "float16",
            place=place,
        )
        for number, place in (
            (10, f"{TRANSFORMS}:corners_to_center_format"),
            (11, f"{CALLS}:corners_to_center_numpy"),
        )
    ),
    *(
        Divergence(
            f"HF-{number:03}",
            "DETRCost",
            f"in {model}, a pair of boxes without extent costs the largest number there is, "
            "whatever its class: its GIoU is NaN",
            pairs_have_no_union,
            witness(config, **EMPTY),
            place=f"{CALLS}:{call}_cost",
            authority=DOCUMENTED,
        )
        for number, model, call, config in (
            (12, "DETR", "detr", {"kind": "softmax"}),
            (13, "Deformable DETR", "deformable_detr", FOCAL),
            (14, "RT-DETR", "rt_detr", {"eps": 1e-8}),
            (15, "Grounding DINO", "grounding_dino", FOCAL),
            (16, "LW-DETR", "lw_detr", FOCAL),
            (17, "RF-DETR", "rf_detr", FOCAL),
        )
    ),
    Divergence(
        "HF-018",
        "DETRCost",
        "where PyTorch picks dtypes, costs of classes go through a product of matrices, and are "
        "rounded to bfloat16 by it",
        has_labels,
        witness(FOCAL, **ONE),
        modes=("autocast",),
        place=f"{CALLS}:grounding_dino_cost",
    ),
    Divergence(
        "HF-019",
        "DETRCost",
        "in LW-DETR, boxes in double precision are rounded to single",
        boxes_are_of_single,
        witness(FOCAL, **THIRD),
        "float64",
        place=f"{CALLS}:lw_detr_cost",
    ),
    Divergence(
        "HF-020",
        "DETRCost",
        "in LW-DETR, a prediction in half precision that is sure of the right class costs the "
        "largest number there is: its score is 1, what is added before the logarithm is 0, and "
        "the cost of minus infinity is replaced",
        surely_right_in_half,
        witness(FOCAL, **SURE),
        "float16",
        place=f"{CALLS}:lw_detr_cost",
        authority="SPEC; the paper's cost, which is least for such a prediction",
    ),
    Divergence(
        "HF-021",
        "DETRCost",
        "in LW-DETR, in half precision each step is rounded to that",
        steps_round_in_half,
        witness({**FOCAL, "l1_weight": 0.0}, **{**ONE, "logits": [[1]], "boxes": [[1, 0, 1, 1]]}),
        "float16",
        place=f"{CALLS}:lw_detr_cost",
    ),
    *(
        Divergence(
            f"HF-{number:03}",
            "HungarianMatcher",
            f"{model} cannot match where nothing is predicted: it raises",
            has_no_predictions,
            witness(cost=np.zeros((0, 1))),
            place=f"{CALLS}:{call}_matches",
        )
        for number, model, call in (
            (22, "DETR", "detr"),
            (23, "Deformable DETR", "deformable_detr"),
            (24, "RT-DETR", "rt_detr"),
            (25, "Grounding DINO", "grounding_dino"),
            (26, "LW-DETR", "lw_detr"),
            (27, "OneFormer", "oneformer"),
        )
    ),
    Divergence(
        "HF-028",
        "DETRCost",
        "RF-DETR samples as many points of masks as a quarter of the predictions, whatever size "
        "masks have; for a batch of 4 to 7 that is one, which it cannot do: it raises",
        one_point_is_sampled,
        witness(
            FOCAL, logits=[[0]] * 4, boxes=[[0, 0, 1, 1]] * 4, labels=[0], truths=[[0, 0, 1, 1]]
        ),
        place=f"{CALLS}:rf_detr_cost",
    ),
    Divergence(
        "HF-029",
        "DETRCost",
        "in LW-DETR, the L1 distance of uint8 boxes is made a uint8: from 256 on it wraps",
        distances_leave_integers,
        witness(FOCAL, **{**ONE, "truths": [[0, 0, 200, 200]]}),
        "uint8",
        place=f"{CALLS}:lw_detr_cost",
    ),
)

"""Where the coders, anchors, heat maps and costs of mmdet 3.3 differ."""

import numpy as np

from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.mmdet import conditions as when
from refkernels.conformance.peers.mmdet import overlaps

__all__ = ["VALUES"]

CALLS = "refkernels.conformance.peers.mmdet.calls"

SQUARE = [[0, 0, 1, 1]]

CODERS = (
    Divergence(
        "MM-050",
        "NormalizedBoxCenterEncoder",
        "deltas of double precision are computed, and returned, in single precision",
        when.is_double,
        witness(samples=[1.0], matches=[0.0], anchors=SQUARE, refs=[[0, 0, 1, 1 + 2.0**-40]]),
        "float64",
    ),
    Divergence(
        "MM-051",
        "NormalizedBoxCenterDecoder",
        "in half precision each step is rounded to that",
        when.is_half,
        witness(x=[[0, 0, 1, 0]], anchors=SQUARE),
        "float16",
    ),
    *(
        Divergence(
            id,
            operator,
            "of integers, coordinates are such integers, and wrap",
            overlaps.distances_leave_integers,
            witness(points=[[0, 2]], **{name: [[0, 0, 1, 1] if name == "boxes" else [1, 0, 0, 0]]}),
            "uint8",
            place=f"mmdet.models.task_modules.coders:DistancePointBBoxCoder.{method}",
        )
        for id, operator, method, name in (
            ("MM-052", "DistanceEncoder", "encode", "boxes"),
            ("MM-053", "DistanceDecoder", "decode", "distances"),
        )
    ),
    *(
        Divergence(
            id,
            operator,
            "in half precision each step is rounded to that",
            when.is_half,
            case,
            "float16",
            place=f"{CALLS}.places:{name}",
        )
        for id, operator, name, case in (
            (
                "MM-054",
                "DistanceEncoder",
                "tblr_encode",
                witness(
                    {"normalize": True}, points=[[0, -18]], boxes=SQUARE, sizes=[[1.0, 481.75]]
                ),
            ),
            (
                "MM-055",
                "DistanceDecoder",
                "tblr_decode",
                witness(
                    {"normalize": True}, points=[[87, 0]], distances=[[0.0] * 4], sizes=[[850.5, 1]]
                ),
            ),
        )
    ),
)


def _grid(**config: object) -> Case:
    return Case(
        {"stride": 1.0, "dtype": "float64", "rounded": False, **config},
        {"height": np.array(1), "width": np.array(1)},
    )


GRIDS = tuple(
    Divergence(
        id,
        "AnchorGrid",
        "anchors in double precision have sides that were computed in single precision",
        when.cells_are_of_single,
        _grid(sizes=(33.00000023841858,), ratios=(1.0,), **config),
        place=f"{CALLS}.places:{name}",
    )
    for id, name, config in (
        ("MM-060", "anchor_grid", {"offset": 0.0}),
        ("MM-061", "yolo_anchor_grid", {"offset": 0.5, "order": "ratio"}),
    )
)

UNDER_AUTOCAST = tuple(
    Divergence(
        id,
        "AnchorGrid",
        "under autocast on a CPU it raises in float16, of which PyTorch stacks no tensors then",
        when.is_of_float16,
        _grid(sizes=(1.0,), ratios=(1.0,), dtype="float16", **config),
        modes=("autocast",),
        place=f"{CALLS}.places:{name}",
    )
    for id, name, config in (
        ("MM-062", "anchor_grid", {"offset": 0.0}),
        ("MM-063", "yolo_anchor_grid", {"offset": 0.5, "order": "ratio"}),
    )
)

IN_HALF = (
    Divergence(
        "MM-064",
        "AnchorGrid",
        "in float16 the anchors of a cell are rounded before they are moved",
        when.cells_are_rounded_first,
        Case(
            {
                "sizes": (2.0, 1.0),
                "ratios": (1.0, 2.0),
                "stride": 1.0,
                "dtype": "float16",
                "offset": 0.5,
                "rounded": False,
            },
            {"height": np.array(2), "width": np.array(1)},
        ),
        place=f"{CALLS}.places:anchor_grid",
    ),
)

CENTRES = (
    Divergence(
        "MM-069",
        "CenterHeatmapEncoder",
        "in half precision areas from 65,520 cells on overflow, and each step is rounded",
        when.is_half,
        witness(
            {"num_class": 1, "size": (41, 20)}, boxes=[[0, -14, 157, 341]], labels=np.array([0])
        ),
        "float16",
    ),
    Divergence(
        "MM-070",
        "CenterHeatmapEncoder",
        "a box whose centre is beside the map raises, or counts from the other end",
        when.centres_leave_the_map,
        witness({"num_class": 1, "size": (1, 1)}, boxes=[[4, 0, 8, 1]], labels=np.array([0])),
    ),
    Divergence(
        "MM-071",
        "CenterHeatmapEncoder",
        "a box without extent has a centre on the map all the same",
        when.some_have_no_extent,
        witness({"num_class": 1, "size": (1, 1)}, boxes=[[1, 1, 1, 1]], labels=np.array([0])),
    ),
    Divergence(
        "MM-072",
        "CenterHeatmapEncoder",
        "of several boxes with their centres in one cell, the last stays",
        when.last_of_a_cell_differs,
        witness(
            {"num_class": 1, "size": (1, 1)},
            boxes=[[0, 0, 1, 1], [0, 0, 1, 0.5]],
            labels=np.array([0, 0]),
        ),
    ),
    Divergence(
        "MM-073",
        "CenterNetDecoder",
        "of equal scores, any come first",
        when.ties_in_peaks,
        witness(
            {"topk": 1},
            x=np.zeros((1, 1, 4, 4)),
            wh=np.zeros((1, 2, 4, 4)),
            reg=np.zeros((1, 2, 4, 4)),
        ),
    ),
)

COSTS = (
    Divergence(
        "MM-082",
        "SimOTACost",
        "of scores in double precision the cross entropy is computed in single precision",
        when.is_double,
        witness(scores=[[0.3]], labels=np.array([0]), ious=[[0.5]], inside=np.ones((1, 1), bool)),
        "float64",
    ),
    Divergence(
        "MM-083",
        "SimOTACost",
        "in half precision each step is rounded to that",
        when.is_half,
        witness(scores=[[0.3]], labels=np.array([0]), ious=[[0.0]], inside=np.ones((1, 1), bool)),
        "float16",
    ),
    Divergence(
        "MM-084",
        "TaskAlignedMetric",
        "in float16 the assigner raises, for what stands for infinity is no float16; in bfloat16 "
        "each step is rounded to that",
        when.is_half,
        witness(scores=[[0.5], [0.5]], labels=np.array([0]), ious=[[0.5], [0.5]]),
        "float16",
    ),
    *(
        Divergence(
            id,
            "DETRCost",
            "in half precision each step is rounded to that",
            when.is_half,
            witness(
                {"kind": kind, "class_weight": 4.0, "l1_weight": 0.0, "giou_weight": 0.0},
                logits=logits,
                boxes=[[0.5, 0.5, 1, 1]],
                labels=np.array([0]),
                truths=[[0.5, 0.5, 1, 1]],
            ),
            "float16",
            place=f"{CALLS}.places:{name}",
        )
        for id, name, kind, logits in (
            ("MM-085", "classification_cost", "softmax", [[-1.0, 9.9375]]),
            ("MM-086", "focal_cost", "focal", [[1.0]]),
        )
    ),
    Divergence(
        "MM-080",
        "CenterDistance",
        "in half precision each step is rounded to that: distances from 256 on are infinite",
        overlaps.distances_round_in_half,
        witness(a=[[0, 0, 1, 1]], b=[[0, 0, 1, 513]]),
        "float16",
    ),
    Divergence(
        "MM-087",
        "CenterDistance",
        "of integers, sums of corners are such integers, and wrap",
        overlaps.centres_leave_integers,
        witness(a=SQUARE, b=[[7, 0, 249, 1]]),
        "uint8",
    ),
    Divergence(
        "MM-081",
        "InsideMask",
        "of integers, distances are such integers: uint8 points beside a box are inside",
        overlaps.places_leave_integers,
        witness(points=[[2, 1]], boxes=[[0, 0, 1, 2]]),
        "uint8",
    ),
)

VALUES = (*CODERS, *GRIDS, *UNDER_AUTOCAST, *IN_HALF, *CENTRES, *COSTS)

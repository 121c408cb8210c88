"""What of mmdet 3.3 is which operator, and where it differs.

Its docstrings speak of tensors, not of tensors of several dtypes: where these meet, nothing is
offered.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.conformance.peers.mmdet.divergences import DIVERGENCES
from refkernels.conformance.peers.mmdet.offered import (
    BATCHES,
    LABELLED,
    ONE_DTYPE,
    REALS,
    STRIPS,
    are_below_one,
    are_of_single,
    are_overlaps,
    are_priors,
    are_sums_of_ious,
    has_exact_centres,
    has_images,
    has_low_quality,
    have_centres,
    have_powers,
)
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

CALLS = "refkernels.conformance.peers.mmdet.calls"
BOX = "mmdet.structures.bbox"
TASKS = "mmdet.models.task_modules"

# What an assigner returns: ground truths from 1, 0 for none, and -1 for neither.
ASSIGNED: dict[str, Any] = {"first": 1, "unmatched": 0, "ignored": -1, "images": "one"}

CORNERS = {"fmt": "corner", "axis": -1}


def _overlaps(mode: str, **fixed: Any) -> Representation:
    """Return how it is called where the operator has no eps: with its own."""
    return Representation(fixed={**CORNERS, **fixed}, given={"mode": mode}, widens=True)


PEER = Peer(
    "mmdet",
    "3.3",
    (
        Binding(
            f"{BOX}:bbox_overlaps",
            "BBoxBatchIOU",
            Representation(
                parameters={"eps": "eps"},
                fixed={**CORNERS, "offset": 0},
                given={"mode": "iou"},
                widens=True,
            ),
            BATCHES,
        ),
        Binding(f"{BOX}:bbox_overlaps", "BBoxBatchIOA", _overlaps("iof", offset=0), BATCHES),
        Binding(f"{BOX}:bbox_overlaps", "BBoxBatchGIOU", _overlaps("giou"), BATCHES),
        Binding(
            f"{CALLS}.places:aligned_overlaps",
            "BBoxBatchIOU",
            Representation(
                parameters={"eps": "eps"},
                fixed={**CORNERS, "offset": 0},
                given={"mode": "iou"},
                aligned=True,
                widens=True,
            ),
            ONE_DTYPE,
        ),
        Binding(
            f"{CALLS}.places:aligned_overlaps",
            "BBoxBatchGIOU",
            Representation(fixed=CORNERS, given={"mode": "giou"}, aligned=True, widens=True),
            ONE_DTYPE,
        ),
        Binding(
            f"{TASKS}.assigners.iou2d_calculator:BboxOverlaps2D_GLIP",
            "BBoxBatchIOU",
            Representation(fixed={**CORNERS, "offset": 1, "eps": 0}, images="one", widens=True),
            ONE_DTYPE,
        ),
        Binding(
            f"{BOX}:bbox_xyxy_to_cxcywh",
            "BBoxCornerToCenter",
            Representation(fixed={"axis": -1, "split": False}),
        ),
        Binding(
            f"{BOX}:bbox_cxcywh_to_xyxy",
            "BBoxCenterToCorner",
            Representation(fixed={"axis": -1, "split": False}),
        ),
        Binding(
            f"{CALLS}.places:box_areas", "BBoxArea", Representation(fixed=CORNERS, squeezed=True)
        ),
        Binding(
            f"{CALLS}.places:clipped_boxes",
            "BBoxClipToImage",
            Representation(inputs=("x", "img.size")),
        ),
        Binding(
            f"{CALLS}.matchers:max_iou_matches",
            "ThresholdMatcher",
            Representation(
                parameters={
                    "high": "pos_iou_thr",
                    "low": "neg_iou_thr",
                    "low_quality": "match_low_quality",
                    "min_quality": "min_pos_iou",
                    "ties": "gt_max_assign_all",
                },
                values={"low_quality": {None: False, "truth": True}},
                fixed={"winner": "last"},
                transposed=True,
                **ASSIGNED,
            ),
            offers(inputs=are_overlaps, config=has_low_quality),
        ),
        Binding(
            f"{CALLS}.matchers:atss_matches",
            "ATSSMatcher",
            Representation(fixed={"ddof": 1}, **ASSIGNED),
            STRIPS,
        ),
        *(
            Binding(
                f"{CALLS}.matchers:{name}",
                "SimOTAMatcher",
                Representation(fixed={"conflict": "all"}, images="one"),
                offers(inputs=are_sums_of_ious),
            )
            for name in ("dynamic_k_matches", "soft_label_matches")
        ),
        Binding(
            f"{CALLS}.matchers:task_aligned_matches",
            "TaskAlignedMatcher",
            Representation(
                fixed={"conflict": "selected", "inside_first": False, "positive": True},
                **ASSIGNED,
            ),
            STRIPS,
        ),
        Binding(
            f"{CALLS}.matchers:hungarian_matches", "HungarianMatcher", Representation(**ASSIGNED)
        ),
        Binding(
            f"{CALLS}.heads:fcos_matches",
            "PointMatcher",
            Representation(fixed={"inclusive": True}, images="one"),
            offers(dtypes=REALS, mixed=False),
        ),
        Binding(
            f"{CALLS}.samplers:random_sampler",
            "BalancedSampler",
            Representation(
                parameters={"num_sample": "num", "pos_ratio": "pos_fraction"}, images="one"
            ),
        ),
        Binding(
            f"{CALLS}.samplers:pseudo_sampler",
            "NaiveSampler",
            Representation(**ASSIGNED),
        ),
        Binding(
            f"{CALLS}.samplers:ohem_sampler",
            "OHEMSampler",
            # At least as many negatives as one positive has.
            Representation(
                fixed={"ratio": 3.0, "min_samples": 3, "thresh": 1.0},
                given={"neg_pos_ub": 3},
                inputs=("matches", "logits"),
                **ASSIGNED,
            ),
            offers(inputs=are_below_one, dtypes=REALS, mixed=False),
        ),
        Binding(
            f"{TASKS}.coders:DeltaXYWHBBoxCoder.encode",
            "NormalizedBoxCenterEncoder",
            Representation(
                parameters={"stds": "target_stds", "means": "target_means"},
                inputs=("anchors", "refs"),
                outputs=("targets",),
                aligned=True,
                widens=True,
            ),
            ONE_DTYPE,
        ),
        Binding(
            f"{TASKS}.coders:DeltaXYWHBBoxCoder.decode",
            "NormalizedBoxCenterDecoder",
            Representation(
                parameters={"stds": "target_stds", "means": "target_means"},
                fixed={
                    "convert_anchor": True,
                    "clip": float(np.abs(np.log(16 / 1000))),
                    "clip_low": -float(np.abs(np.log(16 / 1000))),
                },
                inputs=("anchors", "x"),
            ),
            replace(BATCHES, dtypes=REALS),
        ),
        Binding(
            f"{TASKS}.coders:DistancePointBBoxCoder.encode",
            "DistanceEncoder",
            Representation(fixed={"normalize": False}, images="one"),
        ),
        Binding(
            f"{TASKS}.coders:DistancePointBBoxCoder.decode",
            "DistanceDecoder",
            Representation(fixed={"normalize": False}, images="one"),
        ),
        Binding(
            f"{CALLS}.places:tblr_encode",
            "DistanceEncoder",
            Representation(fixed={"normalize": True}, images="one"),
            offers(inputs=are_priors, mixed=False),
        ),
        Binding(
            f"{CALLS}.places:tblr_decode",
            "DistanceDecoder",
            Representation(fixed={"normalize": True}, images="one"),
            offers(inputs=are_priors, mixed=False),
        ),
        Binding(
            f"{CALLS}.places:anchor_grid",
            "AnchorGrid",
            Representation(parameters={"offset": "offset"}, fixed={"rounded": False}),
            offers(config=has_exact_centres),
        ),
        Binding(
            f"{CALLS}.places:yolo_anchor_grid",
            "AnchorGrid",
            Representation(
                fixed={"ratios": (1.0,), "offset": 0.5, "rounded": False, "order": "ratio"}
            ),
            offers(config=are_of_single),
        ),
        Binding(
            f"{CALLS}.heads:center_targets",
            "CenterHeatmapEncoder",
            Representation(fixed={"min_overlap": 0.3, "ceil": False}),
            offers(inputs=has_images, dtypes=REALS),
        ),
        Binding(
            f"{CALLS}.heads:center_boxes",
            "CenterNetDecoder",
            Representation(widens=True),
            ONE_DTYPE,
        ),
        Binding(
            f"{TASKS}.assigners.atss_assigner:bbox_center_distance",
            "CenterDistance",
            Representation(fixed=CORNERS, inputs=("b", "a"), images="one"),
            ONE_DTYPE,
        ),
        Binding(
            f"{CALLS}.places:inside_boxes",
            "InsideMask",
            Representation(fixed={"margin": 0.0, "fmt": "corner"}, images="one"),
            offers(inputs=have_centres, mixed=False),
        ),
        Binding(
            f"{CALLS}.places:simota_cost",
            "SimOTACost",
            Representation(fixed={"eps": 1e-7, "penalty": 1e5}, images="one", widens=True),
            LABELLED,
        ),
        Binding(
            f"{CALLS}.places:task_aligned_metric",
            "TaskAlignedMetric",
            Representation(images="one"),
            replace(LABELLED, inputs=have_powers),
        ),
        Binding(
            f"{CALLS}.places:classification_cost",
            "DETRCost",
            Representation(
                fixed={"l1_weight": 0.0, "giou_weight": 0.0, "kind": "softmax"},
                inputs=("logits", "labels"),
                images="one",
            ),
            LABELLED,
        ),
        Binding(
            f"{CALLS}.places:focal_cost",
            "DETRCost",
            Representation(
                parameters={"eps": "eps"},
                fixed={"l1_weight": 0.0, "giou_weight": 0.0, "kind": "focal"},
                inputs=("logits", "labels"),
                images="one",
            ),
            LABELLED,
        ),
        Binding(
            f"{CALLS}.places:bbox_l1_cost",
            "DETRCost",
            Representation(
                fixed={"class_weight": 0.0, "giou_weight": 0.0},
                inputs=("boxes", "truths"),
                images="one",
            ),
            ONE_DTYPE,
        ),
    ),
    divergences=DIVERGENCES,
    install="mmdet mmengine mmcv",
)

"""What of mmdet 3.3 is which operator, and where it differs.

Its docstrings speak of tensors, not of tensors of several dtypes: where these meet, nothing is
offered.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.mmdet.divergences import DIVERGENCES
from refkernels.conformance.peers.peer import Peer
from refkernels.conformance.targets.bound import Binding
from refkernels.conformance.targets.offering import Offers, offers
from refkernels.conformance.targets.representation import Representation

__all__ = ["PEER"]

CALLS = "refkernels.conformance.peers.mmdet.calls"
BOX = "mmdet.structures.bbox"
TASKS = "mmdet.models.task_modules"

# What an assigner returns: ground truths from 1, 0 for none, and -1 for neither.
ASSIGNED: dict[str, Any] = {"first": 1, "unmatched": 0, "ignored": -1, "images": "one"}

REALS = ("float16", "float32", "float64", "bfloat16")

CORNERS = {"fmt": "corner", "axis": -1}


def _overlaps(mode: str, **fixed: Any) -> Representation:
    """Return how it is called where the operator has no eps: with its own."""
    return Representation(fixed={**CORNERS, **fixed}, given={"mode": mode}, widens=True)


def _same_batch(case: Case) -> bool:
    """Return whether all inputs have as many images, which mmdet asks for."""
    return len({array.shape[:-2] for array in case.inputs.values()}) == 1


BATCHES = Offers(case=_same_batch, mixed=False)


def _overlap_at_most(inputs: Mapping[str, Array]) -> bool:
    """Return whether these are overlaps; those below 0 mark anchors to be ignored."""
    return bool((inputs["x"] >= 0).all())


def _has_low_quality(config: Mapping[str, Any]) -> bool:
    """Return whether anchors of low quality get the ground truth whose best they are, or none."""
    return config.get("low_quality") in (None, "truth")


def _are_strips(inputs: Mapping[str, Array]) -> bool:
    """Return whether boxes can be laid out such that points are inside of them as masks say."""
    inside = inputs["inside"]
    if inside.shape[-1] <= 4:
        return True
    for image in inside.reshape(-1, *inside.shape[-2:]):
        own = {tuple(column) for column in image.T.tolist() if len(set(column)) > 1}
        if len(own) > 4:
            return False
    return True


STRIPS = offers(inputs=_are_strips, mixed=False)


def _has_pairs(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are pairs, without which ``assign`` is done before the method."""
    valid = inputs.get("valid")
    return inputs["cost"].size > 0 and (valid is None or bool(valid.any(-1).all()))


ONE_DTYPE = offers(mixed=False)


def _are_sums_of_ious(inputs: Mapping[str, Array]) -> bool:
    return _has_pairs(inputs) and bool((inputs["ious"] <= 1).all())


def _overlap_less(inputs: Mapping[str, Array]) -> bool:
    """Return whether no IoU is 1, so that all that is not matched is a negative."""
    return bool((inputs["ious"] < 1).all())


def _are_priors(inputs: Mapping[str, Array]) -> bool:
    """Return whether points can be the centres of priors of these sizes, exactly."""
    points, half = (np.float64(inputs[name]) for name in ("points", "sizes"))
    half = half / 2
    low, high = (points + sign * half for sign in (-1, 1))
    return all(
        bool((x.astype(np.float32) == x).all()) for x in (low, high, low + high, high - low)
    ) and bool((high - low == 2 * half).all() and (low + high == 2 * points).all())


def _are_of_single(config: Mapping[str, Any]) -> bool:
    """Return whether parameters are numbers of single precision, or nothing is computed in that."""
    own = np.array([*config["sizes"], *np.broadcast_to(config["stride"], 2)], np.float64)
    return config.get("dtype") == "float64" or bool((own.astype(np.float32) == own).all())


def _has_exact_centres(config: Mapping[str, Any]) -> bool:
    """Return whether the centre of a cell is told exactly: a corner of it, or half a stride."""
    return config.get("offset", 0.5) in (0, 0.5) and _are_of_single(config)


def _have_centres(inputs: Mapping[str, Array]) -> bool:
    """Return whether there are boxes, and the sums of their corners in their dtype."""
    boxes = inputs["boxes"]
    with np.errstate(over="ignore"):
        return boxes.size > 0 and bool(np.isfinite(boxes[..., :2] + boxes[..., 2:]).all())


def _has_images(inputs: Mapping[str, Array]) -> bool:
    return inputs["boxes"].ndim < 3 or len(inputs["boxes"]) > 0


def _have_classes(inputs: Mapping[str, Array]) -> bool:
    return bool((inputs["labels"] >= 0).all())


LABELLED = offers(inputs=_have_classes, dtypes=REALS, mixed=False)

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
            offers(inputs=_overlap_at_most, config=_has_low_quality),
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
                offers(inputs=_are_sums_of_ious),
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
            offers(inputs=_overlap_less, dtypes=REALS, mixed=False),
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
            offers(inputs=_are_priors, mixed=False),
        ),
        Binding(
            f"{CALLS}.places:tblr_decode",
            "DistanceDecoder",
            Representation(fixed={"normalize": True}, images="one"),
            offers(inputs=_are_priors, mixed=False),
        ),
        Binding(
            f"{CALLS}.places:anchor_grid",
            "AnchorGrid",
            Representation(parameters={"offset": "offset"}, fixed={"rounded": False}),
            offers(config=_has_exact_centres),
        ),
        Binding(
            f"{CALLS}.places:yolo_anchor_grid",
            "AnchorGrid",
            Representation(
                fixed={"ratios": (1.0,), "offset": 0.5, "rounded": False, "order": "ratio"}
            ),
            offers(config=_are_of_single),
        ),
        Binding(
            f"{CALLS}.heads:center_targets",
            "CenterHeatmapEncoder",
            Representation(fixed={"min_overlap": 0.3, "ceil": False}),
            offers(inputs=_has_images, dtypes=REALS),
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
            offers(inputs=_have_centres, mixed=False),
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
            LABELLED,
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

"""Where ultralytics 8.4 differs, as ``refkernels check ultralytics`` found."""

from typing import Any

import numpy as np

from refkernels.conformance.model.case import Case
from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.peers.suppressing import areas_leave_reals
from refkernels.conformance.peers.ultralytics.boxes import BOXES, CALLS
from refkernels.conformance.peers.ultralytics.conditions import (
    is_double,
    metric_rounds_in_half,
    power_of_subnormal,
)
from refkernels.conformance.peers.ultralytics.decisions import (
    another_truth_is_first,
    are_six,
    are_too_few,
    cost_leaves_single,
    eps_counts_in_cost,
    giou_is_small_beside_1,
    is_in_between,
    offsets_decide,
    sides_move,
    suppressed_otherwise,
    ties_at_the_last_place,
    ties_come_as_they_like,
    truths_round_in_half,
    zeros_fill_up,
)

__all__ = ["DIVERGENCES"]


def _of_truth(metric: Any, ious: Any, inside: Any, **config: Any) -> Case:
    case = witness(config, metric=metric, ious=ious)
    return Case(case.config, {**case.inputs, "inside": np.array(inside, bool)})


def _cost(logits: Any, boxes: Any, truths: Any, **config: Any) -> Case:
    case = witness(config, logits=logits, boxes=boxes)
    labels = {"labels": np.zeros(len(truths), np.int64)}
    return Case(config, {**case.inputs, **labels, **witness(truths=truths).inputs})


def _seventeen() -> dict[str, Any]:
    corners = np.arange(17)[:, None] * 4.0 + np.zeros(2)
    boxes = np.concatenate([corners, corners + 2], -1)
    return {"boxes": boxes, "scores": np.where(np.arange(17) % 13, 1.0, 0.5)}


ONE = [[0.0]]

ASSIGNMENT = (
    Divergence(
        "UL-024",
        "InsideMask",
        "boxes go to centre form and back, which moves their sides by rounding, and of whole "
        "numbers by half of an odd one: points there change sides",
        sides_move,
        witness(points=[[4, 5.4]], boxes=[[4, 2, 5.9, 8.8]]),
    ),
    Divergence(
        "UL-025",
        "TaskAlignedMatcher",
        "with fewer anchors than topk it raises: selected index k out of range",
        are_too_few,
        _of_truth([[0.5]], [[0.5]], [[True]], topk=2),
    ),
    Divergence(
        "UL-026",
        "TaskAlignedMatcher",
        "a ground truth with fewer than topk anchors of a metric above 0 takes what it has places "
        "for of those whose metric is 0: what is predicted nowhere near it is positive",
        zeros_fill_up,
        _of_truth(ONE, ONE, [[True]], topk=1),
        authority="SPEC; the paper says that anchors of the largest metric are positive",
    ),
    Divergence(
        "UL-027",
        "TaskAlignedMatcher",
        "which of anchors with the same metric are among the topk is left to the sort",
        ties_at_the_last_place,
        _of_truth([[0.5]] * 17, [[0.5]] * 17, [[True]] * 17, topk=1),
    ),
    Divergence(
        "UL-028",
        "TaskAlignedMatcher",
        "an anchor that several ground truths select, and that overlaps none of them, gets the "
        "first ground truth, also if it is not inside of that",
        another_truth_is_first,
        _of_truth([[0.0, 0.5, 0.5]], [[0.0, 0.0, 0.0]], [[False, True, True]], topk=1),
        authority="its documentation: anchors are inside of what they are assigned to",
    ),
    Divergence(
        "UL-029",
        "TaskAlignedMetric",
        "in half precision both powers are rounded to that, before they are multiplied",
        metric_rounds_in_half,
        Case(
            {},
            {
                "scores": np.array([[0.5]]),
                "labels": np.array([0]),
                "ious": np.array([[0.0928955078125]]),
            },
        ),
        "float16",
    ),
    Divergence(
        "UL-046",
        "TaskAlignedMetric",
        "a power of a score below the normal numbers, if no product or root, is off "
        "in the sixth digit",
        power_of_subnormal,
        Case(
            {"alpha": 0.3},
            {
                "scores": np.array([[21 * 2.0**-149]]),
                "labels": np.array([0]),
                "ious": np.array([[1.0]]),
            },
        ),
    ),
    Divergence(
        "UL-030",
        "HungarianMatcher",
        "costs in double precision are rounded to single: what differs in later digits is a tie",
        cost_leaves_single,
        witness(cost=[[1 + 2.0**-40], [1]]),
        "float64",
        place=f"{CALLS}:hungarian_matches",
    ),
    Divergence(
        "UL-031",
        "DETRCost",
        "what is predicted in double precision is rounded to single",
        is_double,
        _cost([[0, 0.3]], [[0.5, 0.5, 0.3, 0.3]], [[0.5, 0.5, 0.3, 0.3]]),
        "float64",
    ),
    Divergence(
        "UL-032",
        "DETRCost",
        "1e-7 is added to the union and to the box around both, beside which normalised boxes are "
        "small: one of 1/1000 by 1/1000 has a GIoU of 0.91 with itself",
        eps_counts_in_cost,
        _cost(
            ONE,
            [[0.5, 0.5, 0.0009765625] * 1 + [0.0009765625]],
            [[0.5, 0.5, 0.0009765625, 0.0009765625]],
        ),
        authority="SPEC; the paper's GIoU has no eps",
    ),
    Divergence(
        "UL-033",
        "DETRCost",
        "of ground truths in half precision, corners and areas are rounded to that, and of whole "
        "numbers areas wrap; where the GIoU is nan then, the cost is 0, and may be the least",
        truths_round_in_half,
        _cost([[0.0]], [[0.5, 0.5, 1, 1]], [[0.5, 0.5, 300, 300]]),
        "float16",
    ),
    Divergence(
        "UL-034",
        "DETRCost",
        "of the GIoU it takes 1 - GIoU: where that is 0, digits of the other costs are lost beside "
        "1, of which a matching is to tell nothing",
        giou_is_small_beside_1,
        _cost([[0, 17.0]], [[0.5, 0.5, 0, 0]], [[0.5, 0.5, 0, 0]]),
    ),
)

SIX = witness({"threshold": 0.5}, boxes=[[0, 0, 1, 1]] * 6, scores=[1] * 6)


def _labelled(case: Case, *labels: int) -> Case:
    own = np.array(labels or [0] * len(case.inputs["boxes"]))
    return Case(case.config, {**case.inputs, "labels": own})


HALF = witness({"threshold": 0.3}, boxes=[[0, 0, 1, 1], [0, 0, 0.300048828125, 1]], scores=[1, 0.5])
OFFSETS = _labelled(
    witness({"threshold": 0.5}, boxes=[[7680, 7680, 7688, 7688], [0, 0, 8, 8]], scores=[1, 0.5]),
    0,
    1,
)
THIRD = witness({"threshold": 1 / 3}, boxes=[[0, 0, 2, 1], [0, 0, 1, 2]], scores=[0.5, 0.25])


def _suppressing(number: int, call: str, *, single: bool = False) -> tuple[Divergence, ...]:
    """Return what is so of ``non_max_suppression`` whatever suppresses."""
    labelled = call.startswith("batched")
    operator = "BatchedNMS" if labelled else "NMS"
    place = f"{CALLS}:{call}"
    at_threshold = HALF if single else THIRD
    return (
        Divergence(
            f"UL-{number:03}",
            operator,
            "exactly six boxes are taken for what an end-to-end model gives, by a shape that ends "
            "in 6: they are not suppressed, and what comes is of other numbers",
            are_six,
            _labelled(SIX) if labelled else SIX,
            place=place,
            authority="its documentation, by which end2end says so",
        ),
        Divergence(
            f"UL-{number + 1:03}",
            operator,
            "an IoU in single precision is compared with a threshold in "
            f"{'that' if single else 'double'}: what is the threshold in the dtype of the boxes "
            "may be over it",
            is_in_between(single),
            _labelled(at_threshold) if labelled else at_threshold,
            "float16" if single else "float32",
            place=place,
            authority="SPEC, which rounds a threshold to the dtype of what is compared with it",
        ),
    )


def _beyond(number: int, place: str, *, not_a_number: bool = False) -> Divergence:
    """Return what areas beyond the dtype make of a suppression."""
    labelled = ":batched" in place
    side = 2**78 if not_a_number else 2**80
    case = witness(
        {"threshold": 0.5}, boxes=[[0, 0, 2**80, 2**80], [0, 0, 2**80, side]], scores=[0.5, 0.25]
    )
    result = (
        "by which the box of lower score is suppressed, also where the other is far larger"
        if not_a_number
        else "which is not over the threshold, and equal boxes stay side by side"
    )
    return Divergence(
        f"UL-{number:03}",
        "BatchedNMS" if labelled else "NMS",
        "areas of boxes that are infinite in their dtype, or nothing, make an IoU that is no "
        f"number, {result}",
        areas_leave_reals(not_a_number=not_a_number),
        _labelled(case) if labelled else case,
        place=place,
    )


def _by_offsets(number: int, call: str) -> Divergence:
    return Divergence(
        f"UL-{number:03}",
        "BatchedNMS",
        "classes are set apart by adding their number times 7680: that takes digits of boxes, so "
        "that what is suppressed depends on the number of the class, and brings boxes of several "
        "classes together where some are farther out",
        offsets_decide,
        OFFSETS,
        place=f"{CALLS}:{call}",
        authority="its documentation: an offset used to separate classes",
    )


SUPPRESSION = (
    Divergence(
        "UL-035",
        "NMS",
        "IoUs of boxes in half precision are rounded to that step by step, and areas of whole "
        "numbers wrap",
        suppressed_otherwise,
        witness({"threshold": 0.5}, boxes=[[0, 0, 1, 1], [0, 2, 1, 3]], scores=[1, 0]),
        "uint8",
        place="ultralytics.utils.nms:TorchNMS.nms",
        authority="its documentation: it matches torchvision's exactly",
    ),
    Divergence(
        "UL-036",
        "NMS",
        "of more than 16 boxes, those of equal scores come in any order",
        ties_come_as_they_like,
        Case({"threshold": 0.5}, _seventeen()),
        place="ultralytics.utils.nms:TorchNMS.nms",
        authority="its documentation: it matches torchvision's exactly",
    ),
    *_suppressing(37, "one_class_nms"),
    *_suppressing(39, "batched_nms"),
    _by_offsets(41, "batched_nms"),
    *_suppressing(42, "batched_nms_without_torchvision", single=True),
    _by_offsets(44, "batched_nms_without_torchvision"),
    Divergence(
        "UL-045",
        "BatchedNMS",
        "where torchvision is not imported, of more than 16 boxes those of equal scores come in "
        "any order",
        ties_come_as_they_like,
        _labelled(Case({"threshold": 0.5}, _seventeen())),
        place=f"{CALLS}:batched_nms_without_torchvision",
        authority="its documentation: its own suppression matches torchvision's exactly",
    ),
    _beyond(47, "ultralytics.utils.nms:TorchNMS.nms", not_a_number=True),
    _beyond(48, f"{CALLS}:one_class_nms"),
    _beyond(49, f"{CALLS}:batched_nms"),
    _beyond(50, f"{CALLS}:batched_nms_without_torchvision", not_a_number=True),
)

DIVERGENCES = (*BOXES, *ASSIGNMENT, *SUPPRESSION)

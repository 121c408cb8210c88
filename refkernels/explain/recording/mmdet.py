"""What mmdetection's assigners assign, image by image, and what its samplers make of it.

Its results name ground truths from 1, with 0 for background and -1 for neither.
"""

from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.chain.matching import ATSS_MARGIN
from refkernels.cost import InsideMask
from refkernels.explain.recording.images import Found
from refkernels.explain.recording.numbered import Numbered
from refkernels.explain.recording.packages import Seen
from refkernels.explain.recording.patches import Patches, given, subclasses
from refkernels.explain.recording.tensors import copied
from refkernels.matcher import (
    ATSSMatcher,
    HungarianMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
    ThresholdMatcher,
)
from refkernels.sampler import BalancedSampler, NaiveSampler

__all__ = ["CHAINS", "WATCHED", "watch"]

# By number: assigners have no names.
CHAINS: tuple[str, ...] = ()

WATCHED = (
    "assign of MaxIoUAssigner, ATSSAssigner, TaskAlignedAssigner, SimOTAAssigner and "
    "HungarianAssigner of mmdet.models.task_modules"
)

TASKS = "mmdet.models.task_modules"

# What is in a dump, and was not seen.
NOT_INSIDE = "inside was not seen: it is what an InsideMask makes of centres and boxes"

# Of what an assigner was called with and what was noted meanwhile, by its class: the arrays of an
# image, those of all images, and the operator, with a remark if there is none.
Read = tuple[dict[str, Array], dict[str, Array], Any]


def watch(patches: Patches, seen: Seen) -> None:
    """Watch assigners, samplers, and what assigners compute on the way."""
    assigners, samplers = (import_module(f"{TASKS}.{name}") for name in ("assigners", "samplers"))
    places = {
        name: import_module(f"{TASKS}.assigners.{name}")
        for name in ("atss_assigner", "hungarian_assigner", "iou2d_calculator")
    }
    for own in subclasses(places["iou2d_calculator"].BboxOverlaps2D, "__call__"):
        patches.put(own, "__call__", seen.noting("ious", _result))
    for kinds, name, note in (
        (subclasses(assigners.MaxIoUAssigner, "assign_wrt_overlaps"),
         "assign_wrt_overlaps", _overlaps),
        (subclasses(assigners.SimOTAAssigner, "dynamic_k_matching"),
         "dynamic_k_matching", _costs),
        ([places["atss_assigner"]], "bbox_center_distance", _result),
        ([places["hungarian_assigner"]], "linear_sum_assignment", _first),
    ):  # fmt: skip
        for kind in kinds:
            patches.put(kind, name, seen.noting(name, note))
    numbered, last = Numbered(seen), Last()
    for name, read in READINGS.items():
        for kind in subclasses(getattr(assigners, name), "assign"):
            patches.put(kind, "assign", _assigning(read, seen, numbered, last))
    for kind in subclasses(samplers.BaseSampler, "sample"):
        patches.put(kind, "sample", _sampling(seen, last))


class Last:
    """The image that was assigned last, which a sampler is given next."""

    result: Any = None
    found: Found | None = None


def _result(*_: Any, **__: Any) -> Any:
    return copied


def _overlaps(assigner: Any, overlaps: Any, labels: Any) -> Any:
    before = copied(overlaps)
    return lambda _: before


def _costs(assigner: Any, cost: Any, ious: Any, count: int, valid: Any) -> Any:
    before = copied(cost), copied(ious), copied(valid) > 0  # it writes into the last
    return lambda _: before


def _first(cost: Any) -> Any:
    before = copied(cost)
    return lambda _: before


def _assigning(
    read: Callable[[dict[str, Any], Seen], Read], seen: Seen, numbered: Numbered, last: Last
) -> Callable[..., Any]:
    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Let an assigner assign an image, and take what it made of it."""
        seen.forget()
        own = given(call, args, kwargs)
        with _noting_metrics(seen) if read is _task_aligned else nullcontext():
            result = call(*args, **kwargs)

        def make() -> Found:
            """Return the image, in the words of a dump."""
            inds = copied(result.gt_inds).astype(np.int64)
            truths = own["gt_instances"]
            image = {
                "boxes": copied(truths.bboxes).reshape(-1, 4),
                "labels": copied(truths.labels).astype(np.int64),
                "matches": np.where(inds > 0, inds - 1, np.where(inds < 0, -2, -1)),
            }
            more, shared, operator = read(own, seen)
            found = Found(type(own["self"]).__name__, [{**image, **more}], shared)
            if "inside" in more:
                found.remarks.append(NOT_INSIDE)
            if isinstance(operator, str):
                found.remarks.append(operator)
            else:
                found.operators["matcher"] = operator
            return found

        last.found = numbered.image(own["self"], make)
        last.result = result
        return result

    return around


def _sampling(seen: Seen, last: Last) -> Callable[..., Any]:
    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Let a sampler sample, and put its samples to the image that was assigned last."""
        own, found = given(call, args, kwargs), last.found
        is_next = found is not None and own["assign_result"] is last.result
        result = call(*args, **kwargs)

        def put() -> None:
            """Put samples and sampler where they belong."""
            assert found is not None
            sampler, image = own["self"], found.images[-1]
            if getattr(sampler, "add_gt_as_proposals", False):
                told = "samples are left out: the sampler adds the ground truths to the proposals"
                found.remarks += [told] * (told not in found.remarks)
                return
            samples = np.zeros(len(image["matches"]), np.int64)
            samples[copied(result.pos_inds)], samples[copied(result.neg_inds)] = 1, -1
            image["samples"] = samples
            name = type(sampler).__name__
            if name == "PseudoSampler":
                found.operators["sampler"] = NaiveSampler()
            elif name == "RandomSampler" and sampler.neg_pos_ub < 0:
                found.operators["sampler"] = BalancedSampler(sampler.num, sampler.pos_fraction)

        if is_next:
            seen.tried(put)
        return result

    return around


def _noting_metrics(seen: Seen) -> Any:
    """Return a context in which what the best are taken of is noted, which is no function's."""
    mode = import_module("torch.overrides").TorchFunctionMode

    class Metrics(mode):  # type: ignore[misc, valid-type]
        """Of `TaskAlignedAssigner`, whose metrics only `topk` is given."""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if getattr(function, "__name__", "") == "topk":
                seen.note("topk", copied(args[0]))
            return function(*args, **(kwargs or {}))

    return Metrics()


def _max_iou(own: dict[str, Any], seen: Seen) -> Read:
    assigner, priors = own["self"], copied(own["pred_instances"].priors)
    (overlaps,) = seen.take("assign_wrt_overlaps")
    low = assigner.neg_iou_thr
    if isinstance(low, (tuple, list)):
        if low[0] > 0:
            told = f"neg_iou_thr is {tuple(low)}: below the first, no matcher of refkernels ignores"
            return {"anchors": priors, "ious": overlaps.T}, {}, told
        low = low[1]
    matcher = ThresholdMatcher.mmdet(
        assigner.pos_iou_thr,
        low,
        assigner.min_pos_iou,
        assigner.match_low_quality,
        assigner.gt_max_assign_all,
    )
    return {"anchors": priors, "ious": overlaps.T}, {}, matcher


def _atss(own: dict[str, Any], seen: Seen) -> Read:
    assigner, anchors = own["self"], copied(own["pred_instances"].priors)[:, :4]
    boxes = copied(own["gt_instances"].bboxes).reshape(-1, 4)
    ious, distances = seen.take("ious"), seen.take("bbox_center_distance")
    image = {"anchors": anchors, "inside": _inside(anchors, boxes)}
    none = np.zeros((len(anchors), len(boxes)), anchors.dtype)
    image["distances"] = distances[0] if distances else none
    if assigner.alpha is not None:
        return image, {}, "with alpha it is that of DDOD, which no matcher of refkernels is"
    image["ious"] = ious[0]
    levels = np.array([int(count) for count in own["num_level_priors"]])
    return image, {"levels": levels}, ATSSMatcher(assigner.topk)


def _task_aligned(own: dict[str, Any], seen: Seen) -> Read:
    anchors = copied(own["pred_instances"].priors)[:, :4]
    boxes = copied(own["gt_instances"].bboxes).reshape(-1, 4)
    metrics = seen.take("topk")
    image = {
        "anchors": anchors,
        "ious": seen.take("ious")[0],
        "inside": _inside(anchors, boxes),
        "metric": metrics[0] if metrics else np.zeros((len(anchors), len(boxes)), anchors.dtype),
    }
    return image, {}, TaskAlignedMatcher.tood(own["self"].topk)


def _simota(own: dict[str, Any], seen: Seen) -> Read:
    priors = copied(own["pred_instances"].priors)
    shape = len(priors), len(copied(own["gt_instances"].bboxes))
    image: dict[str, Array] = {"valid": np.zeros(len(priors), bool)}
    # Those that are not valid have no costs: none that is looked at is as high.
    image["cost"] = np.full(shape, np.finfo(priors.dtype).max)
    image["ious"] = np.zeros(shape, priors.dtype)
    taken = seen.take("dynamic_k_matching")
    if taken:
        cost, ious, image["valid"] = taken[0]
        image["cost"][image["valid"]], image["ious"][image["valid"]] = cost, ious
    shared = {"points": priors[:, :2], "strides": priors[:, 2]}
    return image, shared, SimOTAMatcher.mmdet(own["self"].candidate_topk)


def _hungarian(own: dict[str, Any], seen: Seen) -> Read:
    taken = seen.take("linear_sum_assignment")
    count = len(copied(own["pred_instances"].bboxes))
    return {"cost": taken[0] if taken else np.zeros((count, 0))}, {}, HungarianMatcher()


def _inside(anchors: Array, boxes: Array) -> Array:
    points = (anchors[:, :2] + anchors[:, 2:]) / 2
    return InsideMask(margin=ATSS_MARGIN)(points, boxes)


READINGS: dict[str, Callable[[dict[str, Any], Seen], Read]] = {
    "MaxIoUAssigner": _max_iou,
    "ATSSAssigner": _atss,
    "TaskAlignedAssigner": _task_aligned,
    "SimOTAAssigner": _simota,
    "HungarianAssigner": _hungarian,
}

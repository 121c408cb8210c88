"""What ultralytics' detectors assign by their `TaskAlignedAssigner`."""

from importlib import import_module
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.explain.recording.images import Found
from refkernels.explain.recording.numbered import Numbered
from refkernels.explain.recording.packages import Seen
from refkernels.explain.recording.patches import Patches, given, subclasses
from refkernels.explain.recording.tensors import copied
from refkernels.matcher import TaskAlignedMatcher

__all__ = ["CHAINS", "WATCHED", "watch"]

# By number: assigners have no names.
CHAINS: tuple[str, ...] = ()

WATCHED = "TaskAlignedAssigner of ultralytics.utils.tal, as a model's loss calls it"


def watch(patches: Patches, seen: Seen) -> None:
    """Watch the assigner, and what it finds on the way: which are inside, metrics and overlaps."""
    kind = import_module("ultralytics.utils.tal").TaskAlignedAssigner
    numbered = Numbered(seen)
    for name, note in (("select_candidates_in_gts", _inside), ("get_box_metrics", _metrics)):
        for own in subclasses(kind, name):
            patches.put(own, name, seen.noting(name, note))

    def around(call: Any, *args: Any, **kwargs: Any) -> Any:
        """Let the assigner assign a batch, and take what it made of it."""
        seen.forget()
        own = given(call, args, kwargs)
        result = call(*args, **kwargs)
        numbered.whole(own["self"], lambda: _found(own, result, seen))
        return result

    for own in subclasses(kind, "forward"):
        patches.put(own, "forward", around)


def _inside(*_: Any, **__: Any) -> Any:
    return lambda mask: copied(mask) > 0


def _metrics(*_: Any, **__: Any) -> Any:
    # They are written into afterwards.
    return lambda made: tuple(map(copied, made))


def _found(own: dict[str, Any], result: Any, seen: Seen) -> Found:
    assigner, (*_, positive, matched) = own["self"], result
    boxes, real = copied(own["gt_bboxes"]), copied(own["mask_gt"])[..., 0] > 0
    insides, metrics = seen.take("select_candidates_in_gts"), seen.take("get_box_metrics")
    matches = np.where(copied(positive), copied(matched).astype(np.int64), -1)
    found = Found(type(assigner).__name__, [])
    found.shared["points"] = copied(own["anc_points"])
    labels = np.where(real, copied(own["gt_labels"])[..., 0], -1).astype(np.int64)
    for k, row in enumerate(matches):
        image = {"matches": row, "labels": labels[k]}
        if boxes.shape[-1] == 4:  # and not rotated
            image["boxes"] = np.where(real[k, :, None], boxes[k], boxes.dtype.type(-1))
        if len(insides) == len(metrics) == 1:
            inside, (metric, ious) = insides[0][k] & real[k, :, None], metrics[0]
            image |= {"inside": inside.T, "metric": metric[k].T, "ious": ious[k].T}
        elif not boxes.shape[1]:
            image |= _without_objects(len(row), copied(own["pd_scores"]).dtype)
        found.images.append(image)
    topk, again = assigner.topk, getattr(assigner, "topk2", assigner.topk)
    if again == topk:
        found.operators["matcher"] = TaskAlignedMatcher.ultralytics(topk)
    else:
        found.remarks.append(
            f"it keeps {again} of the {topk} that a ground truth selects (topk2), which no matcher "
            "of refkernels does"
        )
    return found


def _without_objects(count: int, dtype: Any) -> dict[str, Array]:
    none = np.zeros((count, 0), dtype)
    return {"inside": none.astype(bool), "metric": none, "ious": none}

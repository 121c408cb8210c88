"""The assigners of today's detectors as chains, on anchors, points or what a network predicts.

Each is a chain of operators with its own inputs; `Chain.run` gives all that its stages make. What
they are called with:

- ``anchors`` (B or 1, N, 4) corner boxes, ``points`` (N, 2) their centres, ``strides`` (N,),
  ``ranges`` (N, 2) and ``levels`` (L,), the number of anchors of each level;
- ``boxes`` (B, M, 4) and ``labels`` (B, M), the ground truth; boxes without extent are padding;
- ``predictions`` (B, N, 4) boxes, ``scores`` (B, N, C) in [0, 1] or ``logits`` (B, N, C).
"""

from collections.abc import Callable, Mapping

from refkernels.arrays import shown
from refkernels.chain.chain import Chain, Stage
from refkernels.chain.matching import matching_stages
from refkernels.coder import MultiClassEncoder, NormalizedBoxCenterEncoder
from refkernels.cost import DETRCost, SimOTACost, TaskAlignedMetric
from refkernels.matcher import (
    ATSSMatcher,
    HungarianMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
)
from refkernels.sampler import NaiveSampler

__all__ = ["ASSIGNERS", "assigner_chain", "atss", "detr", "fcos", "simota", "task_aligned"]

SAMPLES = Stage(NaiveSampler(), ("matches",), ("samples",))
CLASSES = Stage(MultiClassEncoder(), ("samples", "matches", "labels"), ("cls_targets",))
TARGETS = (SAMPLES, CLASSES)


def atss(topk: int = 9) -> Chain:
    """Return ATSS (Zhang et al. 2020, section 3.2): anchors, points, levels, boxes, labels.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0, 8, 8], [4, 4, 12, 12], [16, 16, 24, 24]])
    >>> inputs = {
    ...     "anchors": anchors,
    ...     "points": (anchors[:, :2] + anchors[:, 2:]) / 2,
    ...     "levels": np.array([3]),
    ...     "boxes": np.array([[1.0, 1, 9, 9]]),
    ...     "labels": np.array([4]),
    ... }
    >>> atss(topk=3).run(inputs)["cls_targets"]
    array([5, 0, 0])
    """
    return Chain(
        (
            *matching_stages(ATSSMatcher(topk)),
            *TARGETS,
            Stage(
                NormalizedBoxCenterEncoder(),
                ("samples", "matches", "anchors", "boxes"),
                ("box_targets", "box_masks"),
            ),
        )
    )


def fcos(radius: float | None = 1.5) -> Chain:
    """Return FCOS with centre sampling (Tian et al. 2019): points, boxes, labels, strides, ranges.

    Examples
    --------
    >>> import numpy as np
    >>> inputs = {
    ...     "points": np.array([[4.0, 4], [12, 4]]),
    ...     "boxes": np.array([[0.0, 0, 8, 8]]),
    ...     "labels": np.array([2]),
    ...     "strides": np.array([8.0, 8]),
    ...     "ranges": np.array([[0.0, 64], [0, 64]]),
    ... }
    >>> fcos().run(inputs)["cls_targets"]
    array([3, 0])
    """
    return Chain((*matching_stages(PointMatcher(radius)), *TARGETS))


def simota() -> Chain:
    """Return SimOTA (Ge et al. 2021, YOLOX): points, predictions, scores, boxes, labels.

    Pairs outside of the ground truth are penalised, as YOLOX does; its centre radius, which adds
    points around a centre, is for who makes ``inside`` of a stage of their own.

    Examples
    --------
    >>> import numpy as np
    >>> inputs = {
    ...     "points": np.array([[4.0, 4], [12, 4]]),
    ...     "predictions": np.array([[0.0, 0, 8, 8], [8, 0, 16, 8]]),
    ...     "scores": np.array([[0.9, 0.1], [0.2, 0.2]]),
    ...     "boxes": np.array([[0.0, 0, 8, 9]]),
    ...     "labels": np.array([0]),
    ... }
    >>> simota().run(inputs)["matches"]
    array([ 0, -1])
    """
    return Chain((*matching_stages(SimOTAMatcher(), SimOTACost()), *TARGETS))


def task_aligned(
    metric: TaskAlignedMetric | None = None, matcher: TaskAlignedMatcher | None = None
) -> Chain:
    """Return TOOD's assigner (Feng et al. 2021): points, predictions, scores, boxes, labels.

    With ``TaskAlignedMetric.ultralytics()`` and ``TaskAlignedMatcher.ultralytics()`` it is that of
    YOLOv8 and later.

    Examples
    --------
    >>> import numpy as np
    >>> inputs = {
    ...     "points": np.array([[4.0, 4], [12, 4]]),
    ...     "predictions": np.array([[0.0, 0, 8, 8], [8, 0, 16, 8]]),
    ...     "scores": np.array([[0.9, 0.1], [0.2, 0.2]]),
    ...     "boxes": np.array([[0.0, 0, 8, 9]]),
    ...     "labels": np.array([0]),
    ... }
    >>> task_aligned().run(inputs)["matches"]
    array([ 0, -1])
    """
    metric = TaskAlignedMetric() if metric is None else metric
    matcher = TaskAlignedMatcher() if matcher is None else matcher
    return Chain((*matching_stages(matcher, metric), *TARGETS))


def detr(cost: DETRCost | None = None) -> Chain:
    """Return DETR's matching (Carion et al. 2020, section 3.1): logits, predictions, boxes, labels.

    Boxes are in normalised centre form here.

    Examples
    --------
    >>> import numpy as np
    >>> inputs = {
    ...     "logits": np.array([[2.0, 0], [0, 2]]),
    ...     "predictions": np.array([[0.5, 0.5, 1, 1], [0.25, 0.25, 0.5, 0.5]]),
    ...     "boxes": np.array([[0.25, 0.25, 0.4, 0.4]]),
    ...     "labels": np.array([1]),
    ... }
    >>> detr().run(inputs)["matches"]
    array([-1,  0])
    """
    cost = DETRCost() if cost is None else cost
    return Chain((*matching_stages(HungarianMatcher(), cost), *TARGETS))


ASSIGNERS: Mapping[str, Callable[[], Chain]] = {
    "atss": atss,
    "fcos": fcos,
    "simota": simota,
    "task_aligned": task_aligned,
    "detr": detr,
}


def assigner_chain(name: str) -> Chain:
    """Return one of the chains by its name.

    Raises
    ------
    ValueError
        If there is none of this name; the message lists those there are.
    """
    if name not in ASSIGNERS:
        raise ValueError(f"assigner: unknown {shown(name)}, expected one of {', '.join(ASSIGNERS)}")
    return ASSIGNERS[name]()

"""What readings are compared on: the boxes of images, with predictions where these are needed.

Predictions are made up, of a fixed seed: for every anchor a box somewhere between it and the object
that it overlaps most, and scores of which few are high. No detector is that even, but each reading
is given the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from refkernels.bbox import BBoxBatchIOU
from refkernels.conformance.model.case import Case, Image
from refkernels.conformance.model.operator import Operator
from refkernels.cost import InsideMask, SimOTACost, TaskAlignedMetric

__all__ = ["scenes"]

# Scores of which few are high, as those of most anchors are of a detector that has learned.
SCORES = (0.5, 3.0)

PREDICTING = ("TaskAlignedMatcher", "TaskAlignedMetric", "SimOTAMatcher", "SimOTACost")


def scenes(operator: Operator, image: Image) -> Iterator[Case]:
    """Yield what an operator is given of an image; its parameters are for the reading to say."""
    if operator.name in PREDICTING and len(image.boxes):
        yield _predicted(operator.name, image)
    elif operator.annotated is not None:
        yield from list(operator.annotated(image))[:1]


def _predicted(name: str, image: Image) -> Case:
    rng = np.random.default_rng(zlib.crc32(image.name.encode()))
    best = BBoxBatchIOU()(image.anchors, image.boxes).argmax(-1)
    part = rng.random((len(image.anchors), 1))
    boxes = image.anchors * (1 - part) + image.boxes[best] * part
    scores = rng.beta(*SCORES, (len(image.anchors), int(image.labels.max()) + 1))
    ious = BBoxBatchIOU()(boxes, image.boxes)
    centers = (image.anchors[:, :2] + image.anchors[:, 2:]) / 2
    inside = InsideMask()(centers, image.boxes)
    if name == "TaskAlignedMetric":
        return Case({}, {"scores": scores, "labels": image.labels, "ious": ious})
    if name == "TaskAlignedMatcher":
        metric = TaskAlignedMetric.tood()(scores, image.labels, ious)
        return Case({}, {"metric": metric, "ious": ious, "inside": inside})
    if name == "SimOTACost":
        inputs = {"scores": scores, "labels": image.labels, "ious": ious, "inside": inside}
        return Case({}, inputs)
    cost = SimOTACost()(scores, image.labels, ious, inside)
    return Case({}, {"cost": cost, "ious": ious, "valid": inside.any(-1)})

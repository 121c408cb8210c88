"""The assigners of today's detectors, whole (SPEC section 6; `refkernels.chain.assigners`)."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.chain.assigners import ASSIGNERS
from refkernels.conformance.cases.strategies import box_sets, seeded_box_sets
from refkernels.conformance.model.chain import Pipeline, Stage
from refkernels.conformance.model.operator import DTYPES, Case, Image
from refkernels.conformance.model.parameters import Parameters

__all__ = ["OPERATORS"]

CLASSES = 3

# What each takes of all that is drawn, in order.
INPUTS = {
    "atss": ("anchors", "points", "levels", "boxes", "labels"),
    "fcos": ("points", "boxes", "labels", "strides", "ranges"),
    "simota": ("points", "predictions", "scores", "boxes", "labels"),
    "task_aligned": ("points", "predictions", "scores", "boxes", "labels"),
    "detr": ("logits", "predictions", "boxes", "labels"),
}

AXES = {
    "anchors": "1N4",
    "points": "N2",
    "levels": "L",
    "strides": "N",
    "ranges": "N2",
    "predictions": "BN4",
    "scores": "BN3",
    "logits": "BN3",
    "boxes": "BM4",
    "labels": "BM",
}

NAMES = {
    "atss": "ATSSTargets",
    "fcos": "FCOSTargets",
    "simota": "SimOTATargets",
    "task_aligned": "TaskAlignedTargets",
    "detr": "DETRTargets",
}


@st.composite
def _drawn(draw: DrawFn, name: str, parameters: Parameters) -> Case:
    """Draw anchors, what a network predicts at them, and labelled boxes; some are padding."""
    batch = st.just(draw(st.integers(1, 3)))
    small, large = st.integers(1, 5), st.integers(1, 40)
    anchors, boxes = draw(
        box_sets((small, small), batch) | seeded_box_sets((large, st.integers(1, 8)), batch)
    )
    # Farther away, distances leave float16.
    anchors, boxes = (np.clip(x, -(2.0**13), 2.0**13) for x in (anchors, boxes))
    low, high = np.minimum(anchors[0, :, :2], anchors[0, :, 2:]), anchors[0, :, 2:]
    anchors = np.concatenate([low, np.maximum(anchors[0, :, :2], high) + 1], -1)
    return _case(name, anchors, boxes, draw(st.integers(0, 2**32 - 1)))


def _case(name: str, anchors: Array, boxes: Array, seed: int, labels: Array | None = None) -> Case:
    """Return a case on these anchors (N, 4) and boxes (B, M, 4)."""
    rng = np.random.default_rng(seed)
    size, count = len(boxes), len(anchors)
    sides = anchors[:, 2:] - anchors[:, :2]
    points = anchors[:, :2] + sides / 2
    moved = anchors + np.tile(sides, 2) * np.round(rng.normal(0, 0.1, (size, count, 4)) * 16) / 16
    cut = int(rng.integers(0, count + 1))
    strides = np.exp2(np.round(np.log2(np.maximum(sides.max(-1), 1))))
    values: dict[str, Array] = {
        "anchors": anchors[None],
        "points": points,
        "levels": np.array([cut, count - cut]),
        "strides": strides,
        "ranges": np.stack([strides * rng.choice([0.0, 0.5]), strides * 8], -1),
        "predictions": moved,
        "scores": np.round(rng.random((size, count, CLASSES)) * 32) / 32,
        "logits": np.round(rng.normal(0, 2, (size, count, CLASSES)) * 8) / 8,
        "boxes": boxes,
        "labels": rng.integers(0, CLASSES, boxes.shape[:-1]) if labels is None else labels,
    }
    if name == "detr":  # in normalised centre form
        values["predictions"], values["boxes"] = (_normalised(x) for x in (moved, boxes))
    return Case({}, {own: values[own] for own in INPUTS[name]})


def _normalised(boxes: Array) -> Array:
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.asarray(np.concatenate([(low + high) / 2, np.maximum(high - low, 0)], -1) / 512)


def _axes(case: Case) -> Mapping[str, str]:
    return {name: AXES[name] for name in case.inputs}


def _of_image(name: str) -> Callable[[Image], Iterator[Case]]:
    def annotated(image: Image) -> Iterator[Case]:
        """Yield some hundreds of the image's anchors with its boxes, if it has any."""
        if len(image.boxes):
            labels = image.labels[None] % CLASSES
            # An exact matching of thousands of anchors is for the bench.
            anchors = image.anchors[:: max(1, len(image.anchors) // 300)]
            yield _case(name, anchors, image.boxes[None], len(image.boxes), labels)

    return annotated


def _pipeline(name: str) -> Pipeline:
    stages: Any = ASSIGNERS[name]().stages
    return Pipeline(
        NAMES[name],
        "pipeline",
        partial(_drawn, name),
        lambda case: (),
        _axes,
        _of_image(name),
        # What is outside costs more than float16 holds.
        dtypes=("float32", "float64") if name == "simota" else DTYPES,
        takes_integers=False,
        has_block=False,
        stages=tuple(map(Stage.like, stages)),
    )


OPERATORS = tuple(map(_pipeline, NAMES))

"""Whole target chains, as published detectors build them (SPEC sections 1 to 4)."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.arrays import Array
from refkernels.conformance.cases import assigners
from refkernels.conformance.cases.matcher import drawn as matcher
from refkernels.conformance.cases.strategies import box_sets, seeded_box_sets
from refkernels.conformance.model.chain import Pipeline, Stage
from refkernels.conformance.model.operator import Case, Image, Recipe
from refkernels.conformance.model.parameters import Parameters

__all__ = ["OPERATORS"]

CLASSES = 3

IOU = Stage.of("BBoxBatchIOU")
BOX_TARGETS = Stage.of("NormalizedBoxCenterEncoder")
CLASS_TARGETS = Stage.of("MultiClassEncoder")

SSD = (
    IOU,
    Stage.of("CompositeMatcher", matchers=list(matcher.SSD)),
    Stage.of("OHEMSampler", ratio=3.0),
    CLASS_TARGETS,
    BOX_TARGETS,
)

RPN = (
    IOU,
    Stage.of(
        "CompositeMatcher",
        matchers=[Recipe("BipartiteMatcher"), Recipe("MaximumMatcher", {"threshold": 0.7})],
    ),
    Stage.of(
        "QuotaSampler", num_sample=256, pos_thresh=0.7, neg_thresh_high=0.3, neg_thresh_low=0.0
    ),
    Stage.of("SigmoidClassEncoder"),
    BOX_TARGETS,
)

RCNN = (
    IOU,
    Stage.of("MaximumMatcher", threshold=0.5),
    Stage.of("QuotaSampler", num_sample=128, pos_thresh=0.5, neg_thresh_high=0.5, pos_ratio=0.25),
    CLASS_TARGETS,
    Stage.of("NormalizedPerClassBoxCenterEncoder", num_class=CLASSES, max_pos=4),
)

CENTERNET = (
    Stage(
        Recipe("CenterNetDecoder", {"topk": 10}),
        {"x": "heatmap", "wh": "wh", "reg": "reg"},
        ("ids", "scores", "decoded"),
    ),
    Stage(Recipe("BBoxArea"), {"x": "decoded"}, ("areas",)),
    Stage(Recipe("BBoxBatchIOU"), {"a": "decoded", "b": "boxes"}, ("ious",)),
    Stage.of("MaximumMatcher", threshold=0.5),
)


@st.composite
def _labelled_boxes(draw: DrawFn, parameters: Parameters, logits: bool = False) -> Case:
    """Draw anchors and labelled boxes of a batch of images; boxes may be padding."""
    batch = st.just(draw(st.integers(1, 3)))
    small, large = st.integers(1, 5), st.integers(1, 40)
    anchors, boxes = draw(
        box_sets((small, small), batch) | seeded_box_sets((large, st.integers(1, 12)), batch)
    )
    # Anchors are proper boxes; what padding of boxes does is what is tried here.
    low, high = np.minimum(anchors[..., :2], anchors[..., 2:]), anchors[..., 2:]
    anchors = np.concatenate([low, np.maximum(anchors[..., :2], high) + 1], -1)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.integers(0, 3)) == 3:  # every image has the same boxes, and each is an anchor
        boxes = np.tile(anchors[:1, : boxes.shape[1]], (len(boxes), 1, 1))
    inputs: dict[str, Array] = {
        "anchors": anchors[:1] if draw(st.booleans()) else anchors,
        "boxes": boxes,
        "labels": rng.integers(0, CLASSES, boxes.shape[:-1]),
    }
    if draw(st.booleans()):  # in the dtype of the boxes, as data loaders give them
        inputs["labels"] = inputs["labels"].astype(np.float64)
    if logits:
        inputs["logits"] = rng.normal(0, 2, (len(boxes), anchors.shape[1], CLASSES + 1))
    return Case({}, inputs)


@st.composite
def _heat_maps(draw: DrawFn, parameters: Parameters) -> Case:
    size = draw(st.integers(1, 2))
    height, width = draw(st.integers(4, 20)), draw(st.integers(4, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    case = _heat_map_case(rng, size, height, width, _some_boxes(rng, size, height, width))
    if draw(st.booleans()):  # without ties
        case.inputs["heatmap"][:] = rng.random(case.inputs["heatmap"].shape)
    return case


def _some_boxes(rng: np.random.Generator, size: int, height: int, width: int) -> Array:
    low = rng.integers(0, 2, (size, 3, 2)) * 4.0
    return np.concatenate([low, low + rng.integers(1, 4, (size, 3, 2)) * 4.0], -1)


def _heat_map_case(
    rng: np.random.Generator, size: int, height: int, width: int, boxes: Array
) -> Case:
    return Case(
        {},
        {
            "heatmap": np.ceil(rng.random((size, CLASSES, height, width)) * 50) / 50,
            "wh": rng.integers(8, 80, (size, 2, height, width)) / 8,
            "reg": rng.integers(0, 9, (size, 2, height, width)) / 8,
            "boxes": boxes,
        },
    )


def _axes(case: Case) -> dict[str, str]:
    letters = {
        "anchors": "BN4",
        "boxes": "BM4",
        "labels": "BM",
        "logits": "BNC",
        "heatmap": "B1HW",
        "wh": "B2HW",
        "reg": "B2HW",
    }
    if "anchors" in case.inputs and len(case.inputs["anchors"]) != len(case.inputs["boxes"]):
        letters["anchors"] = "1N4"
    if "logits" in case.inputs:
        letters["logits"] = "BN4"
    return {name: letters[name] for name in case.inputs}


def _of_image(logits: bool = False) -> Callable[[Image], Iterator[Case]]:
    def annotated(image: Image) -> Iterator[Case]:
        """Yield the image's anchors, boxes and labels, with logits if they are asked for."""
        if not len(image.boxes):
            return
        inputs = {
            "anchors": image.anchors[None],
            "boxes": image.boxes[None],
            "labels": image.labels[None] % CLASSES,
        }
        if logits:
            rng = np.random.default_rng(len(image.boxes))
            inputs["logits"] = rng.normal(0, 2, (1, len(image.anchors), CLASSES + 1))
        yield Case({}, inputs)

    return annotated


def _heat_maps_of(image: Image) -> Iterator[Case]:
    """Yield a heat map with peaks at an image's boxes, at a quarter of the resolution."""
    if not len(image.boxes):
        return
    boxes = image.boxes[None]
    width, height = (int(np.ceil(boxes[0, :, i].max() / 4)) + 1 for i in (2, 3))
    rng = np.random.default_rng(len(image.boxes))
    case = _heat_map_case(rng, 1, height, width, boxes)
    centers = (boxes[0, :, :2] + boxes[0, :, 2:]) / 8
    columns, rows = np.floor(centers).astype(int).T
    case.inputs["heatmap"][0, image.labels % CLASSES, rows, columns] += 1
    case.inputs["wh"][0, :, rows, columns] = (boxes[0, :, 2:] - boxes[0, :, :2]) / 4
    case.inputs["reg"][0, :, rows, columns] = centers - np.floor(centers)
    yield case


def _pipeline(name: str, stages: tuple[Stage, ...], cases: Any, annotated: Any) -> Pipeline:
    return Pipeline(
        name,
        "pipeline",
        cases,
        lambda case: (),
        _axes,
        annotated,
        takes_integers=False,
        stages=stages,
    )


OPERATORS = (
    _pipeline(
        "SSDTargets",
        SSD,
        lambda parameters: _labelled_boxes(parameters, logits=True),
        _of_image(logits=True),
    ),
    _pipeline("RPNTargets", RPN, _labelled_boxes, _of_image()),
    _pipeline("RCNNTargets", RCNN, _labelled_boxes, _of_image()),
    _pipeline("CenterNetBoxes", CENTERNET, _heat_maps, _heat_maps_of),
    *assigners.OPERATORS,
)

"""Cases of the encoder of centre heat maps (SPEC section 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from refkernels.conformance.cases.coder.heatmap_judging import HeatMaps, maps
from refkernels.conformance.cases.coder.heatmap_laws import LAWS
from refkernels.conformance.cases.strategies import box_sets, seeded_box_sets
from refkernels.conformance.model.operator import Case, Image
from refkernels.conformance.model.parameters import Parameters

__all__ = ["AIMED", "CORNERS", "OPERATORS"]

SMALL, LARGE = st.integers(1, 4), st.integers(1, 40)
BATCH = st.sampled_from([None, 1, 1, 2, 3])
OPTIONS = st.fixed_dictionaries(
    {"num_class": st.integers(1, 3)},
    optional={
        "scale": st.sampled_from([4.0, 1.0, 0.5, 3.0, 0.3]),
        "min_overlap": st.sampled_from([0.7, 0.5, 0.3, 0.25, 0.9, 1.0]),
        "ceil": st.booleans(),
    },
)
LABEL_DTYPE = st.sampled_from([np.int64, np.int64, np.int32, np.float32, np.float64])

# Parts of a cell that centres and sides are whole numbers of; 0 stands for any numbers.
PARTS = st.sampled_from([1, 2, 4, 64, 0])


@st.composite
def _boxes(draw: DrawFn, parameters: Parameters) -> Case:
    """Draw boxes on and around a map, some as large as that, some in one cell, some without extent.

    Others are those that other operators are given.
    """
    config = draw(parameters.options(OPTIONS))
    images = draw(BATCH)
    if parameters.may_set("size"):
        side = st.integers(1, 7) | st.integers(1, 7) | st.integers(8, 70)
        config["size"] = draw(st.tuples(side, side))
    height, width = np.broadcast_to(config["size"], 2)
    scale = config.get("scale", 4.0)
    count, parts = draw(SMALL | LARGE), draw(PARTS)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (images or 1, count)
    if draw(st.integers(0, 3)) == 3:
        batch = st.just(images or 1)
        (boxes,) = draw(
            box_sets((st.just(count),), batch) | seeded_box_sets((st.just(count),), batch)
        )
    else:
        middle = rng.uniform(-1, 1, (*shape, 2)) * 0.6 * np.array([width, height])
        middle += np.array([width, height]) / 2
        sides = np.exp(rng.normal(draw(st.sampled_from([0.0, 2.0, 4.0])), 1, (*shape, 2)))
        middle[:, count // 2 :: 3] = middle[:, : (count + 1) // 2][:, :1]  # in one cell
        sides *= rng.choice([1, 1, 1, 1, 1, 1, 1, 1, 0, -1], sides.shape)
        if parts:
            middle, sides = np.round(middle * parts) / parts, np.round(sides * parts) / parts
        boxes = np.concatenate([middle - sides / 2, middle + sides / 2], -1) * scale
    extended = (boxes[..., 2:] > boxes[..., :2]).all(-1)
    labels = np.where(extended, rng.integers(0, config["num_class"], shape), -1)
    inputs = {"boxes": boxes, "labels": labels.astype(draw(LABEL_DTYPE))}
    return Case(config, inputs if images else {name: x[0] for name, x in inputs.items()})


def _fit(case: Case, config: Mapping[str, Any]) -> Case | None:
    """Make labels such as a configuration has classes for; those below 0 belong to padding."""
    labels = case.inputs["labels"]
    own = np.where(labels < 0, labels, labels % np.asarray(config["num_class"], labels.dtype))
    return Case(config, {**case.inputs, "labels": own.astype(labels.dtype)})


def _axes(case: Case) -> dict[str, str]:
    letters = {"boxes": "BM4", "labels": "BM"}
    return {name: letters[name][-array.ndim :] for name, array in case.inputs.items()}


def _of_image(image: Image) -> Iterator[Case]:
    if len(image.boxes):
        config = {"num_class": int(image.labels.max()) + 1, "size": (128, 128)}
        yield Case(config, {"boxes": image.boxes, "labels": image.labels})


OPERATORS = (
    HeatMaps(
        "CenterHeatmapEncoder",
        "coder",
        _boxes,
        maps,
        _axes,
        _of_image,
        laws=LAWS,
        fit=_fit,
        has_block=False,
    ),
)


def _case(config: Mapping[str, Any], boxes: Any, labels: Any) -> Case:
    return Case(config, {"boxes": np.array(boxes, np.float64), "labels": np.array(labels)})


def _corners() -> Iterator[Case]:
    small = {"num_class": 2, "size": (5, 6)}
    # Centres on the first and the last cells' edges, and next to them, outside of the map too.
    middles = [-4.0, -1.0, -0.5, 0.0, 0.5, 3.5, 4.0, 19.5, 20.0, 23.5, 24.0, 30.0]
    boxes = [
        [x - 1, y - 1, x + 1, y + 1] for x, y in product(middles, (-1.0, 0.0, 4.0, 19.5, 20.0))
    ]
    yield _case(small, boxes, np.arange(len(boxes)) % 2)
    for box in boxes[::7]:
        yield _case(small, [box], [1])
    # Several in one cell, of one class and of two, larger ones first and last.
    same = [[8 - n, 6 - n, 12 + n, 10 + n] for n in (1, 60, 0.5, 30)]
    for order, labels in product(
        ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]), ([0] * 4, [0, 1, 1, 0])
    ):
        yield _case(small, [same[i] for i in order], labels)
    # Boxes of whose labels none is one: without extent, or beside the map.
    none = [[-1] * 4, [0] * 4, [8, 8, 8, 12], [12, 12, 4, 4], [400, 8, 440, 16], [2, 2, 10, 8]]
    yield _case(small, none, [-1, 99, -1, 2, -7, 1])
    # Boxes whose sides are nothing in cells, each in its dtype.
    for dtype in (np.float32, np.float64):
        least = np.array([[0, 0, 1, 1], [0, 0, 1, 3]]) * float(np.finfo(dtype).tiny)
        given = {"boxes": least.astype(dtype), "labels": np.array([0, 1])}
        yield Case({**small, "scale": 2.0**60}, given)
    for count in (0, 1):
        yield _case(small, np.zeros((count, 4)), np.zeros(count, int))
        yield _case(small, np.zeros((2, count, 4)), np.zeros((2, count), int))
    yield _case(small, np.zeros((0, 3, 4)), np.zeros((0, 3), int))
    # Each of the three IoUs decides somewhere: flat, high, square; of few and of many cells.
    shapes = [(3, 3), (13, 13), (12.5, 12.5), (40, 5), (5, 40), (200, 200), (333, 17), (64, 90)]
    for overlap, ceil in product((0.7, 0.5, 0.3, 0.1, 0.95, 1.0), (False, True)):
        config = {"num_class": 1, "size": (70, 67), "min_overlap": overlap, "ceil": ceil}
        sides = 4 * np.array(shapes)
        middle = np.array([[130.0, 140.0]] * len(sides)) + np.arange(len(sides))[:, None] * 3
        yield _case(config, np.concatenate([middle - sides / 2, middle + sides / 2], -1), [0] * 8)
    # A scale that no dtype holds, of one number for both sides.
    rng = np.random.default_rng(0)
    corners = rng.integers(-40, 200, (30, 2)) / 8
    boxes = np.concatenate([corners, corners + rng.integers(1, 400, (30, 2)) / 8], -1)
    for scale in (0.3, 3.0, 7.7):
        yield _case({"num_class": 3, "size": 31, "scale": scale}, boxes, np.arange(30) % 3)


def _aimed(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield boxes from a cell to twice the map, all over it."""
    height, width = np.broadcast_to(config["size"], 2)
    rng = np.random.default_rng(0)
    for largest in (1.0, 8.0, 2.0 * max(height, width)):
        middle = rng.random((40, 2)) * np.array([width, height])
        sides = rng.random((40, 2)) * largest
        boxes = np.concatenate([middle - sides / 2, middle + sides / 2], -1)
        boxes = np.round(boxes * config.get("scale", 4.0) * 8) / 8
        labels = rng.integers(0, config["num_class"], 40)
        yield _case({}, boxes, np.where((boxes[:, 2:] > boxes[:, :2]).all(-1), labels, -1))


CORNERS = {"CenterHeatmapEncoder": _corners}

# What is there for a fixed configuration.
AIMED = {"CenterHeatmapEncoder": _aimed}

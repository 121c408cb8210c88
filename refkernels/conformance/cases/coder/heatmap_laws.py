"""Laws of the encoder of centre heat maps (SPEC section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Law
from refkernels.conformance.model.parameters import Parameters, Untried

__all__ = ["LAWS"]

Run = Callable[[Case], tuple[Array, ...]]

NAMES = ("heatmap", "wh", "reg", "mask")


def _law_case(config: Mapping[str, Any]) -> Case:
    """Return two images of boxes, no two of an image in one cell of the map.

    Centres are three eighths into a cell, sides whole numbers of cells and a half: with a scale
    that is a power of two all is exact in float32.
    """
    rng = np.random.default_rng(0)
    height, width = (int(n) for n in np.broadcast_to(config["size"], 2))
    count = min(12, height * width)
    cells = np.stack([rng.permutation(height * width)[:count] for _ in range(2)])
    middle = np.stack([cells % width, cells // width], -1) + 0.375
    sides = rng.integers(0, 40, (2, count, 2)) + 0.5
    scale = config.get("scale", 4.0)
    boxes = np.concatenate([middle - sides / 2, middle + sides / 2], -1) * scale
    labels = rng.integers(0, config["num_class"], (2, count))
    return Case(config, {"boxes": boxes.astype(np.float32), "labels": labels})


def _law(said: str, check: Callable[[Run, Case], str | None]) -> Law:
    def holds(run: Run, parameters: Parameters) -> str | None:
        """Tell how the maps of the law's own boxes break it, if they do."""
        config = parameters.of_law({"num_class": 3, "size": (24, 32)})
        return check(run, _law_case(config))

    return Law(said, holds)


def _change(before: tuple[Array, ...], after: tuple[Array, ...]) -> str | None:
    for name, one, other in zip(NAMES, before, after, strict=True):
        if one.shape != other.shape:
            return f"{name} goes from shape {one.shape} to {other.shape}"
        wrong = np.argwhere(~(one == other))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            return f"{name}{list(place)} goes from {one[place]} to {other[place]}"
    return None


def _with(case: Case, boxes: Array, labels: Array) -> Case:
    return Case(case.config, {"boxes": boxes, "labels": labels})


def _any_order(run: Run, case: Case) -> str | None:
    rows = np.random.default_rng(1).permutation(case.inputs["labels"].shape[1])
    permuted = _with(case, *(array[:, rows] for array in case.inputs.values()))
    return _change(run(case), run(permuted))


def _padding_is_nothing(run: Run, case: Case) -> str | None:
    boxes, labels = case.inputs.values()
    padding = np.zeros((2, 3, 4), np.float32)
    padding[:, ::2] = -1
    count = boxes.shape[1] // 2
    padded = np.concatenate([boxes[:, :count], padding, boxes[:, count:], padding], 1)
    none = np.full((2, 3), -1)
    named = np.concatenate([labels[:, :count], none, labels[:, count:], none], 1)
    return _change(run(case), run(_with(case, padded, named)))


def _classes_are_apart(run: Run, case: Case) -> str | None:
    """Leave out all boxes but those of one class."""
    boxes, labels = case.inputs.values()
    whole, *_ = run(case)
    for label in range(case.config["num_class"]):
        own = np.where((labels == label)[..., None], boxes, np.float32(0))
        alone, *_ = run(_with(case, own, np.where(labels == label, labels, -1)))
        wrong = np.argwhere(~(alone[:, label] == whole[:, label]))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            return f"heat of class {label} at {place} goes from {whole[:, label][place]} to " + str(
                alone[:, label][place]
            )
    return None


def _peaks_are_one(run: Run, case: Case) -> str | None:
    boxes, labels = case.inputs.values()
    heat, _, _, mask = run(case)
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2 / np.float32(case.config.get("scale", 4.0))
    for image, i in np.ndindex(labels.shape):
        column, row = np.floor(middle[image, i]).astype(int)
        value = heat[image, labels[image, i], row, column]
        if value != 1 or mask[image, row, column] != 1:
            found = f"heat {value!r} and mask {mask[image, row, column]!r}"
            return f"box {i} of image {image} has {found} in its cell, expected 1"
    if heat.max() > 1 or heat.min() < 0:
        return f"heat lies between {heat.min()!r} and {heat.max()!r}"
    counts = mask.reshape(2, -1).sum(-1).tolist()
    return None if counts == [labels.shape[1]] * 2 else f"mask has {counts} cells, not one a box"


def _moves_by_cells(run: Run, case: Case) -> str | None:
    """Move all by two columns and one row; what is on the map before and after is the same."""
    scale = case.config.get("scale", 4.0)
    if math.frexp(scale)[0] != 0.5:
        raise Untried("with its scale what is moved is rounded")
    boxes, labels = case.inputs.values()
    height, width = np.broadcast_to(case.config["size"], 2)
    middle = (boxes[..., :2] + boxes[..., 2:]) / 2 / np.float32(scale)
    remains = (middle < np.array([width - 2, height - 1])).all(-1)
    own = np.where(remains[..., None], boxes, np.float32(0)), np.where(remains, labels, -1)
    move = np.where(remains[..., None], np.array([2, 1, 2, 1]) * scale, 0)
    before = run(_with(case, *own))
    after = run(_with(case, (own[0] + move).astype(np.float32), own[1]))
    return _change(
        tuple(array[..., :-1, :-2] for array in before),
        tuple(array[..., 1:, 2:] for array in after),
    )


LAWS = (
    _law("boxes whose centres are in different cells may come in any order", _any_order),
    _law("boxes without extent, and so padding, change nothing", _padding_is_nothing),
    _law("a class has the heat of its own boxes alone", _classes_are_apart),
    _law("the heat of a box is exactly 1 in its cell, where the mask is 1", _peaks_are_one),
    _law("boxes that move by whole cells take their peaks along", _moves_by_cells),
)

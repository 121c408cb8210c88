"""Boxes of a counterexample as a drawing, with the IoUs that its operator is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case, Operator
from refkernels.conformance.model.plain import box_axes, is_center

__all__ = ["Drawing", "Shape", "draw"]

# More boxes of an input, or images of a batch, are not drawn.
MOST_BOXES, MOST_IMAGES = 12, 2

# The drawing's larger side without its margin, in its own units, and the margin.
SIZE, MARGIN = 240.0, 28.0


class Shape(NamedTuple):
    """Boxes of one input that lie on each other, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    group: int
    label: str
    inverted: bool


@dataclass(frozen=True)
class Drawing:
    """The boxes of one image.

    Parameters
    ----------
    caption : str
        Which image.
    width, height : float
        The size that the shapes' units refer to.
    low, high : str
        The corners of what is drawn, in the units of the boxes.
    shapes : list of Shape
        To be drawn in this order.
    names : list of str
        The inputs, by the number of a shape's group.
    rows, columns : list of str
        The boxes whose IoUs are shown, such as ``a[0]``.
    ious : list of list of str
        One text for each pair.
    """

    caption: str
    width: float
    height: float
    low: str
    high: str
    shapes: list[Shape]
    names: list[str]
    rows: list[str]
    columns: list[str]
    ious: list[list[str]]


def draw(operator: Operator, case: Case) -> list[Drawing]:
    """Return a drawing for each of the first images of a case; none if it has no boxes."""
    sets = _boxes(operator, case)
    if not sets:
        return []
    images = max(len(boxes) for boxes in sets.values())
    drawings = []
    for b in range(min(images, MOST_IMAGES)):
        own = {name: boxes[min(b, len(boxes) - 1), :MOST_BOXES] for name, boxes in sets.items()}
        caption = f"image {b} of {images}" if images > 1 else ""
        drawings.append(_drawing(own, caption, case.config.get("offset", 0)))
    return drawings


def _boxes(operator: Operator, case: Case) -> dict[str, Array]:
    """Return the inputs that hold boxes, as (image, box, 4) corners."""
    found = {}
    for name, axis in box_axes(operator, case).items():
        # Wide enough that no difference of the largest float64 overflows.
        boxes = np.moveaxis(case.inputs[name], axis, -1).astype(np.longdouble)
        boxes = boxes.reshape(-1, boxes.shape[-2] if boxes.ndim > 1 else 1, 4)
        if is_center(operator, case):
            half = boxes[..., 2:] / 2
            boxes = np.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], -1)
        found[name] = boxes
    return found


def _drawing(sets: dict[str, Array], caption: str, offset: float) -> Drawing:
    every = np.concatenate(list(sets.values()))
    points = np.concatenate([every[:, :2], every[:, 2:]])
    low, span = points.min(0), np.ptp(points, 0)
    scale = SIZE / (span.max() or 1)
    width, height = span * scale + 2 * MARGIN
    shapes = []
    for group, (name, boxes) in enumerate(sets.items()):
        shapes += list(_shapes(name, group, (boxes - np.tile(low, 2)) * scale + MARGIN))
    # Boxes of one input are compared with each other, if there are several.
    compared = len(sets) > 1 or len(every) > 1
    rows = [(name, i) for name in [*sets][:compared] for i in range(len(sets[name]))]
    columns = [(name, i) for name in ([*sets][1:] or [*sets]) for i in range(len(sets[name]))]
    return Drawing(
        caption,
        float(width),
        float(height),
        _point(low),
        _point(low + span),
        shapes,
        list(sets),
        [f"{name}[{i}]" for name, i in rows],
        [f"{name}[{i}]" for name, i in columns],
        [[_iou(sets[a][i], sets[b][j], offset) for b, j in columns] for a, i in rows],
    )


def _shapes(name: str, group: int, boxes: Array) -> Iterator[Shape]:
    """Yield one shape for all boxes that are equal."""
    labels: dict[tuple[float, ...], list[int]] = {}
    for i, box in enumerate(boxes.astype(np.float64)):
        labels.setdefault(tuple(box.tolist()), []).append(i)
    for (left, top, right, bottom), numbers in labels.items():
        yield Shape(
            min(left, right),
            min(top, bottom),
            abs(right - left),
            abs(bottom - top),
            group,
            f"{name}[{', '.join(map(str, numbers))}]",
            right < left or bottom < top,
        )


def _iou(a: Array, b: Array, offset: float) -> str:
    from refkernels.definition.bbox import BBoxBatchIOU

    pair = (box[None].astype(np.float64) for box in (a, b))
    iou = float(BBoxBatchIOU(*pair, offset=offset, eps=0).flat[0])
    return "0" if iou == 0 else f"{iou:.4g}"


def _point(xy: Array) -> str:
    return f"({float(xy[0]):.6g}, {float(xy[1]):.6g})"

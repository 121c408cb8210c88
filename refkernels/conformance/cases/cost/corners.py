"""Corner cases of costs and metrics (SPEC section 6)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS"]

# All are prime: larger than the blocks and tiles that kernels work in, and no multiple of any.
IMAGES, ANCHORS, TRUTHS, CLASSES, MANY_ANCHORS = 131, 2113, 1031, 1033, 70001

TABLES = ((None, ANCHORS, 3), (None, 7, TRUTHS), (None, MANY_ANCHORS, 2), (IMAGES, 5, 3))


def _shape(images: int | None, *axes: int) -> tuple[int, ...]:
    return axes if images is None else (images, *axes)


def _boxes(rng: Any, *shape: int) -> Array:
    corners = rng.integers(0, 200, (*shape, 2)) / 4
    return np.concatenate([corners, corners + rng.integers(1, 200, (*shape, 2)) / 4], -1)


def _distances() -> Iterator[Case]:
    """Yield boxes far from the origin, and many boxes."""
    far = np.array([[9e3, 9e3, 9001, 9001], [9e3, 9e3, 9002, 9004]])
    yield Case({}, {"a": far, "b": far[::-1] + np.array([0, 0, 3, 8])})
    rng = np.random.default_rng(0)
    for images, count, others in TABLES:
        a, b = _boxes(rng, *_shape(images, count)), _boxes(rng, *_shape(images, others))
        yield Case({}, {"a": a, "b": b})


def _at_margin(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield points at the margin and next to it on both sides, from each side of a box.

    Two sides are 0, so that the distance from them is any number there is.
    """
    box, margin = np.array([[0.0, 0.0, 8.0, 16.0]]), config.get("margin", 0.0)
    for dtype in (np.float16, np.float32, np.float64):
        for side in range(4):
            sign = 1 if side < 2 else -1
            edge = dtype(box[0, side] + sign * float(dtype(margin)))
            near = [np.nextafter(edge, dtype(-np.inf)), edge, np.nextafter(edge, dtype(np.inf))]
            points = np.full((3, 2), 4, dtype)
            points[:, side % 2] = near
            yield Case({}, {"points": points, "boxes": box.astype(dtype)})


def _points() -> Iterator[Case]:
    """Yield points at the margin of a box, and many points."""
    for margin in (0.0, 0.5, 0.01, 0.1):
        config = {"margin": margin} if margin else {}
        yield from (Case(config, case.inputs) for case in _at_margin(config))
    rng = np.random.default_rng(0)
    for images, count, others in TABLES:
        points = rng.integers(0, 400, (*_shape(images, count), 2)) / 4
        yield Case({}, {"points": points, "boxes": _boxes(rng, *_shape(images, others))})


def _matrices(rng: Any, images: int | None, count: int, truths: int, classes: int) -> Any:
    scores = rng.random(_shape(images, count, classes)) ** 3
    labels = rng.integers(0, classes, _shape(images, truths))
    ious = rng.random(_shape(images, count, truths))
    return {"scores": scores, "labels": labels, "ious": ious * (ious > 0.6)}


def _metrics() -> Iterator[Case]:
    """Yield scores of a class beyond those that uint8 and float16 count, and many pairs."""
    rng = np.random.default_rng(0)
    for images, count, truths in TABLES:
        yield Case({}, _matrices(rng, images, count, truths, 3))
    inputs = _matrices(rng, None, 3, 4, 2100)
    inputs["labels"] = np.array([2099, 2049, 257, 1])
    yield Case({}, inputs)
    # A truth that pads a batch has no class.
    padded = {"labels": np.array([-1, 1]), "ious": np.array([[1.0, 0.5], [0.5, 1.0]])}
    yield Case({}, {"scores": np.array([[0.25, 0.5], [0.5, 0.75]]), **padded})
    # A root, and a power that is none of products.
    for alpha, beta in ((0.5, 6.0), (0.7, 3.3)):
        yield Case({"alpha": alpha, "beta": beta}, _matrices(rng, None, ANCHORS, 3, 5))


def _simota() -> Iterator[Case]:
    """Yield scores at which logarithms end: 0 and 1, of the truth's class, of another, of all."""
    sure = np.array([[0, 1, 0], [1, 1, 1], [0, 0, 0], [1, 0, 1], [0.5, 1, 0.5], [1, 0.5, 0]])
    inputs = {
        "scores": sure,
        "labels": np.arange(3),
        "ious": np.tile([1.0, 0.0, 0.5], (6, 1)),
        "inside": np.arange(18).reshape(6, 3) % 2 == 0,
    }
    yield Case({}, inputs)
    # So sure that the products of what is left underflow, in every dtype but float64.
    tiny = {**inputs, "scores": np.full((6, 3), 1 - 2.0**-24)}
    yield Case({}, tiny)
    yield Case({}, {**inputs, "labels": np.array([-1, 0, -1])})  # as padding has it
    rng = np.random.default_rng(0)
    for images, count, truths in TABLES:
        inputs = _matrices(rng, images, count, truths, 3)
        yield Case({}, {**inputs, "inside": inputs["ious"] > 0.7})
    for classes in (CLASSES, 91):
        for scores in (0.999 + np.zeros((7, classes)), rng.random((7, classes))):
            inputs = {**_matrices(rng, None, 7, 5, classes), "scores": scores}
            yield Case({}, {**inputs, "inside": inputs["ious"] > 0.7})


def _detr() -> Iterator[Case]:
    """Yield boxes without extent, equal ones and touching ones; and many predictions."""
    boxes = np.array(
        [[4, 4, 2, 2], [4, 4, 0, 0], [4, 4, 0, 2], [6, 4, 2, 2], [0, 0, 0, 0], [-1, -1, -1, -1]],
        np.float64,
    )
    logits = np.array([[0, 0], [90, -90], [-90, 90], [1, 2], [30, 0], [0, 30]], np.float64)
    inputs = {"logits": logits, "boxes": boxes, "labels": np.arange(6) % 2, "truths": boxes}
    for kind in ("softmax", "focal"):
        yield Case({"kind": kind}, inputs)
        yield Case({"kind": kind, "l1_weight": 0.0, "class_weight": 0.0}, inputs)
        yield Case({"kind": kind}, {**inputs, "labels": np.array([0, -1, 1, 1, -1, -1])})
    # What costs next to nothing, which is lost beside any other number.
    point = np.array([[4, 4, 0, 0]], np.float64)
    near = {"boxes": point, "labels": np.array([1]), "truths": point}
    yield Case({}, {"logits": np.array([[17.0, 0.0]]), **near})
    rng = np.random.default_rng(0)
    for images, count, truths in (*TABLES, (None, 61, 5)):
        classes = CLASSES if count == 61 else 3
        yield Case(
            {},
            {
                "logits": rng.normal(0, 2, _shape(images, count, classes)),
                "boxes": rng.random((*_shape(images, count), 4)),
                "labels": rng.integers(0, classes, _shape(images, truths)),
                "truths": rng.random((*_shape(images, truths), 4)),
            },
        )


CORNERS: Mapping[str, Callable[[], Iterable[Case]]] = {
    "CenterDistance": _distances,
    "InsideMask": _points,
    "TaskAlignedMetric": _metrics,
    "SimOTACost": _simota,
    "DETRCost": _detr,
}

# What is there for a fixed configuration.
AIMED = {"InsideMask": _at_margin}

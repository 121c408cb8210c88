"""Corner cases of the suppression of boxes (SPEC section 6)."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS"]

# Of 8 x 1 and up: with the first, the k-th has an IoU of exactly k / 8.
NESTED = np.array([[0, 0, 8, 1], *([0, 0, k, 1] for k in range(1, 9))], np.float64)

# Larger than any block of threads, and no multiple of one.
MANY, MORE = 2113, 5003


def _case(config: Mapping[str, Any], boxes: Array, scores: Array, labels: Array | None) -> Case:
    inputs = {"boxes": boxes, "scores": scores}
    return Case(config, inputs if labels is None else {**inputs, "labels": labels})


def _no_labels(boxes: Array) -> None:
    return None


def _one_label(boxes: Array) -> Array:
    return np.full(len(boxes), 3)


def _zeros(label: Any, boxes: Array) -> Array | None:
    """Return labels of 0, of which no multiple takes digits of boxes."""
    labels = label(boxes)
    return None if labels is None else 0 * labels


def _corners(labelled: bool) -> Iterator[Case]:
    label = _one_label if labelled else _no_labels
    # The last two are less than the nearest numbers of narrower dtypes, which are the thresholds.
    for threshold in (0.5, 0.0, 0.125, 0.875, 1.0, 0.3, 0.6):
        yield from _at_threshold({"threshold": threshold}, label)
    half = {"threshold": 0.5}
    # No boxes, and one.
    for count in (0, 1):
        yield _case(half, NESTED[:count], np.ones(count), label(NESTED[:count]))
    # Each but the first would suppress the next, and is itself suppressed, or not.
    steps = np.arange(12.0)[:, None] * [1, 0, 1, 0]
    chain = np.array([0.0, 0, 4, 4]) + steps
    for scores in (np.arange(12.0)[::-1], np.arange(12.0), np.zeros(12), np.arange(12.0) % 3):
        yield _case(half, chain, scores, label(chain))
    # Equal scores, more of them than an unstable sort leaves in order; the least that differ.
    spread = np.array([0.0, 0, 2, 2]) + np.arange(700.0)[:, None] * [1, 0, 1, 0]
    yield _case({"threshold": 0.25}, spread, np.ones(700), label(spread))
    yield _case({"threshold": 0.25}, spread, -(np.arange(700.0) % 2), label(spread))
    for dtype in (np.float32, np.float64):
        near = np.array([dtype(0.7), np.nextafter(dtype(0.7), dtype(1)), 0.0, -0.0], dtype)
        same = np.array([[0, 0, 3, 3]] * 2 + [[9, 9, 12, 12]] * 2, dtype)
        yield _case(half, same, near, label(same))
    # Boxes without extent, equal ones and among others.
    flat = np.repeat(np.array([[1.0, 1, 1, 5], [2, 2, 2, 2], [6, 6, 1, 1]]), 2, axis=0)
    odd = np.concatenate(
        [flat, [[0, 0, 8, 8], [8, 0, 0, 8], [0, 8, 8, 0], [0, 0, 8, 7], [-1] * 4, [0] * 4]]
    )
    for threshold in (0.0, 0.5, 1.0):
        for scores in (np.arange(12.0), np.arange(12.0)[::-1], np.zeros(12)):
            yield _case({"threshold": threshold}, odd, scores, label(odd))
    yield from _at_reach(label)
    yield from _long(label)
    yield from _scales(label)
    yield from _unlike(label)
    yield from _far_away(label)
    yield from _many(labelled)
    if labelled:
        yield from _large_images()


def _at_threshold(config: Mapping[str, Any], label: Any) -> Iterator[Case]:
    """Yield nested boxes, in each order of size; a threshold in eighths is met exactly."""
    for rows in (np.arange(9), np.arange(9)[::-1]):
        yield _case(config, NESTED[rows], np.arange(9.0)[::-1], label(NESTED))
    threshold = config["threshold"]
    if 0 < threshold < 1:
        # Beside a box of width 1, one of the threshold, and the next numbers below and above.
        for dtype in (np.float16, np.float32, np.float64):
            at = dtype(threshold)
            for width in (np.nextafter(at, dtype(0)), at, np.nextafter(at, dtype(2))):
                pair = np.array([[0, 0, 1, 1], [0, 0, width, 1]], dtype)
                labels, scores = label(pair), np.array([1, 0.5], dtype)
                yield _case(config, pair, scores, labels)
                if labels is not None:
                    yield _case(config, pair, scores, _zeros(label, pair))


def _at_reach(label: Any) -> Iterator[Case]:
    """Yield a box that covers little over a quarter of another one, whose centre is far from its.

    No two centres are farther apart of which one box suppresses the other. Further boxes stretch
    a grid of 4 columns, or 2 rows, such that its lines are there between the two.
    """
    far = 0.5 + 4 * 1.4975
    pair = [[0, 0, 1, 1], [0, 0, 3.998, 1]]
    boxes = np.array([*pair, [far - 0.5, 0, far + 0.5, 1]])
    yield _case({"threshold": 0.25}, boxes, np.array([3.0, 2, 1]), label(boxes))
    others = np.array([4.0, 0, 6, 1]) + np.arange(150.0)[:, None] * [2, 0, 2, 0]
    others += np.array([0, 1, 0, 1]) * (2 * 1.4975)
    boxes = np.concatenate([np.array(pair)[:, [1, 0, 3, 2]], others])
    yield _case({"threshold": 0.25}, boxes, np.arange(152.0)[::-1], label(boxes))


def _long(label: Any) -> Iterator[Case]:
    """Yield long boxes, moved along their long sides: each overlaps the next much."""
    wide = np.array([0.0, 0, 100, 1]) + np.arange(160.0)[:, None] * [10, 0, 10, 0]
    for boxes in (wide, wide[:, [1, 0, 3, 2]]):
        yield _case({"threshold": 0.5}, boxes, np.arange(160.0)[::-1], label(boxes))


def _scales(label: Any) -> Iterator[Case]:
    """Yield boxes that are small, large, or far away, as float32 has them."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 16, (40, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 16, (40, 2))], -1)
    scores = rng.permutation(40).astype(np.float32)
    # Where areas are the least, what is added to them counts, be it ever so little.
    sizes = ((2.0**-20, 0), (2.0**-14, 0), (2.0**30, 0))
    for scale, shift in (*sizes, (1.0, 2**22), (1.0, -(2**22)), (0.25, 2**20)):
        own = (boxes * scale + shift).astype(np.float32)
        yield _case({"threshold": 0.3}, own, scores, label(own))


def _unlike(label: Any) -> Iterator[Case]:
    """Yield boxes whose areas leave float32, or float64, among ordinary ones."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 12, (16, 2))
    boxes = np.concatenate([corners, corners + rng.integers(1, 12, (16, 2))], -1).astype(np.float64)
    for x, y in ((70, 70), (-80, -80), (100, -100), (-20, 120), (1000, -1000), (600, 600)):
        unlike = np.concatenate([boxes, boxes * np.exp2([x, y, x, y])])[rng.permutation(32)]
        yield _case({"threshold": 0.5}, unlike, rng.random(32), _zeros(label, unlike))
    # One inside of the other, by so much smaller or larger; and boxes that are apart.
    for scale in (2.0**-75, 2.0**70):
        for order in ([0, 1], [1, 0]):
            inside = np.array([[0, 0, 1, 1], [0, 0, scale, scale]])[order]
            yield _case({"threshold": 0.0}, inside, np.array([2.0, 1]), _zeros(label, inside))
        apart = (NESTED[1] + np.array([[0.0], [16.0]])) * scale
        yield _case({"threshold": 0.0}, apart, np.array([2.0, 1]), _zeros(label, apart))
        for threshold in (0.5, 0.375):  # met exactly
            nested = NESTED * scale
            yield _case(
                {"threshold": threshold}, nested, np.arange(9.0)[::-1], _zeros(label, nested)
            )
    # So far apart that the distance is no number, though areas are.
    ends = np.array([[-1.75, 0, -1.5, 1], [1.5, 0, 1.75, 1], [1.5, 0, 1.7, 1]])
    ends = ends * np.array([2.0**1023, 1, 2.0**1023, 1])
    yield _case({"threshold": 0.5}, ends, np.array([3.0, 2, 1]), _zeros(label, ends))


def _far_away(label: Any) -> Iterator[Case]:
    """Yield small boxes so far from the origin that a float64 has few digits left for them."""
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 100, (600, 2))
    boxes = np.concatenate([corners, corners + rng.integers(2, 16, (600, 2))], -1).astype(
        np.float64
    )
    for shift in ([2.0**50, 0], [0, 2.0**50], [-(2.0**49), 2.0**49]):
        yield _case({"threshold": 0.3}, boxes + np.tile(shift, 2), rng.random(600), label(boxes))
    # Where centres are rounded to whole numbers, apart; a third box makes cells of 1.
    start = 2.0**52
    ends = np.array([[0, 0, 1, 1], [0, 0, 3, 1], [4, 0, 5, 1]]) + np.array([start, 0, start, 0])
    yield _case({"threshold": 0.333}, ends, np.array([3.0, 2, 1]), _zeros(label, ends))
    # On the far side of the origin, where sums of coordinates are below their differences; wide
    # boxes reach far, and for the least threshold all that they meet counts.
    sizes = np.where(rng.random((600, 2)) < 0.1, 50, boxes[:, 2:] - boxes[:, :2])
    unlike = np.concatenate([boxes[:, :2], boxes[:, :2] + sizes], 1) - 1000
    for threshold in (0.001, 0.05):
        yield _case({"threshold": threshold}, unlike, rng.random(600), label(unlike))


def _many(labelled: bool) -> Iterator[Case]:
    """Yield as many boxes as detectors have, around fewer objects; scores of few levels tie."""
    rng = np.random.default_rng(0)
    for count, levels in ((MANY, 50), (MORE, 0)):
        sides = np.exp(rng.normal(4, 1, (count // 5, 2))).clip(4, 500)
        corners = 600 + rng.random((count // 5, 2)) * 2000
        objects = np.concatenate([corners, corners + sides], -1)[rng.integers(0, count // 5, count)]
        moves = rng.normal(0, 0.1, (count, 4)) * np.tile(objects[:, 2:] - objects[:, :2], 2)
        scores = rng.random(count) if levels == 0 else rng.integers(0, levels, count) / levels
        labels = rng.integers(0, 4, count) if labelled else None
        yield _case({"threshold": 0.5}, objects + moves, scores, labels)


def _large_images() -> Iterator[Case]:
    """Yield boxes of many labels whose coordinates leave float32 few digits."""
    rng = np.random.default_rng(0)
    for side in (2.0**20, 2.0**22):
        # Too few for a library to take another way, and enough.
        for count in (60, 1100):
            corners = rng.integers(0, 40, (count, 2)) + np.array([side, side / 2])
            boxes = np.concatenate([corners, corners + rng.integers(8, 40, (count, 2))], -1)
            inputs = boxes.astype(np.float32), rng.random(count).astype(np.float32)
            yield _case({"threshold": 0.5}, *inputs, rng.integers(0, 90, count))
    same = np.tile(np.array([[0, 0, 100, 100]], np.float32), (4, 1))
    labels = np.array([0, 2**40, 2**40 + 1, -(2**40)])
    yield _case({"threshold": 0.5}, same, np.arange(4.0).astype(np.float32), labels)


def _aimed(labelled: bool, config: Mapping[str, Any]) -> Iterator[Case]:
    yield from _at_threshold(config, _one_label if labelled else _no_labels)


CORNERS = {"NMS": partial(_corners, False), "BatchedNMS": partial(_corners, True)}

# What is there for a fixed configuration.
AIMED = {"NMS": partial(_aimed, False), "BatchedNMS": partial(_aimed, True)}

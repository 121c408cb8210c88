"""Corner cases of the operators on boxes (SPEC sections 1 and 6)."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases.bbox import overlaps
from refkernels.conformance.model.operator import Case

__all__ = ["AIMED", "CORNERS"]


def _float32(*boxes: tuple[float, ...]) -> Array:
    return np.array(boxes, np.float32)


# Their areas and IoUs are those of any scale, unless code takes what is small for nothing.
BOXES = _float32((0, 0, 3, 2), (1, 1, 4, 5), (0, 1, 8, 4))
SCALES = (np.float32(2.0**-14), np.float32(2.0**30))


def _far_away() -> Iterator[Case]:
    """Yield a box whose corners are finite, but have no finite sum."""
    yield Case({}, {"x": _float32((2e38, 2e38, 3e38, 3e38))})


def _flat_and_endless() -> Iterator[Case]:
    """Yield boxes without area, one of whose sides is no finite number; and very large ones."""
    yield Case({}, {"x": _float32((0, -3e38, 0, 3e38), (-3e38, 0, 3e38, 0))})
    yield from (Case({}, {"x": BOXES * scale}) for scale in SCALES)


def _offsets() -> Iterator[Case]:
    """Yield boxes with an offset below 0, and boxes whose overlap an offset makes exactly 0."""
    a = np.array([[0, 0, 10, 10], [2, 2, 5, 5]], np.float64)
    yield Case({"offset": -1}, {"a": a, "b": a + np.array([3, 3, 2, 2])})
    # Both are more than the nearest float32.
    for offset in (0.7, -0.1):
        yield from _beside({"offset": offset})


def _beside(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield boxes that are apart by the offset, so that they overlap in nothing."""
    offset = config.get("offset", 0)
    boxes = _float32((-1, -1, 0, 0))
    for b in (_float32((offset, -1, 1, 0)), _float32((-1, offset, 0, 1))):
        yield Case({"offset": offset}, {"a": boxes, "b": b})


def _aimed(config: Mapping[str, Any]) -> Iterator[Case]:
    """Yield boxes about as large as an offset, and such whose union is about eps."""
    yield from _beside(config)
    sizes = {abs(config.get("offset", 0)), math.sqrt(config.get("eps", 1e-15))} - {0}
    for size in sizes:
        for factor in (0.5, 1.0, 3.0):
            x = np.array([[0, 0, 3, 2], [1, 1, 4, 5], [0, 1, 8, 4]]) * (size * factor)
            yield Case({}, {"a": x, "b": x[:2]})


def _pairs() -> Iterator[Case]:
    yield from _offsets()
    yield from (Case({}, {"a": BOXES * scale, "b": BOXES[:2] * scale}) for scale in SCALES)


CORNERS = {
    "BBoxCornerToCenter": _far_away,
    "NumPyBBoxCornerToCenter": _far_away,
    "BBoxArea": _flat_and_endless,
    "BBoxBatchIOU": _pairs,
    **overlaps.CORNERS,
}

# What is there for a fixed configuration.
AIMED = {"BBoxBatchIOU": _aimed, **overlaps.AIMED}

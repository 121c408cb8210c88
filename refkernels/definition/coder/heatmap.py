"""What the encoder of centre heat maps means (SPEC section 6).

Cells and radii are decided exactly: a radius by the three IoUs themselves, without a square root.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath
import numpy as np
import numpy.typing as npt

from refkernels.definition.bbox import exact, real

__all__ = ["CenterHeatmapEncoder", "Peak", "heatmap_peaks", "largest_radius"]

Array = npt.NDArray[Any]

PRECISION = 300


class Peak(NamedTuple):
    """What a box leaves on the maps of its image.

    Its number among the boxes, its label, its cell, its radius, its sides in cells, and where in
    its cell its centre lies.
    """

    box: int
    label: int
    row: int
    column: int
    radius: int
    sides: tuple[Fraction, Fraction]
    offset: tuple[Fraction, Fraction]


def CenterHeatmapEncoder(
    boxes: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    num_class: int,
    size: int | tuple[int, int],
    scale: float = 4.0,
    min_overlap: float = 0.7,
    ceil: bool = False,
) -> tuple[Array, Array, Array, Array]:
    """Define `refkernels.CenterHeatmapEncoder`: heatmap, wh, reg and mask, all exact."""
    batched = np.ndim(boxes) == 3 or np.ndim(labels) == 2
    rows = np.asarray(boxes) if np.ndim(boxes) == 3 else np.asarray(boxes)[np.newaxis]
    classes = np.asarray(labels) if np.ndim(labels) == 2 else np.asarray(labels)[np.newaxis]
    size = (size, size) if isinstance(size, int) else size
    height, width = size
    maps = [
        np.full((len(rows), channels, height, width), Fraction(0), object)
        for channels in (num_class, 2, 2, 1)
    ]
    heat, sides, offsets, mask = maps
    for image in range(len(rows)):
        own = rows[image], classes[image]
        options: Any = {"size": size, "scale": scale, "min_overlap": min_overlap, "ceil": ceil}
        for peak in heatmap_peaks(*own, **options):
            for y, x in _window(peak, size):
                distance = (y - peak.row) ** 2 + (x - peak.column) ** 2
                place = image, peak.label, y, x
                heat[place] = max(heat[place], _gaussian(distance, peak.radius), key=_mpf)
            cell = image, slice(None), peak.row, peak.column
            if mask[cell] == 0:
                sides[cell], offsets[cell], mask[cell] = peak.sides, peak.offset, 1
    if batched:
        return heat, sides, offsets, mask[:, 0]
    return heat[0], sides[0], offsets[0], mask[0, 0]


def heatmap_peaks(
    boxes: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    size: tuple[int, int],
    scale: float = 4.0,
    min_overlap: float = 0.7,
    ceil: bool = False,
) -> Iterator[Peak]:
    """Yield the peaks of an image's boxes, (M, 4), in order; some boxes have none."""
    # What enters arithmetic is rounded to the dtype that is computed in.
    computing = np.result_type(real(boxes), np.float32).type
    unit, overlap = Fraction(float(computing(scale))), Fraction(float(computing(min_overlap)))
    height, width = size
    for i, (xmin, ymin, xmax, ymax) in enumerate(exact(boxes)):
        if xmax <= xmin or ymax <= ymin:
            continue
        x, y = (xmin + xmax) / 2 / unit, (ymin + ymax) / 2 / unit
        column, row = math.floor(x), math.floor(y)
        if not (0 <= column < width and 0 <= row < height):
            continue
        sides = (xmax - xmin) / unit, (ymax - ymin) / unit
        wide, high = (Fraction(math.ceil(side)) if ceil else side for side in sides)
        radius = largest_radius(wide, high, overlap)
        label = int(np.asarray(labels)[i])
        yield Peak(i, label, row, column, radius, sides, (x - column, y - row))


def largest_radius(width: Fraction, height: Fraction, overlap: Fraction) -> int:
    """Return by how many whole cells both corners may move for each IoU to be the overlap still.

    Farther moves overlap less, so that the last one that does enough is found by halving.
    """

    def is_enough(shift: int) -> bool:
        """Return whether all three IoUs are at least the overlap after this shift."""
        if 2 * shift > min(width, height):
            return False
        area = width * height
        moved = (width - shift) * (height - shift)  # both corners one way
        inside = (width - 2 * shift) * (height - 2 * shift)
        outside = (width + 2 * shift) * (height + 2 * shift)
        return (
            moved >= overlap * (2 * area - moved)
            and inside >= overlap * area
            and area >= overlap * outside
        )

    low, high = 0, math.floor(min(width, height)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(middle):
            low = middle
        else:
            high = middle
    return low


def _window(peak: Peak, size: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the cells around a peak that are on the map."""
    height, width = size
    for y in range(max(peak.row - peak.radius, 0), min(peak.row + peak.radius + 1, height)):
        for x in range(
            max(peak.column - peak.radius, 0), min(peak.column + peak.radius + 1, width)
        ):
            yield y, x


def _gaussian(square: int, radius: int) -> Any:
    """Return exp(-square / (2 sigma**2)), where sigma is a sixth of 2 radius + 1."""
    if square == 0:
        return Fraction(1)
    deviation = Fraction(2 * radius + 1, 6)
    exponent = -square / (2 * deviation**2)
    with mpmath.workprec(PRECISION):
        return mpmath.exp(_mpf(exponent))


def _mpf(x: Any) -> Any:
    """Return a fraction as mpmath has numbers: from 1.4 on it compares none with a fraction."""
    return mpmath.mpf(x.numerator) / x.denominator if isinstance(x, Fraction) else x

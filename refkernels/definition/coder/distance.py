"""What the coders of distances mean (SPEC section 6), in exact rational arithmetic."""

from typing import Any

import numpy as np
import numpy.typing as npt

from refkernels.definition.bbox import exact

__all__ = ["DistanceDecoder", "DistanceEncoder"]

Array = npt.NDArray[Any]


def DistanceEncoder(
    points: npt.ArrayLike,
    boxes: npt.ArrayLike,
    sizes: npt.ArrayLike | None = None,
    *,
    normalize: bool = False,
) -> Array:
    """Define `refkernels.DistanceEncoder`."""
    centres, corners = exact(points), exact(boxes)
    distances = np.empty(corners.shape, object)
    for index in np.ndindex(corners.shape[:-1]):
        x, y = centres[index[-1]]
        xmin, ymin, xmax, ymax = corners[index]
        own = [x - xmin, y - ymin, xmax - x, ymax - y]
        if normalize:
            width, height = exact(sizes)[index[-1]]  # type: ignore[arg-type]
            own = [own[0] / width, own[1] / height, own[2] / width, own[3] / height]
        distances[index] = own
    return distances


def DistanceDecoder(
    points: npt.ArrayLike,
    distances: npt.ArrayLike,
    sizes: npt.ArrayLike | None = None,
    *,
    normalize: bool = False,
) -> Array:
    """Define `refkernels.DistanceDecoder`."""
    centres, values = exact(points), exact(distances)
    boxes = np.empty(values.shape, object)
    for index in np.ndindex(values.shape[:-1]):
        x, y = centres[index[-1]]
        left, top, right, bottom = values[index]
        if normalize:
            width, height = exact(sizes)[index[-1]]  # type: ignore[arg-type]
            left, top, right, bottom = left * width, top * height, right * width, bottom * height
        boxes[index] = [x - left, y - top, x + right, y + bottom]
    return boxes

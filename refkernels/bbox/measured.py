"""What IoU and IoA measure of a box: its corners, and its area with the offset."""

import numpy as np

from refkernels.bbox.pairs import BLOCK
from refkernels.jit import jit

__all__ = ["SAFE_AREAS", "corners", "measured", "measured_block", "overlap"]

# Between what magnitudes an area that is not 0 may lie: two of the largest still have a finite sum,
# and the smallest has lost no digits.
SAFE_AREAS = {
    info.dtype: (info.dtype.type(info.tiny), info.dtype.type(info.max / 4))
    for info in (np.finfo(np.float32), np.finfo(np.float64))
}


@jit
def measured(  # type: ignore[no-untyped-def]
    left, top, right, bottom, corner, half, offset_x, offset_y, eps, tiny, huge
):
    """Return xmin, ymin, xmax, ymax and the area of a box, and whether its IoUs are sure.

    They are not where the area overflows or underflows, as far as it is one, or where a coordinate
    is nan or infinite. An empty box meets nothing, so its area only has to keep 0 / union from
    being 0 / 0, and is returned as 1. No coordinate is -0.
    """
    zero = half - half
    if not corner:
        half_width, half_height = right * half, bottom * half
        left, right = left - half_width, left + half_width
        top, bottom = top - half_height, top + half_height
    left, top, right, bottom = left + zero, top + zero, right + zero, bottom + zero
    width, height = right - left + offset_x, bottom - top + offset_y
    area = width * height
    whole = (area >= tiny) | (width <= zero) | (height <= zero)
    sure = (abs(area) + eps <= huge) & whole
    return left, top, right, bottom, area if area > zero else half + half, sure


@jit
def measured_block(block, given):  # type: ignore[no-untyped-def]
    """Measure a block of boxes in its place; return whether all are sure."""
    all_sure = True
    for i in range(BLOCK):
        left, top, right, bottom, area, sure = measured(
            block[i], block[BLOCK + i], block[2 * BLOCK + i], block[3 * BLOCK + i], *given
        )
        block[i] = left
        block[BLOCK + i] = top
        block[2 * BLOCK + i] = right
        block[3 * BLOCK + i] = bottom
        block[4 * BLOCK + i] = area
        all_sure &= sure
    return all_sure


@jit
def corners(block, i):  # type: ignore[no-untyped-def]
    """Return the corners of box i of a block."""
    return block[i], block[BLOCK + i], block[2 * BLOCK + i], block[3 * BLOCK + i]


@jit
def overlap(box, other):  # type: ignore[no-untyped-def]
    """Return the sides of the overlap of two boxes, which are below 0 where there is none."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    return width, min(box[3], other[3]) - max(box[1], other[1])

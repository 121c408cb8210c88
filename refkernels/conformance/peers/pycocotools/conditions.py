"""When pycocotools differs: on which cases."""

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.model.case import Case
from refkernels.conformance.peers.corner_and_sides import with_sides

__all__ = ["columns_are_read_as_rows"]


def _overlaps(a: Array, b: Array) -> Array:
    """Return whether pairs meet, and their intersections and areas, of boxes by corner and sides.

    Those that meet may have an intersection and areas of nothing, of which the share is no number.
    """
    low = np.maximum(a[:, None, :2], b[:, :2])
    sides = np.minimum(a[:, None, :2] + a[:, None, 2:], b[:, :2] + b[:, 2:]) - low
    meets = (sides > 0).all(-1)
    areas = a[:, None, 2:].prod(-1), b[:, 2:].prod(-1)
    return np.stack(np.broadcast_arrays(meets, np.where(meets, sides.prod(-1), 0), *areas))


def columns_are_read_as_rows(case: Case) -> bool:
    """Return whether boxes whose columns lie one after the other are other boxes read by rows."""
    a, b = (array.reshape(-1, *array.shape[-2:]) for array in case.inputs.values())
    for image in range(max(len(a), len(b)) if a.size and b.size else 0):
        own = [with_sides(x[min(image, len(x) - 1)]) for x in (a, b)]
        theirs = [x.ravel("F").reshape(x.shape) for x in own]
        if any((x != y).any() for x, y in zip(own, theirs, strict=True)):
            with np.errstate(all="ignore"):
                right, wrong = _overlaps(*own), _overlaps(*theirs)
            if ((right != wrong).any(0) & ((right[0] > 0) | (wrong[0] > 0))).any():
                return True
    return False

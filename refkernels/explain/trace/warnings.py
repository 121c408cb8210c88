"""What looks wrong about boxes before anything is matched: their unit, or their form."""

import numpy as np

from refkernels.arrays import Array
from refkernels.arrays.printing import times

__all__ = ["is_padding", "warnings_of"]

# Shares of an image, out of which they may jut; pixels are many times as large.
SHARES = 2.0
TIMES = 20.0


def warnings_of(anchors: Array, boxes: Array) -> list[str]:
    """Return what looks wrong about ground truth boxes beside anchors, a sentence each.

    Parameters
    ----------
    anchors, boxes : numpy.ndarray, (N, 4) and (M, 4)
        Corner boxes, finite; those that pad are left out.

    Examples
    --------
    >>> anchors = np.array([[0.0, 0, 30, 30], [270, 270, 300, 300]])
    >>> warnings_of(anchors, anchors / 300)
    ['boxes lie in [0, 1], centres of anchors in [15, 285]: are the boxes normalised?']
    >>> warnings_of(anchors, np.array([[200.0, 100, 50, 20]]))
    ['x2 < x1 or y2 < y1 in 1 of 1 box: is this xywh?']
    """
    boxes = boxes[~is_padding(boxes)].astype(np.float64)
    if not len(boxes) or not len(anchors):
        return []
    wide = np.array(anchors.T, np.float64, order="C")  # a coordinate a row, which is reduced fast
    centres = (wide[:2] + wide[2:]) / 2
    low, high = wide[:2].min(axis=1), wide[2:].max(axis=1)
    most, grid = float(np.abs(boxes).max()), float(np.abs(centres).max())
    ranges = f"boxes lie in {_range(boxes)}, centres of anchors in {_range(centres)}"
    if most <= SHARES and grid > TIMES * most:
        return [f"{ranges}: are the boxes normalised?"]
    if grid <= SHARES and most > TIMES * grid:
        return [f"{ranges}: are the anchors normalised?"]
    told = []
    inverted = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if inverted.any():
        sides = boxes[inverted, 2:]
        guess = "is this xywh?" if (sides > 0).all() else "are corners in another order?"
        count = int(inverted.sum())
        told.append(f"x2 < x1 or y2 < y1 in {count} of {times(len(boxes), 'box')}: {guess}")
    middles = (boxes[~inverted, :2] + boxes[~inverted, 2:]) / 2
    outside = ((middles < low) | (middles > high)).any(axis=1)
    if outside.any():
        told.append(
            f"{ranges}; {int(outside.sum())} of {times(len(boxes), 'box')} have their centre "
            "where no "
            "anchor is: were they resized with the image?"
        )
    return told


def is_padding(boxes: Array) -> Array:
    """Mark the rows (...) of boxes (..., 4) that stand for no object.

    They have no extent, and their numbers are all the same, or none is positive: what else has no
    extent may be a box in another form.

    Examples
    --------
    >>> is_padding(np.array([[0, 0, -1, -1], [9, 9, 9, 9], [9, 9, 3, 4], [0, 0, 3, 4]]))
    array([ True,  True, False, False])
    """
    same = (boxes == boxes[..., :1]).all(axis=-1)
    low = (boxes <= 0).all(axis=-1) & ~(boxes[..., 2:] > boxes[..., :2]).all(axis=-1)
    return np.asarray(same | low)


def _range(values: Array) -> str:
    return f"[{values.min():.4g}, {values.max():.4g}]"

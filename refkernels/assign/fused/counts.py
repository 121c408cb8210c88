"""How many anchors each box is matched with, and its best IoU: all that a survey looks at.

No targets are made, and nothing is drawn: where anchors are many, that is most of the work.
"""

import numpy as np

from refkernels.assign.fused.bipartite import search
from refkernels.assign.fused.known import NONE, lowest
from refkernels.assign.fused.matching import match
from refkernels.assign.fused.samples import (
    COMPOSE,
    DONE,
    EPS,
    LARGEST_COORDINATE,
    boxes_of,
    rules_of,
)
from refkernels.assign.fused.tiles import box_at
from refkernels.jit import jit, next_number

__all__ = ["best_ious", "count_matches"]


@jit
def count_matches(  # type: ignore[no-untyped-def]
    tiles, plan, boxes, starts, counter, scratch, free, counts, best, status
):
    """Count the matches of the images of a batch, until no number of one is left.

    Parameters
    ----------
    boxes : (sum of M, 4)
        Those of all images, one after the other.
    starts : int64, (B + 1,)
        Where each image's boxes begin.
    counter : int64, (1,)
        The number of the next image, shared by the threads that share the batch.
    free : uint64, (ceil(N / 64),)
        Zeros.
    counts, best : int64 and the dtype of the boxes, (sum of M,)
        Filled with each box's matches and its largest IoU; 0 of a box without extent.
    status : int64, (B,)
        Filled with DONE or, where that is left to the operators, COMPOSE.
    """
    rules = rules_of(plan)
    while True:
        image = next_number(counter)
        if image >= status.shape[0]:
            return
        first, last = starts[image], starts[image + 1]
        kept = np.empty(last - first, np.int64)
        own, usable = boxes_of(
            boxes[first:last], kept, plan.reals[EPS], plan.reals[LARGEST_COORDINATE]
        )
        status[image] = DONE if usable else COMPOSE
        if not usable:
            continue
        counts[first:last] = 0
        best[first:last] = 0
        match(tiles, own, rules, scratch)
        for word in range(scratch.marks.shape[0]):
            bits = scratch.marks[word]
            while bits != 0:
                row = word * 64 + lowest(bits)
                bits &= bits - np.uint64(1)
                if scratch.known[row] & NONE != NONE:
                    counts[first + kept[scratch.matches[row]]] += 1
        _fill_best(tiles, own, kept, free, first, best)


@jit
def best_ious(tiles, boxes, eps, limit, free, best):  # type: ignore[no-untyped-def]
    """Fill `best` (M,) with the largest IoU of each box (M, 4) of an image; 0 without extent.

    Returns whether that is done, and not left to `BBoxBatchIOU`.
    """
    kept = np.empty(boxes.shape[0], np.int64)
    own, usable = boxes_of(boxes, kept, eps, limit)
    if usable:
        best[:] = 0
        _fill_best(tiles, own, kept, free, 0, best)
    return usable


@jit
def _fill_best(tiles, boxes, kept, free, first, best):  # type: ignore[no-untyped-def]
    if tiles.columns.shape[0] == 0:
        return
    for column in range(boxes.shape[0]):
        best[first + kept[column]], _ = search(
            tiles, box_at(boxes, column), boxes.dtype.type(0), -1, free
        )

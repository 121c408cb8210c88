"""The bipartite matcher fused with the IoU: each box's best anchor, and those that share it."""

import numpy as np

from refkernels.assign.fused.known import SLACK, give, is_marked, mark
from refkernels.assign.fused.tiles import BLOCK, TILE, UP, box_at, iou_bounds, reaches, tile_ious
from refkernels.jit import jit
from refkernels.matcher.heap import sink_column

__all__ = ["match_greedily", "own_best", "search", "share"]


@jit
def search(tiles, box, best, head, taken):  # type: ignore[no-untyped-def]
    """Return the largest IoU of a box, over anchors that are not taken, and the lowest that has it.

    `best` and `head` are the largest known so far; 0 and -1 if none is.
    """
    _, columns, rows, bounds, blocks, starts = tiles
    kind = columns.dtype.type
    up, slack = kind(UP), kind(SLACK)
    count = starts.shape[0] - 1
    ious = np.empty(TILE, columns.dtype)
    promise = np.empty(count, columns.dtype)
    near = np.empty(BLOCK, columns.dtype)
    iou_bounds(blocks, 0, count, box, promise)
    # The block that promises most goes first, and of each the tile that promises most: what that
    # holds rules out most others.
    first, highest = 0, promise[0]
    for block in range(1, count):
        if promise[block] > highest:
            first, highest = block, promise[block]
    for turn in range(-1, count):
        block = first if turn < 0 else turn
        if turn == first or promise[block] == 0 or promise[block] * up + slack < best:
            continue
        begin, end = starts[block], starts[block + 1]
        iou_bounds(bounds, begin, end, box, near)
        lead = begin + np.argmax(near[: end - begin])
        for step in range(begin - 1, end):
            tile = lead if step < begin else step
            bound = near[tile - begin]
            if step == lead or bound == 0 or bound * up + slack < best:
                continue
            tile_ious(columns, tile, box, ious)
            if reaches(ious, best):
                for i in range(TILE):
                    row = np.int64(rows[tile, i])
                    if ious[i] > best or (ious[i] == best and row < head):
                        if not is_marked(taken, row):
                            best, head = ious[i], row
    return best, head


@jit
def match_greedily(tiles, boxes, rules, place, scratch, best, head):  # type: ignore[no-untyped-def]
    """Match the largest remaining candidate until none is left; ties by lowest row, then column."""
    threshold = rules.matchers[place, 1]
    value, row = best.copy(), head.copy()
    # A heap of columns, the one that is next on top.
    heap = np.flatnonzero(value > threshold)
    size = heap.shape[0]
    for i in range(size // 2 - 1, -1, -1):
        sink_column(heap, size, i, value, row)
    while size > 0:
        chosen = heap[0]
        if is_marked(scratch.taken, row[chosen]):
            # What is known of a column is never too low, so it may wait until it is chosen.
            value[chosen], row[chosen] = search(
                tiles, box_at(boxes, chosen), boxes.dtype.type(0), -1, scratch.taken
            )
        else:
            mark(scratch.taken, row[chosen])
            give(rules, scratch, place, row[chosen], chosen)
            value[chosen] = threshold
        if not value[chosen] > threshold:
            size -= 1
            heap[0] = heap[size]
        sink_column(heap, size, 0, value, row)


@jit
def share(tiles, boxes, rules, place, scratch, best):  # type: ignore[no-untyped-def]
    """Match the anchors that share a box's best IoU, to within eps, with their own best box."""
    _, columns, rows, bounds, blocks, starts = tiles
    kind = boxes.dtype.type
    up, slack = kind(UP), kind(SLACK)
    threshold, eps = rules.matchers[place, 1], rules.matchers[place, 2]
    ious = np.empty(TILE, boxes.dtype)
    promise = np.empty(starts.shape[0] - 1, boxes.dtype)
    near = np.empty(BLOCK, boxes.dtype)
    corners = boxes.T.copy()
    all_ious = np.empty(boxes.shape[0], boxes.dtype)
    for column in range(len(best)):
        least = best[column]
        if least <= threshold:
            continue
        box = box_at(boxes, column)
        iou_bounds(blocks, 0, promise.shape[0], box, promise)
        for block in range(promise.shape[0]):
            if (promise[block] * up + slack + eps) * up < least:
                continue
            begin, end = starts[block], starts[block + 1]
            iou_bounds(bounds, begin, end, box, near)
            for tile in range(begin, end):
                if (near[tile - begin] * up + slack + eps) * up < least:
                    continue
                tile_ious(columns, tile, box, ious)
                hits = np.int32(0)
                for i in range(TILE):
                    hits |= np.int32((ious[i] > threshold) & (ious[i] + eps >= least))
                if hits == 0:
                    continue
                for i in range(TILE):
                    if ious[i] > threshold and ious[i] + eps >= least:
                        row = np.int64(rows[tile, i])
                        if not is_marked(scratch.taken, row):
                            anchor = (
                                columns[tile, 0, i],
                                columns[tile, 1, i],
                                columns[tile, 2, i],
                                columns[tile, 3, i],
                                columns[tile, 4, i],
                            )
                            own, value = own_best(anchor, corners, all_ious)
                            if rules.matchers[place, 3] != 0 or value + eps >= best[own]:
                                mark(scratch.taken, row)
                                give(rules, scratch, place, row, own)


@jit
def own_best(anchor, corners, ious):  # type: ignore[no-untyped-def]
    """Return the first box of the largest IoU with an anchor, and that IoU.

    The anchor is a tuple, with its area; `corners` (6, M) are the boxes, and `ious` (M,) is
    overwritten: one loop that is vectorised, and one that cannot be.
    """
    zero = corners.dtype.type(0)
    left, top, right, bottom, area = anchor
    for k in range(corners.shape[1]):
        width = max(min(right, corners[2, k]) - max(left, corners[0, k]), zero)
        height = max(min(bottom, corners[3, k]) - max(top, corners[1, k]), zero)
        inter = width * height
        ious[k] = inter / (area + corners[5, k] - inter)
    own, largest = 0, zero
    for k in range(corners.shape[1]):
        if ious[k] > largest:
            own, largest = k, ious[k]
    return own, largest

"""Matchers fused with the IoU: what they give on the whole matrix, from the few pairs that matter.

Boxes that do not meet have IoU exactly 0. So with thresholds above 0 only pairs of some overlap can
be matched, and of these only those that reach the least threshold, or their box's best.
"""

import numpy as np

from refkernels.assign.fused.bipartite import match_greedily, search, share
from refkernels.assign.fused.known import (
    BIPARTITE,
    NONE,
    SLACK,
    THRESHOLD,
    UNDECIDED,
    flags_of,
    lowest,
    mark,
)
from refkernels.assign.fused.quality import match_best
from refkernels.assign.fused.tiles import BLOCK, TILE, UP, box_at, iou_bounds, reaches, tile_ious
from refkernels.jit import jit

__all__ = ["match"]


@jit
def match(tiles, boxes, rules, scratch):  # type: ignore[no-untyped-def]
    """Write to `scratch` all anchors that are matched or reach a threshold.

    `boxes` (M, 6) holds corners, area, and area with the IoU's eps, of boxes that have an extent.
    """
    scratch.marks[:] = 0
    count = boxes.shape[0]
    if count == 0 or tiles.columns.shape[0] == 0:
        return
    # The largest IoU of each box, and the lowest anchor that has it.
    best = np.zeros(count, boxes.dtype)
    head = np.full(count, -1, np.int64)
    if rules.relevant <= 1:
        _reach(tiles, boxes, rules, scratch, best, head)
    searched = False
    for place in range(rules.matchers.shape[0]):
        by_best = rules.matchers[place, 0] == THRESHOLD and rules.matchers[place, 3] != 0
        if rules.matchers[place, 0] != BIPARTITE and not by_best:
            continue
        scratch.taken[:] = 0
        if not searched:
            searched = True
            for column in range(count):
                if best[column] < rules.relevant:  # otherwise all that could be better was seen
                    best[column], head[column] = search(
                        tiles, box_at(boxes, column), best[column], head[column], scratch.taken
                    )
        if by_best:
            match_best(tiles, boxes, rules, scratch, best, head)
            continue
        match_greedily(tiles, boxes, rules, place, scratch, best, head)
        share(tiles, boxes, rules, place, scratch, best)


@jit
def _reach(tiles, boxes, rules, scratch, best, head):  # type: ignore[no-untyped-def]
    """Find the anchors whose largest IoU reaches a threshold, and the largest IoU of each box."""
    _, columns, rows, bounds, _, starts = tiles
    kind = boxes.dtype.type
    up, slack, zero, relevant = kind(UP), kind(SLACK), kind(0), rules.relevant
    near = np.empty(boxes.shape[0], np.int64)
    tiles_near = np.empty(boxes.shape[0], np.int64)
    promise = np.empty(max(starts.shape[0], BLOCK), boxes.dtype)
    ious = np.empty(TILE, boxes.dtype)
    top = np.empty(TILE, boxes.dtype)
    own = np.empty(TILE, np.int32)
    blocks_near = _blocks_near(tiles, boxes, relevant, promise)
    for block in range(starts.shape[0] - 1):
        begin, end = starts[block], starts[block + 1]
        found, wanted = 0, np.int64(0)
        for word in range(blocks_near.shape[1]):
            bits = blocks_near[block, word]
            while bits != 0:
                column = word * 64 + lowest(bits)
                bits &= bits - np.uint64(1)
                iou_bounds(bounds, begin, end, box_at(boxes, column), promise)
                which = np.int64(0)
                for i in range(end - begin):
                    which |= int(promise[i] * up + slack >= relevant) << i
                if which != 0:
                    near[found], tiles_near[found] = column, which
                    found += 1
                    wanted |= which
        for tile in range(begin, end):
            if (wanted >> (tile - begin)) & 1 == 0:
                continue
            fresh = True
            for k in range(found):
                if (tiles_near[k] >> (tile - begin)) & 1 == 0:
                    continue
                column = near[k]
                box = box_at(boxes, column)
                if fresh:
                    fresh = False
                    top[:] = zero
                    own[:] = 0
                tile_ious(columns, tile, box, ious)
                # Boxes come in ascending order, so that the first argmax stays.
                for i in range(TILE):
                    own[i] = np.int32(column) if ious[i] > top[i] else own[i]
                    top[i] = max(top[i], ious[i])
                if reaches(ious, best[column]):
                    for i in range(TILE):
                        row = np.int64(rows[tile, i])
                        if ious[i] > best[column] or (
                            ious[i] == best[column] and row < head[column]
                        ):
                            best[column], head[column] = ious[i], row
            if not fresh and reaches(top, relevant):
                for i in range(TILE):
                    if top[i] >= relevant:
                        _note(rules, scratch, rows[tile, i], own[i], top[i])


@jit
def _blocks_near(tiles, boxes, relevant, promise):  # type: ignore[no-untyped-def]
    """Return a bit for each block and box that may reach the least threshold, (K, ceil(M / 64)).

    One bit, and not the bound itself, so that many boxes take little memory.
    """
    blocks = tiles.blocks
    kind = boxes.dtype.type
    up, slack = kind(UP), kind(SLACK)
    count = blocks.shape[1]
    bits = np.zeros((count, (boxes.shape[0] + 63) >> 6), np.uint64)
    for column in range(boxes.shape[0]):
        iou_bounds(blocks, 0, count, box_at(boxes, column), promise)
        for block in range(count):
            if promise[block] * up + slack >= relevant:
                bits[block, column >> 6] |= np.uint64(1) << np.uint64(column & 63)
    return bits


@jit
def _note(rules, scratch, row, column, value):  # type: ignore[no-untyped-def]
    """Write down an anchor whose largest IoU is `value`, with box `column`."""
    known = NONE
    for place in range(rules.matchers.shape[0]):
        if rules.matchers[place, 0] != BIPARTITE and value >= rules.matchers[place, 1]:
            known = place
            break
    undecided = rules.matchers.shape[0] > 0 and rules.matchers[0, 0] == THRESHOLD
    missed = UNDECIDED if undecided and value >= rules.high else -1
    scratch.matches[row] = column if known != NONE else missed
    scratch.known[row] = known | flags_of(rules, value)
    mark(scratch.marks, row)

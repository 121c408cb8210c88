"""Matchers fused with the IoU: what they give on the whole matrix, from the few pairs that matter.

Boxes that do not meet have IoU exactly 0. So with thresholds above 0 only pairs of some overlap can
be matched, and of these only those that reach the least threshold, or their box's best.

What a kernel learns of an anchor it writes to `Scratch`; an anchor that is not marked there is
unmatched, and its largest IoU is below `relevant`.
"""

from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.assign.tiles import BLOCK, TILE, UP, iou_bounds, reaches, tile_ious
from refkernels.jit import jit

__all__ = [
    "BIPARTITE",
    "HIGH",
    "MAXIMUM",
    "NONE",
    "POSITIVE",
    "Rules",
    "Scratch",
    "is_marked",
    "lowest",
    "mark",
    "match",
    "new_scratch",
]

MAXIMUM, BIPARTITE = 0, 1

# What is known of an anchor: the number of the matcher that matched it, or NONE, and flags for how
# its largest IoU compares to the sampler's thresholds.
NONE = 31
POSITIVE, HIGH, LOW = 32, 64, 128

# What underflow can add to a computed IoU beyond its bound times UP, when no area is below
# `SMALLEST_AREA`: products below the normal numbers of float32, over such an area.
SLACK = 1e-14
SMALLEST_AREA = 1e-30

# Each run of 6 bits of a de Bruijn sequence is another one, so the top 6 of its product with a
# power of two tell which power that is (Leiserson, Prokop and Randall 1998).
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT = np.zeros(64, np.int64)
_BIT[[((1 << i) * int(_DE_BRUIJN) & (2**64 - 1)) >> 58 for i in range(64)]] = np.arange(64)


class Rules(NamedTuple):
    """The thresholds of matchers and sampler, in the dtype of the boxes.

    Attributes
    ----------
    matchers : numpy.ndarray, (K, 4)
        For each matcher, in order of precedence: MAXIMUM or BIPARTITE, its threshold, and for a
        bipartite one eps and share_max.
    relevant : float
        The least positive threshold that an IoU is compared with; infinity if there is none.
    positive, high, low : float
        The sampler's thresholds.
    """

    matchers: Array
    relevant: float
    positive: float
    high: float
    low: float


class Scratch(NamedTuple):
    """What is known of each anchor, kept from call to call, since most of it is never written.

    Attributes
    ----------
    marks : numpy.ndarray, uint64, (ceil(N / 64),)
        A bit for each anchor of which anything is known; for all others the rest is stale.
    taken : numpy.ndarray, uint64, (ceil(N / 64),)
        A bit for each anchor that a bipartite matcher has given away, or that a sampler draws from.
    matches : numpy.ndarray, int32, (N,)
        The matched box, or -1.
    known : numpy.ndarray, uint8, (N,)
        Which matcher did it, and flags.
    before : numpy.ndarray, int32, (ceil(N / 64),)
        How many anchors of a kind come before each word of bits.
    """

    marks: Array
    taken: Array
    matches: Array
    known: Array
    before: Array


def new_scratch(count: int) -> Scratch:
    """Make the scratch of `count` anchors: 5.3 bytes each."""
    words = -(-count // 64)
    return Scratch(
        np.zeros(words, np.uint64),
        np.zeros(words, np.uint64),
        np.empty(count, np.int32),
        np.empty(count, np.uint8),
        np.empty(words, np.int32),
    )


@jit
def is_marked(marks, row):  # type: ignore[no-untyped-def]
    """Return whether the bit of an anchor is set."""
    return (marks[row >> 6] >> np.uint64(row & 63)) & np.uint64(1) != 0


@jit
def lowest(word):  # type: ignore[no-untyped-def]
    """Return the number of the lowest bit that is set."""
    return _BIT[((word & (~word + np.uint64(1))) * _DE_BRUIJN) >> np.uint64(58)]


@jit
def mark(marks, row):  # type: ignore[no-untyped-def]
    """Set the bit of an anchor."""
    marks[row >> 6] |= np.uint64(1) << np.uint64(row & 63)


@jit
def box_at(boxes, column):  # type: ignore[no-untyped-def]
    """Return a row of `boxes` (M, 6) as a tuple."""
    return (
        boxes[column, 0],
        boxes[column, 1],
        boxes[column, 2],
        boxes[column, 3],
        boxes[column, 4],
        boxes[column, 5],
    )


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
        if rules.matchers[place, 0] != BIPARTITE:
            continue
        scratch.taken[:] = 0
        if not searched:
            searched = True
            for column in range(count):
                if best[column] < rules.relevant:  # otherwise all that could be better was seen
                    best[column], head[column] = _search(
                        tiles, box_at(boxes, column), best[column], head[column], scratch.taken
                    )
        _match_greedily(tiles, boxes, rules, place, scratch, best, head)
        _share(tiles, boxes, rules, place, scratch, best)


@jit
def _reach(tiles, boxes, rules, scratch, best, head):  # type: ignore[no-untyped-def]
    """Find the anchors whose largest IoU reaches a threshold, and the largest IoU of each box."""
    columns, rows, bounds, starts = tiles.columns, tiles.rows, tiles.bounds, tiles.starts
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
        found, wanted = 0, 0
        for word in range(blocks_near.shape[1]):
            bits = blocks_near[block, word]
            while bits != 0:
                column = word * 64 + lowest(bits)
                bits &= bits - np.uint64(1)
                iou_bounds(bounds, begin, end, box_at(boxes, column), promise)
                which = 0
                for i in range(end - begin):
                    which |= np.int64(promise[i] * up + slack >= relevant) << i
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
        if rules.matchers[place, 0] == MAXIMUM and value >= rules.matchers[place, 1]:
            known = place
            break
    scratch.matches[row] = column if known != NONE else -1
    scratch.known[row] = known | _flags(rules, value)
    mark(scratch.marks, row)


@jit
def _search(tiles, box, best, head, taken):  # type: ignore[no-untyped-def]
    """Return the largest IoU of a box, over anchors that are not taken, and the lowest that has it.

    `best` and `head` are the largest known so far; 0 and -1 if none is.
    """
    columns, rows, bounds, blocks, starts = (
        tiles.columns,
        tiles.rows,
        tiles.bounds,
        tiles.blocks,
        tiles.starts,
    )
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
def _match_greedily(tiles, boxes, rules, place, scratch, best, head):  # type: ignore[no-untyped-def]
    """Match the largest remaining candidate until none is left; ties by lowest row, then column."""
    threshold = rules.matchers[place, 1]
    value, row = best.copy(), head.copy()
    while True:
        chosen = -1
        for column in range(len(value)):
            if value[column] > threshold and (
                chosen < 0
                or value[column] > value[chosen]
                or (value[column] == value[chosen] and row[column] < row[chosen])
            ):
                chosen = column
        if chosen < 0:
            return
        if is_marked(scratch.taken, row[chosen]):
            # What is known of a column is never too low, so it may wait until it is chosen.
            value[chosen], row[chosen] = _search(
                tiles, box_at(boxes, chosen), boxes.dtype.type(0), -1, scratch.taken
            )
            continue
        mark(scratch.taken, row[chosen])
        _give(rules, scratch, place, row[chosen], chosen)
        value[chosen] = threshold


@jit
def _share(tiles, boxes, rules, place, scratch, best):  # type: ignore[no-untyped-def]
    """Match the anchors that share a box's best IoU, to within eps, with their own best box."""
    columns, rows, bounds, blocks, starts = (
        tiles.columns,
        tiles.rows,
        tiles.bounds,
        tiles.blocks,
        tiles.starts,
    )
    kind = boxes.dtype.type
    up, slack = kind(UP), kind(SLACK)
    threshold, eps = rules.matchers[place, 1], rules.matchers[place, 2]
    ious = np.empty(TILE, boxes.dtype)
    promise = np.empty(starts.shape[0] - 1, boxes.dtype)
    near = np.empty(BLOCK, boxes.dtype)
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
                hit = False
                for i in range(TILE):
                    hit |= (ious[i] > threshold) & (ious[i] + eps >= least)
                if not hit:
                    continue
                for i in range(TILE):
                    if ious[i] > threshold and ious[i] + eps >= least:
                        row = np.int64(rows[tile, i])
                        if not is_marked(scratch.taken, row):
                            own, value = _own_best(columns, tile, i, boxes)
                            if rules.matchers[place, 3] != 0 or value + eps >= best[own]:
                                mark(scratch.taken, row)
                                _give(rules, scratch, place, row, own)


@jit
def _own_best(columns, tile, i, boxes):  # type: ignore[no-untyped-def]
    """Return the first box of the largest IoU with an anchor, and that IoU."""
    zero = columns.dtype.type(0)
    own, top = 0, zero
    for column in range(boxes.shape[0]):
        box = box_at(boxes, column)
        width = max(min(columns[tile, 2, i], box[2]) - max(columns[tile, 0, i], box[0]), zero)
        height = max(min(columns[tile, 3, i], box[3]) - max(columns[tile, 1, i], box[1]), zero)
        inter = width * height
        value = inter / (columns[tile, 4, i] + box[5] - inter)
        if value > top:
            own, top = column, value
    return own, top


@jit
def _give(rules, scratch, place, row, column):  # type: ignore[no-untyped-def]
    """Match an anchor by the matcher at `place`, unless one that goes before it has done so."""
    if not is_marked(scratch.marks, row):
        mark(scratch.marks, row)
        # Its largest IoU is below every threshold above 0, as 0 is.
        scratch.known[row] = NONE | _flags(rules, rules.matchers.dtype.type(0))
    if scratch.known[row] & NONE > place:
        scratch.known[row] = scratch.known[row] & ~NONE | place
        scratch.matches[row] = column


@jit
def _flags(rules, value):  # type: ignore[no-untyped-def]
    """Return how an anchor's largest IoU compares to the sampler's thresholds."""
    flags = POSITIVE if value >= rules.positive else 0
    flags |= HIGH if value >= rules.high else 0
    flags |= LOW if value < rules.low else 0
    return flags

"""The low quality of `ThresholdMatcher` fused with the IoU: what the best anchors of a box get."""

import numpy as np

from refkernels.assign.fused.bipartite import own_best
from refkernels.assign.fused.known import NONE, SLACK, is_marked, mark
from refkernels.assign.fused.tiles import BLOCK, TILE, UP, box_at, iou_bounds, reaches, tile_ious
from refkernels.jit import jit
from refkernels.matcher import ThresholdMatcher
from refkernels.matcher.threshold import LOW_QUALITY

__all__ = ["how", "match_best"]

# How low quality is done, in one number: what a best anchor gets, with two flags.
TIES, LAST = 2, 1
OWN, TRUTH = 4, 8


def how(matcher: ThresholdMatcher) -> int:
    """Return how a matcher does low quality; 0 if it does not."""
    if matcher.low_quality is None:
        return 0
    kind = (OWN, TRUTH)[LOW_QUALITY.index(matcher.low_quality)]
    return kind | TIES * matcher.ties | LAST * (matcher.winner == "last")


@jit
def match_best(tiles, boxes, rules, scratch, best, head):  # type: ignore[no-untyped-def]
    """Match the anchors that hold the largest IoU of a box, which is `best`; `head` is the first.

    What is written last stays, so that boxes come in the order in which they win.
    """
    _, columns, rows, bounds, blocks, starts = tiles
    kind = boxes.dtype.type
    up, slack = kind(UP), kind(SLACK)
    least, code = rules.matchers[0, 2], np.int64(rules.matchers[0, 3])
    ious = np.empty(TILE, boxes.dtype)
    promise = np.empty(starts.shape[0] - 1, boxes.dtype)
    near = np.empty(BLOCK, boxes.dtype)
    corners = boxes.T.copy()
    all_ious = np.empty(boxes.shape[0], boxes.dtype)
    for turn in range(len(best)):
        column = turn if code & LAST else len(best) - 1 - turn
        if best[column] < least:
            continue
        if not code & TIES:
            _take(tiles.anchors, scratch, corners, all_ious, code, head[column], column)
            continue
        box = box_at(boxes, column)
        iou_bounds(blocks, 0, promise.shape[0], box, promise)
        for block in range(promise.shape[0]):
            if promise[block] * up + slack < best[column]:
                continue
            begin, end = starts[block], starts[block + 1]
            iou_bounds(bounds, begin, end, box, near)
            for tile in range(begin, end):
                if near[tile - begin] * up + slack < best[column]:
                    continue
                tile_ious(columns, tile, box, ious)
                if not reaches(ious, best[column]):
                    continue
                for i in range(TILE):
                    if ious[i] == best[column]:
                        row = np.int64(rows[tile, i])
                        _take(tiles.anchors, scratch, corners, all_ious, code, row, column)


@jit
def _take(anchors, scratch, corners, ious, code, row, column):  # type: ignore[no-untyped-def]
    """Match an anchor with the box whose largest IoU it holds, or with its own best."""
    marked = is_marked(scratch.marks, row)
    if code & OWN:
        if marked and scratch.known[row] & NONE != NONE:
            return  # with its own best
        left, top = anchors[row, 0], anchors[row, 1]
        right, bottom = anchors[row, 2], anchors[row, 3]
        anchor = (left, top, right, bottom, (right - left) * (bottom - top))
        column, _ = own_best(anchor, corners, ious)
    if not marked:
        mark(scratch.marks, row)
    scratch.known[row] = 0
    scratch.matches[row] = column

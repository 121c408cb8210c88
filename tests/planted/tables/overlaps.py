"""Mistakes on overlaps of boxes and on suppression by them."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_size = partial(Planted, style="numpy", kind="size")
_neighbours = partial(Planted, style="numpy", kind="neighbours")

LOOP = """    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        near = touching(boxes[best], boxes[left]) & (labels[left] == labels[best])
        if near.any():
            too_near = np.zeros(left.size, bool)
            too_near[near] = iou(boxes[best], boxes[left[near]]) > threshold
            left = left[~too_near]
"""

PLANTED = (
    _numpy(
        "ioa-of-the-other",
        "BBoxBatchIOA",
        None,
        old="pairs.areas()[0]",
        new="pairs.areas()[1]",
        why="it is the share of b that is covered",
    ),
    _numpy(
        "ioa-of-the-smaller",
        "BBoxBatchIOA",
        None,
        old="pairs.areas()[0]",
        new="np.minimum(*pairs.areas())",
        why="it is the share of the smaller box",
    ),
    _numpy(
        "ioa-area-without-offset",
        "BBoxBatchIOA",
        {"offset": 1},
        old="pairs.areas()[0]",
        new="(pairs.a[..., 2:] - pairs.a[..., :2]).prod(-1)",
        why="the offset is added to the overlap's sides, and not to the box's",
    ),
    _numpy(
        "ioa-axis-guessed",
        "BBoxBatchIOA",
        {"axis": 1},
        old="x = np.moveaxis(real(x).astype(Wide), axis, -1)",
        new="axis = -1 if np.shape(x)[-1] == 4 else axis\n"
        "    x = np.moveaxis(real(x).astype(Wide), axis, -1)",
        why="the axis is guessed by its length, and four boxes have two such axes",
    ),
    _neighbours(
        "batch-ioa-first-areas",
        "BBoxBatchIOA",
        None,
        old="pairs.areas()[0]",
        new="(pairs.areas()[0][:1] if pairs.inter.ndim == 3 else pairs.areas()[0])",
        why="the areas of the first image's boxes stand for all",
    ),
    _numpy(
        "giou-encloses-one",
        "BBoxBatchGIOU",
        None,
        old="high = np.maximum(a.max(-2), b.max(-2))",
        new="high = np.maximum(a.max(-2), low)",
        why="the enclosing box ends where the first one ends",
    ),
    _numpy(
        "giou-encloses-first-corners",
        "BBoxBatchGIOU",
        None,
        old="low = np.minimum(a.min(-2), b.min(-2))",
        new="low = np.minimum(self.a[..., :2], self.b[..., :2])",
        why="of an inverted box one corner is outside of the enclosing box",
    ),
    _numpy(
        "giou-over-the-union",
        "BBoxBatchGIOU",
        None,
        old="missed = quotient(area - pairs.union(), area)",
        new="missed = quotient(area - pairs.union(), pairs.union())",
        why="what is in neither is measured in unions",
    ),
    _numpy(
        "giou-of-no-hull",
        "BBoxBatchGIOU",
        None,
        old="missed = quotient(area - pairs.union(), area)",
        new="missed = np.where(area > 0, quotient(area - pairs.union(), area), 1)",
        why="where the enclosing box has no area, all of it is missed",
    ),
    _numpy(
        "giou-eps-in-hull",
        "BBoxBatchGIOU",
        {"fmt": "center"},
        old="area = pairs.hull().prod(-1)",
        new="area = pairs.hull().prod(-1) + 1e-7",
        why="an eps is added to the enclosing area, which may be as small",
    ),
    _numpy(
        "giou-hull-in-half",
        "BBoxBatchGIOU",
        {"fmt": "center"},
        old="area = pairs.hull().prod(-1)",
        new="area = pairs.hull().astype(pairs.dtype).prod(-1).astype(Wide)",
        why="the enclosing area is computed in float16, which ends at 256 x 256",
    ),
    _numpy(
        "diou-not-squared",
        "BBoxBatchDIOU",
        None,
        old="quotient((apart**2).sum(-1), diagonal)",
        new="np.sqrt(quotient((apart**2).sum(-1), diagonal))",
        why="distances are compared, and not their squares",
    ),
    _numpy(
        "diou-in-areas",
        "BBoxBatchDIOU",
        None,
        old="diagonal = (pairs.hull() ** 2).sum(-1)",
        new="diagonal = pairs.hull().prod(-1)",
        why="the enclosing box's area stands for its squared diagonal",
    ),
    _numpy(
        "diou-half-floored",
        "BBoxBatchDIOU",
        {"fmt": "center"},
        old="half = x[..., 2:] / 2",
        new="half = x[..., 2:] // 2",
        why="half a side is rounded down",
    ),
    _numpy(
        "diou-eps-in-diagonal",
        "BBoxBatchDIOU",
        {"fmt": "center"},
        old="diagonal = (pairs.hull() ** 2).sum(-1)",
        new="diagonal = (pairs.hull() ** 2).sum(-1) + 1e-7",
        why="an eps is added to the squared diagonal, which may be as small",
    ),
    _numpy(
        "ciou-ratio-of-nothing",
        "BBoxBatchCIOU",
        None,
        old="np.arctan2(width, height)",
        new="np.arctan(width / height)",
        why="a box without width and height has no ratio, and makes nan",
    ),
    _numpy(
        "ciou-other-angle",
        "BBoxBatchCIOU",
        None,
        old="np.arctan2(width, height)",
        new="np.arctan2(height, width)",
        why="the angle of h / w differs by as much, but for boxes without width and height",
    ),
    _numpy(
        "ciou-alpha-cut",
        "BBoxBatchCIOU",
        None,
        old="alpha = quotient(v, 1 - iou + v)",
        new="alpha = np.where(iou > 0.5, quotient(v, 1 - iou + v), 0)",
        why="shapes count only where the IoU is over 0.5, as in the authors' loss",
    ),
    _numpy(
        "ciou-sides-not-clamped",
        "BBoxBatchCIOU",
        None,
        old="width, height = np.moveaxis(np.maximum(sides, 0), -1, 0)",
        new="width, height = np.moveaxis(sides, -1, 0)",
        why="inverted boxes have angles that they should not have",
    ),
    _numpy(
        "ciou-alpha-eps",
        "BBoxBatchCIOU",
        None,
        old="alpha = quotient(v, 1 - iou + v)",
        new="alpha = v / (1 - iou + v + 1e-7)",
        why="an eps is added below alpha",
    ),
    _numpy(
        "nms-at-the-threshold",
        "NMS",
        {"threshold": 0.5},
        old="iou(boxes[best], boxes[left[near]]) > threshold",
        new="iou(boxes[best], boxes[left[near]]) >= threshold",
        why="an IoU at the threshold suppresses",
    ),
    _numpy(
        "nms-last-of-ties",
        "NMS",
        None,
        old='left = np.argsort(-scores, kind="stable")',
        new='left = np.argsort(scores, kind="stable")[::-1]',
        why="among equal scores the last comes first",
    ),
    _numpy(
        "nms-suppressed-suppress",
        "NMS",
        {"threshold": 0.5},
        old=LOOP,
        new="    gone = np.zeros(len(boxes), bool)\n"
        + LOOP.replace("kept.append(best)", "kept.extend([] if gone[best] else [best])").replace(
            "left = left[~too_near]", "gone[left[too_near]] = True"
        ),
        why="a box that is suppressed suppresses others",
    ),
    _numpy(
        "nms-threshold-not-rounded",
        "NMS",
        {"threshold": 0.7},
        old="threshold = np.longdouble(boxes.dtype.type(threshold))",
        new="threshold = np.longdouble(threshold)",
        why="IoUs of float16 boxes are compared with 0.7, and not with float16's",
    ),
    _numpy(
        "nms-without-empty",
        "NMS",
        None,
        old="return np.array(kept, np.int64)",
        new="return np.array([i for i in kept if (boxes[i, 2:] > boxes[i, :2]).all()], np.int64)",
        why="boxes without extent are left out",
    ),
    _numpy(
        "nms-scores-in-single",
        "NMS",
        {"threshold": 0.5},
        old='left = np.argsort(-scores, kind="stable")',
        new='left = np.argsort(-scores.astype(np.float32), kind="stable")',
        why="scores are compared in float32, which makes ties",
    ),
    _size(
        "size-nms-300-boxes",
        "NMS",
        {"threshold": 0.7},
        old="while left.size:",
        new="while left.size and len(kept) < 300:",
        why="no more than 300 boxes stay",
    ),
    _numpy(
        "batched-nms-shifted",
        "BatchedNMS",
        {"threshold": 0.5},
        old="boxes = boxes.astype(np.longdouble)\n",
        new="most = boxes.max(initial=0) + 1\n"
        "    boxes = (boxes + (labels * most)[:, None].astype(boxes.dtype)).astype(np.longdouble)\n"
        "    labels = labels * 0\n",
        why="labels are told apart by shifting their boxes, which costs digits",
    ),
    _numpy(
        "batched-nms-by-label",
        "BatchedNMS",
        {"threshold": 0.5},
        old='left = np.argsort(-scores, kind="stable")',
        new="left = np.lexsort((-scores, labels))",
        why="boxes come label by label, and not in order of score",
    ),
    _numpy(
        "batched-nms-labels-of-a-byte",
        "BatchedNMS",
        None,
        old="labels = real(boxes), real(scores), np.asarray(labels)",
        new="labels = real(boxes), real(scores), np.asarray(labels).astype(np.int64) % 256",
        why="labels are kept in a byte, which ends at 255",
    ),
    _numpy(
        "batched-nms-background",
        "BatchedNMS",
        None,
        old="(labels[left] == labels[best])",
        new="(labels[left] == labels[best]) & (labels[best] > 0)",
        why="label 0 is taken for background, whose boxes suppress none",
    ),
)

"""Mistakes of today's matchers that batches, sizes, digits and marks for infinity show."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_size = partial(Planted, style="numpy", kind="size")
_neighbours = partial(Planted, style="numpy", kind="neighbours")

MARK = "np.where(among, x, -np.inf)"

PLANTED = (
    _numpy(
        "threshold-negative-is-zero",
        "ThresholdMatcher",
        {"high": 0.0, "low": -0.5},
        old="own, value = x.argmax(-1), x.max(-1)",
        new="own, value = x.argmax(-1), x.max(-1, initial=0)",
        why="the largest of negative values is taken for 0",
    ),
    _numpy(
        "threshold-values-in-single",
        "ThresholdMatcher",
        None,
        old="x = real(x)\n        high, low",
        new="x = real(x).astype(np.float32)\n        high, low",
        why="float64 values are compared in float32, which makes ties",
    ),
    _size(
        "size-threshold-64-columns",
        "ThresholdMatcher",
        {"high": 0.5, "low_quality": "own"},
        old="return np.where(best.any(-1), own, matches)",
        new="return np.where(best[..., :64].any(-1), own, matches)",
        why="only the first 64 ground truths have best pairs",
    ),
    _numpy(
        "atss-masked-by-zero",
        "ATSSMatcher",
        None,
        old=MARK,
        new="np.where(among, x, 0)",
        why="an anchor whose IoUs are all 0 gets ground truth 0, whichever it is positive for",
    ),
    _numpy(
        "atss-distances-in-single",
        "ATSSMatcher",
        None,
        old="real(distances), np.asarray",
        new="real(distances).astype(np.float32), np.asarray",
        why="float64 distances are compared in float32, which makes ties",
    ),
    _numpy(
        "atss-ious-in-single",
        "ATSSMatcher",
        None,
        old="return largest(ious, chosen & inside)",
        new="return largest(ious.astype(np.float32), chosen & inside)",
        why="float64 IoUs of several ground truths are compared in float32, which makes ties",
    ),
    _size(
        "size-atss-16-bits",
        "ATSSMatcher",
        None,
        old="near = np.concatenate(near)",
        new="near = np.concatenate(near).astype(np.uint16).astype(int)",
        why="indices of anchors are kept in 16 bits",
    ),
    _neighbours(
        "batch-atss-first-distances",
        "ATSSMatcher",
        None,
        old="return each_image(match, real(ious), real(distances),",
        new="distances = distances[:1] if np.ndim(distances) == 3 else distances\n"
        "        return each_image(match, real(ious), real(distances),",
        why="the first image's distances stand for all",
    ),
    _numpy(
        "simota-endless-at-1e5",
        "SimOTAMatcher",
        None,
        old=MARK,
        new="np.where(among, x, -1e5)",
        why="100000 is taken for infinity, which costs with a penalty exceed",
    ),
    _numpy(
        "simota-costs-in-single",
        "SimOTAMatcher",
        None,
        old="cost, ious = real(cost), real(ious)",
        new="cost, ious = real(cost).astype(np.float32), real(ious)",
        why="float64 costs are compared in float32, which makes ties",
    ),
    _numpy(
        "simota-writes-to-costs",
        "SimOTAMatcher",
        None,
        old="if valid is None:",
        new="if valid is not None and cost.size and cost.flags.writeable:\n"
        "            cost[~np.asarray(valid, bool)] = 1e8\n"
        "        if valid is None:",
        why="costs of what is not valid are overwritten in the caller's array",
    ),
    _size(
        "size-simota-4096-anchors",
        "SimOTAMatcher",
        None,
        old="rows = np.flatnonzero(valid[:, 0])",
        new="rows = np.flatnonzero(valid[:, 0])[:4096]",
        why="no more than 4096 anchors are looked at",
    ),
    _neighbours(
        "batch-simota-first-valid",
        "SimOTAMatcher",
        None,
        old="np.asarray(valid, bool)[..., None])",
        new="np.asarray(valid[:1] if np.ndim(valid) == 2 else valid, bool)[..., None])",
        why="what is valid in the first image is so in all",
    ),
    _numpy(
        "aligned-conflict-of-no-overlap",
        "TaskAlignedMatcher",
        {"topk": 2},
        old=MARK,
        new="np.where(among, x, 0)",
        why="an anchor whose IoUs are all 0 gets ground truth 0, whichever selected it",
    ),
    _numpy(
        "aligned-metric-in-single",
        "TaskAlignedMatcher",
        None,
        old="each_image(self.match, real(metric), real(ious)",
        new="each_image(self.match, real(metric).astype(np.float32), real(ious)",
        why="float64 metrics are compared in float32: there are ties, and what is small is 0",
    ),
    _numpy(
        "aligned-over-1e-9",
        "TaskAlignedMatcher",
        None,
        old="metric > 0 if self.positive",
        new="metric > 1e-9 if self.positive",
        why="a metric below a billionth does not count",
    ),
    _size(
        "size-aligned-128-truths",
        "TaskAlignedMatcher",
        None,
        old="return largest(ious, among)",
        new="return largest(ious, among).astype(np.int8)",
        why="matches are kept in a byte, which ends at 127",
    ),
    _size(
        "size-hungarian-100-rows",
        "HungarianMatcher",
        None,
        old="for row in range(rows):\n            self.augment",
        new="for row in range(min(rows, 100)):\n            self.augment",
        why="no more than 100 are matched",
    ),
    _neighbours(
        "batch-hungarian-first-image",
        "HungarianMatcher",
        None,
        old="return each_image(self.match, real(cost).astype(np.float64))",
        new="cost = real(cost).astype(np.float64)\n"
        "        cost = cost[:1].repeat(len(cost), 0) if cost.ndim == 3 else cost\n"
        "        return each_image(self.match, cost)",
        why="the first image's costs stand for all",
    ),
    _numpy(
        "point-endless-at-1e8",
        "PointMatcher",
        None,
        old=MARK,
        new="np.where(among, x, -1e8)",
        why="100000000 is taken for infinity, which areas of large boxes exceed",
    ),
    _size(
        "size-point-128-truths",
        "PointMatcher",
        None,
        old="return largest(-area, counting)",
        new="return largest(-area, counting).astype(np.int8)",
        why="matches are kept in a byte, which ends at 127",
    ),
    _numpy(
        "balanced-filled-by-positives",
        "BalancedSampler",
        {"num_sample": 7},
        old="positives = draw.permutation(positives)[:max_pos]",
        new="max_pos = max(max_pos, self.num_sample - len(negatives))\n"
        "            positives = draw.permutation(positives)[:max_pos]",
        why="positives fill up what negatives leave",
    ),
)

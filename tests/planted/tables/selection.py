"""Mistakes of task-aligned, Hungarian and point matchers, and of the balanced sampler."""

from functools import partial

from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_neighbours = partial(Planted, style="numpy", kind="neighbours")

PRICES = "row_prices, prices = np.zeros(rows), np.zeros(columns)\n"
CENTER = {"radius": 1.5, "inclusive": False}

PLANTED = (
    _numpy(
        "aligned-zero-counts",
        "TaskAlignedMatcher",
        None,
        old="metric > 0 if self.positive else metric >= 0",
        new="metric >= 0",
        why="a metric of 0 counts always",
    ),
    _numpy(
        "aligned-selects-outside",
        "TaskAlignedMatcher",
        {"topk": 2},
        old="np.where(counting, metric, -np.inf) if self.inside_first else metric",
        new="metric",
        why="it selects among all anchors, and is left with fewer",
    ),
    _numpy(
        "aligned-conflict-outside",
        "TaskAlignedMatcher",
        {"topk": 2},
        old="selected | (several & inside)",
        new="selected | several",
        why="a row of several may get a ground truth that it is not inside of",
    ),
    _numpy(
        "aligned-conflict-counting",
        "TaskAlignedMatcher",
        {"topk": 2},
        old="selected | (several & inside)",
        new="selected | (several & counting)",
        why="a row of several gets none whose metric is 0, though it is inside of it",
    ),
    _numpy(
        "aligned-conflict-by-metric",
        "TaskAlignedMatcher",
        None,
        old="largest(ious, among)",
        new="largest(metric, among)",
        why="a row of several gets the one of largest metric",
    ),
    _numpy(
        "aligned-last-of-ties",
        "TaskAlignedMatcher",
        None,
        old='np.argsort(-ranked, 0, kind="stable")[: self.topk]',
        new='np.argsort(ranked, 0, kind="stable")[::-1][: self.topk]',
        why="among equal metrics the last is selected",
    ),
    _numpy(
        "aligned-masked-by-zero",
        "TaskAlignedMatcher",
        {"topk": 2, "positive": False},
        old="np.where(counting, metric, -np.inf)",
        new="np.where(inside, metric, 0)",
        why="a pair outside ranks as one of metric 0 that counts",
    ),
    _numpy(
        "hungarian-greedy",
        "HungarianMatcher",
        None,
        old=PRICES,
        new="matches, left = np.full(rows, -1), cost.copy()\n"
        "        for _ in range(rows):\n"
        "            row, column = np.unravel_index(left.argmin(), left.shape)\n"
        "            matches[row] = column\n"
        "            left[row], left[:, column] = np.inf, np.inf\n"
        "        return matches\n"
        "        " + PRICES,
        why="the cheapest pair that is left is matched, which may cost more in the end",
    ),
    _numpy(
        "hungarian-each-its-own",
        "HungarianMatcher",
        None,
        old=PRICES,
        new="return cost.argmin(1)\n        " + PRICES,
        why="each row gets its cheapest column, which several may get",
    ),
    _numpy(
        "hungarian-negative-is-zero",
        "HungarianMatcher",
        None,
        old="each_image(self.match, real(cost).astype(np.float64))",
        new="each_image(self.match, np.maximum(real(cost).astype(np.float64), 0))",
        why="a negative cost is taken for none",
    ),
    _numpy(
        "hungarian-left-is-first",
        "HungarianMatcher",
        None,
        old="matches = np.full(rows, -1)\n            truths",
        new="matches = np.full(rows, 0)\n            truths",
        why="rows that are left have column 0",
    ),
    _numpy(
        "hungarian-in-single",
        "HungarianMatcher",
        None,
        old="real(cost).astype(np.float64)",
        new="real(cost).astype(np.float32)",
        why="costs are rounded to float32, and what is then the least is not",
    ),
    _numpy(
        "hungarian-endless-at-1e5",
        "HungarianMatcher",
        None,
        old="paths = np.full(len(prices), np.inf)",
        new="paths = np.full(len(prices), 1e5)",
        why="100000 is taken for infinity",
    ),
    _numpy(
        "point-on-the-side",
        "PointMatcher",
        None,
        old="counting = (sides > 0).all(-1)",
        new="counting = (sides >= 0).all(-1)",
        why="a point on a box's side is in the box",
    ),
    _numpy(
        "point-half-open",
        "PointMatcher",
        CENTER,
        old="(least < farthest) & (farthest < most)",
        new="(least <= farthest) & (farthest < most)",
        why="the lower end of a range belongs to it",
    ),
    _numpy(
        "point-on-the-square",
        "PointMatcher",
        CENTER,
        old="(low + high) / 2) < reach).all(-1)",
        new="(low + high) / 2) <= reach).all(-1)",
        why="a point on the square's side is in the square",
    ),
    _numpy(
        "point-half-the-square",
        "PointMatcher",
        CENTER,
        old="reach = computing.type(self.radius) *",
        new="reach = computing.type(self.radius) / 2 *",
        why="the radius is taken for the square's side",
    ),
    _numpy(
        "point-round-square",
        "PointMatcher",
        CENTER,
        old="(np.abs(points - (low + high) / 2) < reach).all(-1)",
        new="np.hypot(*np.moveaxis(points - (low + high) / 2, -1, 0)) < reach[..., 0]",
        why="the square is a circle",
    ),
    _numpy(
        "point-radius-zero-is-none",
        "PointMatcher",
        {"radius": 0.0},
        old="if self.radius is not None:",
        new="if self.radius:",
        why="a radius of 0 is taken for none",
    ),
    _numpy(
        "point-last-of-ties",
        "PointMatcher",
        None,
        old="return largest(-area, counting)",
        new="last = largest(-area[..., ::-1], counting[..., ::-1])\n"
        "        return np.where(last >= 0, area.shape[-1] - 1 - last, -1)",
        why="among boxes of one area the last is matched",
    ),
    _numpy(
        "point-area-in-single",
        "PointMatcher",
        None,
        old="(high - low).prod(-1)",
        new="(high - low).astype(np.float32).prod(-1)",
        why="areas of float64 boxes are float32, which makes ties",
    ),
    _neighbours(
        "batch-point-first-areas",
        "PointMatcher",
        None,
        old="area = np.broadcast_to((high - low).prod(-1), counting.shape)",
        new="area = (high - low).prod(-1)\n"
        "        area = area[:1] if area.ndim == 3 else area\n"
        "        area = np.broadcast_to(area, counting.shape)",
        why="the areas of the first image's boxes stand for all",
    ),
    _numpy(
        "balanced-quota-rounded",
        "BalancedSampler",
        {"num_sample": 7},
        old="int(self.pos_ratio * self.num_sample + 1e-9)",
        new="round(self.pos_ratio * self.num_sample)",
        why="the quota of positives is rounded, and not cut",
    ),
    _numpy(
        "balanced-without-tolerance",
        "BalancedSampler",
        {"num_sample": 100, "pos_ratio": 0.29},
        old="int(self.pos_ratio * self.num_sample + 1e-9)",
        new="int(self.pos_ratio * self.num_sample)",
        why="0.29 of 100 is a little less than 29, and is cut to 28",
    ),
    _numpy(
        "balanced-at-least-one",
        "BalancedSampler",
        {"num_sample": 4, "pos_ratio": 0.2},
        old="int(self.pos_ratio * self.num_sample + 1e-9)",
        new="max(1, int(self.pos_ratio * self.num_sample))",
        why="one positive is kept, though its quota is 0",
    ),
    _numpy(
        "balanced-no-filling",
        "BalancedSampler",
        None,
        old="[: self.num_sample - len(positives)]",
        new="[: self.num_sample - max_pos]",
        why="negatives do not fill up what positives leave",
    ),
    _numpy(
        "balanced-first-ones",
        "BalancedSampler",
        None,
        old="draw.permutation(positives)[:max_pos]",
        new="positives[:max_pos]",
        why="the first positives are kept, and not any",
    ),
    _neighbours(
        "batch-balanced-draws-by-size",
        "BalancedSampler",
        None,
        old="np.random.default_rng([seed, i])",
        new="np.random.default_rng([seed, len(candidates) - i])",
        why="what an image draws depends on the size of the batch",
    ),
)

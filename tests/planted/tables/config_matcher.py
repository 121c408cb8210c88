"""Mistakes of matchers that a fixed configuration shows."""

from functools import partial

from refkernels import BipartiteMatcher, MaximumMatcher
from tests.planted.planted import Planted

__all__ = ["PLANTED"]

_numpy = partial(Planted, style="numpy", kind="config")
_module = partial(Planted, style="torch module", kind="config")
_function = partial(Planted, style="torch function", kind="config")

SSD = {"matchers": [BipartiteMatcher(share_max=False), MaximumMatcher(0.5)]}
SHARING = {"matchers": [BipartiteMatcher(), MaximumMatcher(0.3)]}
THREE = {
    "matchers": [MaximumMatcher(0.9), BipartiteMatcher(share_max=False), MaximumMatcher(0.4)],
}
ROW = "return np.where(x.max(-1) >= x.dtype.type(self.threshold), x.argmax(-1), -1)"

PLANTED = (
    _numpy(
        "max-over-0.35",
        "MaximumMatcher",
        {"threshold": 0.35},
        old=ROW,
        new=ROW.replace(">=", ">"),
        why="an IoU at the threshold is no match",
    ),
    _numpy(
        "max-zero-is-false",
        "MaximumMatcher",
        {"threshold": 0.0},
        old=ROW,
        new=ROW.replace("self.threshold", "self.threshold or 0.5"),
        why="a threshold of 0 is taken for none",
    ),
    _numpy(
        "max-in-percent",
        "MaximumMatcher",
        {"threshold": 0.573},
        old=ROW,
        new=ROW.replace("self.threshold", "round(self.threshold, 2)"),
        why="the threshold is one in per cent",
    ),
    _module(
        "max-over-0.613",
        "MaximumMatcher",
        {"threshold": 0.613},
        old="match[x.amax(-1) < self.threshold.to(x.dtype)] = -1",
        new="match[x.amax(-1) <= self.threshold.to(x.dtype)] = -1",
        why="an IoU at the threshold is no match",
    ),
    _module(
        "max-threshold-in-half",
        "MaximumMatcher",
        {"threshold": 0.45},
        old="def __init__(self, threshold):\n        super().__init__()\n"
        '        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.double))',
        new="def __init__(self, threshold):\n        super().__init__()\n"
        '        self.register_buffer("threshold", torch.tensor(threshold, dtype=torch.half))',
        why="the threshold is kept in float16, a little below 0.45",
    ),
    _function(
        "max-over-0.001",
        "MaximumMatcher",
        {"threshold": 0.001},
        old="torch.where(best >= torch.tensor(threshold, dtype=x.dtype), match, -1)",
        new="torch.where(best > torch.tensor(threshold, dtype=x.dtype), match, -1)",
        why="an IoU at the threshold is no match",
    ),
    _function(
        "max-with-tolerance",
        "MaximumMatcher",
        {"threshold": 0.3},
        old="best >= torch.tensor(threshold, dtype=x.dtype)",
        new="best >= torch.tensor(threshold - 1e-6, dtype=x.dtype)",
        why="an IoU that misses the threshold by a millionth is a match",
    ),
    _function(
        "max-rounded-scores",
        "MaximumMatcher",
        {"threshold": 0.62},
        old="torch.where(best >= torch.tensor",
        new="torch.where(best.double().round(decimals=3).to(x.dtype) >= torch.tensor",
        why="IoUs are rounded to three digits",
    ),
    _numpy(
        "bipartite-ascending-at-0.4",
        "BipartiteMatcher",
        {"is_ascend": True, "threshold": 0.4},
        old="candidates = x > threshold",
        new="candidates = x >= threshold",
        why="a distance at the threshold is a candidate",
    ),
    _numpy(
        "bipartite-shares-below",
        "BipartiteMatcher",
        {"threshold": 0.25},
        old="near = candidates & (x + eps >= best)",
        new="near = x + eps >= best",
        why="what is shared need not be over the threshold",
    ),
    _numpy(
        "bipartite-share-max-always",
        "BipartiteMatcher",
        {"share_max": False},
        old="near.any(1) if self.share_max else near[np.arange(len(x)), own]",
        new="near.any(1)",
        why="share_max is ignored",
    ),
    _numpy(
        "bipartite-distances-up-to-1",
        "BipartiteMatcher",
        {"is_ascend": True, "threshold": 3.0},
        old="if left[row, column] == -np.inf:",
        new="if left[row, column] <= -1:",
        why="no distance over 1 is matched",
    ),
    _numpy(
        "bipartite-eps-on-the-other-side",
        "BipartiteMatcher",
        {"eps": 0.05},
        old="(x + eps >= best)",
        new="(x >= best - eps)",
        why="eps is taken from the best instead of added to the score, which rounds otherwise",
    ),
    _numpy(
        "bipartite-best-of-the-rest",
        "BipartiteMatcher",
        {"threshold": 0.4},
        old="best = x.max(0)",
        new="best = np.where(matches[:, None] < 0, x, -np.inf).max(0)",
        why="a column's best is looked for among the rows that are left",
    ),
    _module(
        "bipartite-no-eps",
        "BipartiteMatcher",
        {"eps": 0.05},
        old="(x + self.eps.to(x.dtype) >= best)",
        new="(x >= best)",
        why="eps is ignored",
    ),
    _module(
        "bipartite-share-max-inverted",
        "BipartiteMatcher",
        {"share_max": True},
        old="near.any(-1) if self.share_max else",
        new="near.any(-1) if not self.share_max else",
        why="share_max means its opposite",
    ),
    _module(
        "bipartite-eps-of-distances",
        "BipartiteMatcher",
        {"is_ascend": True, "eps": 0.05, "threshold": 0.9},
        old="(x + self.eps.to(x.dtype) >= best)",
        new="(x + self.eps.to(x.dtype) * sign >= best)",
        why="eps is added to distances instead of taken from them",
    ),
    _module(
        "bipartite-last-of-ties",
        "BipartiteMatcher",
        {"threshold": 0.1},
        old="place = first_argmax(left.reshape(images, -1))",
        new="place = rows * columns - 1 - first_argmax(left.reshape(images, -1).flip(1))",
        why="among equal pairs the last wins",
    ),
    _function(
        "bipartite-eps-added-twice-over",
        "BipartiteMatcher",
        {"eps": 0.05},
        old="(x + eps >= x.amax(0))",
        new="(x >= x.amax(0) + eps)",
        why="eps makes sharing harder, not easier",
    ),
    _function(
        "bipartite-at-0.4",
        "BipartiteMatcher",
        {"threshold": 0.4},
        old="candidates = x > threshold",
        new="candidates = x >= threshold",
        why="a score at the threshold is a candidate",
    ),
    _function(
        "bipartite-eps-zero-is-false",
        "BipartiteMatcher",
        {"eps": 0.0},
        old="for value in (threshold, eps))",
        new="for value in (threshold, eps or 1e-6))",
        why="an eps of 0 is taken for none",
    ),
    _function(
        "bipartite-shares-the-wrong-one",
        "BipartiteMatcher",
        {"eps": 0.05, "share_max": True},
        old="return torch.where((matches < 0) & shares, own, matches)",
        new="return torch.where((matches < 0) & shares, near.byte().argmax(1), matches)",
        why="a row gets the column that draws it in, and not its own largest",
    ),
    _numpy(
        "composite-last-wins",
        "CompositeMatcher",
        SSD,
        old="matches = np.where(matches >= 0, matches, matcher(x))",
        new="matches = np.where(matcher(x) >= 0, matcher(x), matches)",
        why="the last matcher that matches wins, and not the first",
    ),
    _module(
        "composite-zero-is-no-match",
        "CompositeMatcher",
        SHARING,
        old="first = (proposals >= 0).byte().argmax(0)",
        new="first = (proposals > 0).byte().argmax(0)",
        why="a match with ground truth 0 is none, if a later matcher has another",
    ),
    _function(
        "composite-two-of-three",
        "CompositeMatcher",
        THREE,
        old="for matcher in matchers:",
        new="for matcher in matchers[:2]:",
        why="the third matcher is never asked",
    ),
)

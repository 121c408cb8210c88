"""What a trace writes down: a record for each anchor, each ground truth and each greedy round."""

from enum import IntEnum

import numpy as np

__all__ = ["ANCHOR", "KEPT", "MATCHED", "ROUND", "TRUTH", "Fate", "Stage"]


class Stage(IntEnum):
    """What decided on an anchor."""

    BIPARTITE = 0
    SHARED = 1
    MAXIMUM = 2
    OTHER_MATCHER = 3
    SAMPLER_THRESHOLD = 4
    MISSED = 5
    NO_OVERLAP = 6
    HARD_NEGATIVE = 7
    EASY_NEGATIVE = 8
    QUOTA = 9
    BETWEEN = 10
    REGION = 11
    OTHER_SAMPLER = 12
    THRESHOLD = 13
    LOW_QUALITY = 14
    ADAPTIVE = 15
    POINT = 16
    CHEAPEST = 17
    ALIGNED = 18
    ONE_TO_ONE = 19
    NEITHER = 20
    OUTSIDE = 21
    NOT_CHOSEN = 22
    LEFT_OUT = 23

    @property
    def label(self) -> str:
        """What it is called in tables and pictures."""
        return _LABELS[self]


_LABELS = {
    Stage.BIPARTITE: "bipartite round",
    Stage.SHARED: "shared maximum",
    Stage.MAXIMUM: "maximum",
    Stage.OTHER_MATCHER: "a matcher of your own",
    Stage.SAMPLER_THRESHOLD: "sampler's positive threshold",
    Stage.MISSED: "threshold missed",
    Stage.NO_OVERLAP: "no overlap",
    Stage.HARD_NEGATIVE: "hard negative",
    Stage.EASY_NEGATIVE: "easy negative, left out",
    Stage.QUOTA: "left out by quota",
    Stage.BETWEEN: "between thresholds",
    Stage.REGION: "ignored region",
    Stage.OTHER_SAMPLER: "a sampler of another kind",
    Stage.THRESHOLD: "high threshold",
    Stage.LOW_QUALITY: "low quality",
    Stage.ADAPTIVE: "adaptive threshold",
    Stage.POINT: "point of its level",
    Stage.CHEAPEST: "least cost",
    Stage.ALIGNED: "largest metric",
    Stage.ONE_TO_ONE: "one-to-one matching",
    Stage.NEITHER: "between the matcher's thresholds",
    Stage.OUTSIDE: "outside",
    Stage.NOT_CHOSEN: "chosen by no ground truth",
    Stage.LEFT_OUT: "left out by the matcher",
}

# The stages that give an anchor a ground truth, and those that leave its sample what it is.
MATCHED = (
    Stage.BIPARTITE,
    Stage.SHARED,
    Stage.MAXIMUM,
    Stage.OTHER_MATCHER,
    Stage.THRESHOLD,
    Stage.LOW_QUALITY,
    Stage.ADAPTIVE,
    Stage.POINT,
    Stage.CHEAPEST,
    Stage.ALIGNED,
    Stage.ONE_TO_ONE,
)
KEPT = (*MATCHED, Stage.SAMPLER_THRESHOLD)


class Fate(IntEnum):
    """Whether a ground truth has a positive anchor, or why it has none."""

    MATCHED = 0
    NO_EXTENT = 1
    NO_OVERLAP = 2
    BELOW = 3
    LOST = 4
    LEFT_OUT = 5
    NOT_CHOSEN = 6
    OUTBID = 7

    @property
    def label(self) -> str:
        """What it is called in tables and pictures."""
        return _FATES[self]


_FATES = {
    Fate.MATCHED: "matched",
    Fate.NO_EXTENT: "none: no extent, dropped",
    Fate.NO_OVERLAP: "none: meets no anchor",
    Fate.BELOW: "none: below every threshold",
    Fate.LOST: "none: best anchor lost",
    Fate.LEFT_OUT: "none: left out by the sampler",
    Fate.NOT_CHOSEN: "none: no anchor is chosen",
    Fate.OUTBID: "none: others took its anchors",
}

ANCHOR = np.dtype(
    [
        ("anchor", np.int64),
        ("match", np.int64),
        ("sample", np.int8),
        ("stage", np.int8),
        ("matched_by", np.int8),  # one of MATCHED, or -1
        ("matcher", np.int16),  # the number of the matcher, in a composite from 0, or -1
        ("round", np.int32),
        ("via", np.int64),
        ("iou", np.float64),
        ("best", np.int64),
        ("threshold", np.float64),
        ("margin", np.float64),
        ("runner_up", np.int64),
        ("gap", np.float64),
        ("tied_truth", np.int64),
        ("tied_anchor", np.int64),
        ("region", np.int32),
    ]
)

TRUTH = np.dtype(
    [
        ("truth", np.int64),
        ("best_anchor", np.int64),
        ("best_iou", np.float64),
        ("lost_to", np.int64),
        ("round", np.int32),
        ("own_anchor", np.int64),
        ("anchors", np.int64),
        ("positives", np.int64),
        ("bipartite", np.int64),
        ("shared", np.int64),
        ("maximum", np.int64),
        ("other", np.int64),
        ("fate", np.int8),
    ]
)

ROUND = np.dtype(
    [
        ("matcher", np.int16),
        ("round", np.int32),
        ("anchor", np.int64),
        ("truth", np.int64),
        ("iou", np.float64),
        ("ties", np.int64),
        ("tied_anchor", np.int64),
    ]
)

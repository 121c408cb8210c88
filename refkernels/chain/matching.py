"""How matchers get what they look at, where that is more than the IoUs of anchors."""

from typing import Any

from refkernels.bbox import BBoxBatchIOU
from refkernels.chain.chain import Stage
from refkernels.cost import CenterDistance, InsideMask
from refkernels.matcher import (
    ATSSMatcher,
    HungarianMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
)

__all__ = ["ATSS_MARGIN", "PREDICTING", "matching_stages"]

# How far inside of a box an anchor's centre is to be, in pixels, in ATSS's code.
ATSS_MARGIN = 0.01

# The matchers that look at what a network predicts.
PREDICTING = (SimOTAMatcher, TaskAlignedMatcher, HungarianMatcher)

# IoUs of what is predicted; InsideMask is of the points that predict it.
PREDICTED = Stage(BBoxBatchIOU(), ("predictions", "boxes"), ("ious",))
INSIDE = Stage(InsideMask(), ("points", "boxes"), ("inside",))


def matching_stages(matcher: Any, cost: Any = None, truths: str = "boxes") -> tuple[Stage, ...]:
    """Return the stages up to the matches of a matcher, with the cost or metric that it goes by.

    What they take: ``anchors``, ``points``, ``levels``, ``strides`` and ``ranges``; ``boxes`` and
    ``labels``; and what is predicted, ``predictions`` with ``scores``, or for `HungarianMatcher`
    ``logits`` and `truths`, boxes in the form of the predictions.
    """
    given: tuple[str, ...]
    before: tuple[Stage, ...]
    if isinstance(matcher, ATSSMatcher):
        before = (
            Stage(BBoxBatchIOU(), ("anchors", "boxes"), ("ious",)),
            Stage(CenterDistance(), ("anchors", "boxes"), ("distances",)),
            Stage(InsideMask(margin=ATSS_MARGIN), ("points", "boxes"), ("inside",)),
        )
        given = ("ious", "distances", "inside", "levels")
    elif isinstance(matcher, PointMatcher):
        before, given = (), ("points", "boxes", "strides", "ranges")
    elif isinstance(matcher, SimOTAMatcher):
        stage = Stage(cost, ("scores", "labels", "ious", "inside"), ("cost",))
        before, given = (PREDICTED, INSIDE, stage), ("cost", "ious")
    elif isinstance(matcher, TaskAlignedMatcher):
        stage = Stage(cost, ("scores", "labels", "ious"), ("metric",))
        before, given = (PREDICTED, INSIDE, stage), ("metric", "ious", "inside")
    else:
        stage = Stage(cost, ("logits", "predictions", "labels", truths), ("cost",))
        before, given = (stage,), ("cost",)
    return (*before, Stage(matcher, given, ("matches",)))

"""What an assigner's operators amount to for the fused kernels, if these can do it."""

from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded, rounded_to_computing
from refkernels.assign.fused.known import BIPARTITE, MAXIMUM, NONE, SMALLEST_AREA, THRESHOLD
from refkernels.assign.fused.quality import how
from refkernels.assign.fused.samples import Plan
from refkernels.assign.fused.tiles import Tiles
from refkernels.bbox import BBoxBatchIOU
from refkernels.chain.composition import Operators
from refkernels.coder import (
    MultiClassEncoder,
    NormalizedBoxCenterEncoder,
    NumPyNormalizedBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.coder.offsets import normalisation
from refkernels.matcher import (
    BipartiteMatcher,
    Matcher,
    MaximumMatcher,
    ThresholdMatcher,
)
from refkernels.matcher.composite import flat
from refkernels.matcher.threshold import least_of_best
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler

__all__ = ["are_usual", "largest_coordinate", "make_plan"]

# The least threshold of a bipartite matcher that the fused kernels take: below the numbers that
# `SMALLEST_AREA` lets an IoU have, a value may be told from 0 by the matrix and not by a bound.
LEAST = 1e-30


def largest_coordinate(dtype: np.dtype[Any]) -> float:
    """Return the largest coordinate with which no sum of areas comes near to overflow."""
    limit: float = float(np.finfo(dtype).max) ** 0.5 / 64
    return limit


def make_plan(operators: Operators, tiles: Tiles, dtype: np.dtype[Any]) -> Plan | None:
    """Return the parameters of the fused kernels, or None if only the operators can do it."""
    matchers = flat(operators.matcher)
    rows = [_row(matcher, dtype) for matcher in matchers]
    sampler = operators.sampler
    # Subclasses may do anything.
    exact = type(sampler) in (NaiveSampler, BalancedSampler, QuotaSampler) and (
        type(operators.box_encoder) in (NormalizedBoxCenterEncoder, NumPyNormalizedBoxCenterEncoder)
        and type(operators.class_encoder) in (MultiClassEncoder, SigmoidClassEncoder)
    )
    exact &= operators.cost is None
    if not exact or None in rows or len(rows) > NONE or not are_usual(tiles.anchors):
        return None
    positive, high, low = np.inf, np.inf, -np.inf
    integers = [0, 0, 0, 0, -1]
    if isinstance(sampler, QuotaSampler):
        positive = rounded(sampler.pos_thresh, dtype)
        high, low = rounded(sampler.neg_thresh_high, dtype), rounded(sampler.neg_thresh_low, dtype)
        if positive <= 0:  # which makes positives of anchors that overlap nothing
            return None
        max_pos, max_neg = sampler.quotas
        filled = sampler.num_sample if sampler.fill_negative else 0
        integers = [1, max_pos, max_neg, filled, -1 if low <= 0 < high else 0]
    if isinstance(sampler, BalancedSampler):
        integers = [1, sampler.max_pos, 0, sampler.num_sample, -1]
    by_threshold = [own for own in matchers if type(own) is ThresholdMatcher]
    if by_threshold:
        # It has the place of the sampler's threshold for what is neither.
        if len(matchers) > 1 or isinstance(sampler, QuotaSampler):
            return None
        (first,) = by_threshold
        high = rounded(first.high if first.low is None else first.low, dtype)
        if high <= 0:
            return None
    thresholds = [row[1] for row in rows if row is not None and row[0] == MAXIMUM]
    relevant = min([value for value in (*thresholds, positive, high, low) if value > 0])
    multi = isinstance(operators.class_encoder, MultiClassEncoder)
    integers += [int(multi), int(getattr(operators.class_encoder, "ignore_label", -1))]
    crowd = rounded(operators.crowd_thresh, dtype)
    eps = rounded_to_computing(BBoxBatchIOU().eps, dtype)
    limit = largest_coordinate(dtype)
    encoder: Any = operators.box_encoder
    means, stds = normalisation(encoder.means, encoder.stds, dtype)
    return Plan(
        np.array(rows, dtype),
        np.array([relevant, positive, high, low, crowd, eps, limit, *means, *stds], dtype),
        np.array(integers, np.int64),
    )


def _row(matcher: Matcher, dtype: np.dtype[Any]) -> list[float] | None:
    """Return a row of `Plan.matchers`, or None for a matcher that the fused kernels cannot do."""
    if type(matcher) is MaximumMatcher and rounded(matcher.threshold, dtype) > 0:
        return [MAXIMUM, rounded(matcher.threshold, dtype), 0, 0]
    if type(matcher) is BipartiteMatcher and not matcher.is_ascend:
        threshold, eps = rounded(matcher.threshold, dtype), rounded(matcher.eps, dtype)
        if threshold >= LEAST and np.isfinite(eps):
            return [BIPARTITE, threshold, eps, matcher.share_max]
    if type(matcher) is ThresholdMatcher and rounded(matcher.high, dtype) > 0:
        least = least_of_best(rounded(matcher.min_quality, dtype))
        return [THRESHOLD, rounded(matcher.high, dtype), least, how(matcher)]
    return None


def are_usual(anchors: Array) -> bool:
    """Return whether areas and their sums neither overflow nor underflow."""
    if not anchors.size:
        return True
    if float(np.abs(anchors).max()) > largest_coordinate(anchors.dtype):
        return False
    sides = anchors[:, 2:] - anchors[:, :2]
    areas = np.abs(sides[:, 0] * sides[:, 1])
    safe = (areas >= SMALLEST_AREA) | (sides == 0).any(axis=1)
    return bool(safe.all())

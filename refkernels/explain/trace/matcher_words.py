"""Why a matcher matches an anchor, or does not, in one sentence with the numbers that decide."""

from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.explain.trace.matching import read_matching
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.records import Stage
from refkernels.matcher import BipartiteMatcher, Matcher, MaximumMatcher, ThresholdMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

__all__ = ["why_matched"]


def why_matched(matcher: Matcher, ious: Array, anchor: int) -> str:
    """Say why a matcher decides as it does.

    Parameters
    ----------
    matcher : Matcher
        One of refkernels.
    ious : numpy.ndarray, (N, M)
    anchor : int
        The row that is asked for.

    Examples
    --------
    >>> why_matched(MaximumMatcher(0.5), np.array([[0.25, 0.625]]), 0)
    'its largest IoU, 0.625 with ground truth 1, reaches the threshold 0.5 by 0.125'
    """
    if not ious.shape[1]:
        return "there is no ground truth"
    reasons = []
    leaves: list[Any] = flat(matcher)  # of the kinds that a dump's contract can name
    for own in leaves:
        matched, reason = (
            _maximum(own, ious, anchor)
            if isinstance(own, MaximumMatcher)
            else _threshold(own, ious, anchor)
            if isinstance(own, ThresholdMatcher)
            else _bipartite(own, ious, anchor)
        )
        if matched:
            return reason
        reasons.append(reason)
    return ", and ".join(reasons)


def _maximum(matcher: MaximumMatcher, ious: Array, anchor: int) -> tuple[bool, str]:
    truth = int(np.argmax(ious[anchor]))
    value, threshold = ious[anchor, truth], rounded(matcher.threshold, ious.dtype)
    margin = abs(float(value) - float(threshold))
    told = f"its largest IoU, {value!s} with ground truth {truth},"
    if value < threshold:
        return False, f"{told} misses the threshold {matcher.threshold:g} by {margin:.3g}"
    if not margin:
        return True, f"{told} is exactly the threshold"
    return True, f"{told} reaches the threshold {matcher.threshold:g} by {margin:.3g}"


def _threshold(matcher: ThresholdMatcher, ious: Array, anchor: int) -> tuple[bool, str]:
    matching = read_matching(matcher, Pairs.of(ious), matcher(ious))
    leaf, truth = matching.leaves[0], int(np.argmax(ious[anchor]))
    if leaf.stage[anchor] == Stage.LOW_QUALITY:
        via, match = int(leaf.via[anchor]), int(leaf.matches[anchor])
        told = (
            f"its IoU with ground truth {via}, {ious[anchor, via]!s}, is the largest that this has"
        )
        also = "" if via == match else f", and it goes to its own largest, ground truth {match}"
        return True, f"{told}{also} (low quality)"
    matched, told = _maximum(MaximumMatcher(matcher.high), ious, anchor)
    if matched or matcher.low is None:
        return matched, told
    side = "below" if ious[anchor, truth] < rounded(matcher.low, ious.dtype) else "not below"
    return False, f"{told}, and is {side} the low threshold {matcher.low:g}"


def _bipartite(matcher: BipartiteMatcher, ious: Array, anchor: int) -> tuple[bool, str]:
    what, most = ("distance", "smallest") if matcher.is_ascend else ("IoU", "largest")
    sign = sign_of(matcher)
    matching = read_matching(matcher, Pairs.of(ious), matcher(ious))
    leaf, survey = matching.leaves[0], matching.main
    matched = leaf.stage[anchor] >= 0
    truth = int(leaf.matches[anchor] if matched else survey.own[anchor])
    value, first = ious[anchor, truth], int(survey.head[truth])
    best = ious[first, truth]
    if not matched:
        if not value * sign > rounded(matcher.threshold, ious.dtype) * sign:
            return False, f"none of its {what}s is beyond {matcher.threshold:g}"
        return False, (
            f"its {most} {what}, {value!s} with ground truth {truth}, is not the {most} that this "
            f"has: that is {best!s}, of anchor {first}"
        )
    told = f"its {what} with ground truth {truth}, {value!s},"
    if leaf.stage[anchor] == Stage.BIPARTITE and value != best:
        return True, (
            f"{told} is the {most} that is left when closer pairs are served; anchor {first}, "
            f"which has {best!s}, has another match"
        )
    via = int(leaf.via[anchor]) if leaf.stage[anchor] == Stage.SHARED else truth
    if via != truth:
        holder = int(survey.head[via])
        return True, (
            f"{told} is its own {most}, and it is free to go there, since its {what} with ground "
            f"truth {via}, {ious[anchor, via]!s}, comes up to the {most} that this has, "
            f"{ious[holder, via]!s} of anchor {holder}"
        )
    if first == anchor:
        return True, f"{told} is the {most} that this has"
    if value == best:
        return True, f"{told} is the {most} that this has, as is that of anchor {first}"
    return True, (
        f"{told} comes up to the {most} that this has, {best!s} of anchor {first}, as the "
        f"matcher's eps is {matcher.eps:g}"
    )

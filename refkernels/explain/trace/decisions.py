"""From what matchers and samplers return to a record for each anchor and each ground truth."""

from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.explain.trace.matching import Matching, is_known, limits
from refkernels.explain.trace.records import ANCHOR, ROUND, TRUTH, Fate, Stage
from refkernels.explain.trace.survey import Survey, survey
from refkernels.matcher import BipartiteMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.sampler import BalancedSampler, NaiveSampler, OHEMSampler, QuotaSampler

__all__ = ["anchor_records", "empty_records", "rounds_of", "sampled", "truth_records"]

NEITHER = -2

# The stages that have a number of their own in a ground truth's record.
COUNTED = {Stage.BIPARTITE: "bipartite", Stage.SHARED: "shared", Stage.MAXIMUM: "maximum"}


def anchor_records(matching: Matching, samples: Array, sampler: Any, region: Array | None) -> Array:
    """Write a record for each anchor, with ground truth by its column.

    Parameters
    ----------
    matching : Matching
    samples : numpy.ndarray, (N,)
        What the sampler made of the matches, after regions.
    sampler : NaiveSampler, OHEMSampler or QuotaSampler
    region : numpy.ndarray, (N,), optional
        The ignored region that took each anchor out, or -1.
    """
    records = empty_records(matching.main, matching.matches, samples, region)
    records["matcher"] = matching.by
    matched = np.flatnonzero(matching.matches >= 0)
    records["iou"][matched] = matching.at(matched, matching.matches[matched])
    _runners_up(records, matching)
    _matched(records, matching)
    _unmatched(records, matching)
    _stages(records, sampler, matching)
    return records


def empty_records(found: Survey, matches: Array, samples: Array, region: Array | None) -> Array:
    """Return records of anchors with what does not depend on the matcher, by column."""
    blank = np.zeros(1, ANCHOR)
    for name in ("matched_by", "matcher", "via", "runner_up", "tied_truth", "tied_anchor"):
        blank[name] = -1
    for name in ("threshold", "margin", "gap"):
        blank[name] = np.nan
    records = np.repeat(blank, len(matches))  # in one pass, not one a field
    records["anchor"], records["match"] = np.arange(len(matches)), matches
    records["sample"], records["best"], records["iou"] = samples, found.own, found.top
    records["region"] = -1 if region is None else region
    return records


def _runners_up(records: Array, matching: Matching) -> None:
    if matching.pairs.shape[1] < 2:
        return
    first = matching.by.copy()
    first[first < 0] = 0
    for place, matcher in enumerate(matching.matchers):
        rows = np.flatnonzero(first == place)
        if not len(rows):
            continue
        sign = sign_of(matcher)
        found = matching.surveys[sign]
        column = np.where(records["match"][rows] >= 0, records["match"][rows], found.own[rows])
        is_own = found.own[rows] == column
        other = np.where(is_own, found.second[rows], found.own[rows])
        value = np.where(is_own, found.below[rows], found.top[rows]).astype(np.float64)
        gap = (records["iou"][rows] - value) * sign
        records["runner_up"][rows], records["gap"][rows] = other, gap
        # A tie that the lowest index decided; of 0 with 0 there is nothing to say.
        tied = (gap == 0) & ((value != 0) | (sign < 0))
        if is_known(matcher):
            records["tied_truth"][rows[tied]] = other[tied]


def _matched(records: Array, matching: Matching) -> None:
    """Fill in how matched anchors were matched, and what that was compared with."""
    records["matched_by"][matching.matches >= 0] = Stage.OTHER_MATCHER
    for place, (matcher, leaf) in enumerate(zip(matching.matchers, matching.leaves, strict=True)):
        rows = np.flatnonzero(matching.by == place)
        if not len(rows):
            continue
        sign = sign_of(matcher)
        records["matched_by"][rows] = leaf.stage[rows]
        records["round"][rows], records["via"][rows] = leaf.turn[rows], leaf.via[rows]
        ties = np.full(len(records), -1, np.int64)
        ties[leaf.rounds["anchor"]] = leaf.rounds["tied_anchor"]
        records["tied_anchor"][rows] = ties[rows]
        if not is_known(matcher):
            continue
        limit: Any = matcher.high if hasattr(matcher, "high") else matcher.threshold  # type: ignore[attr-defined]
        records["threshold"][rows] = float(rounded(limit, matching.pairs.dtype))
        drawn = leaf.via[rows] >= 0
        via = leaf.via[rows[drawn]]
        records["threshold"][rows[drawn]] = matching.surveys[sign].best[via]
        value = records["iou"][rows]
        value[drawn] = matching.at(rows[drawn], via)
        records["margin"][rows] = (value - records["threshold"][rows]) * sign


def _unmatched(records: Array, matching: Matching) -> None:
    """Fill in what unmatched anchors miss: the least threshold, or else their truth's best."""
    rows = np.flatnonzero(matching.matches < 0)
    if not len(rows) or not matching.pairs.shape[1]:
        return
    value = records["iou"][rows]
    found = limits(matching)
    if found:
        sign, threshold = 1, np.full(len(rows), found[0][0])
        records["matcher"][rows] = found[0][1]
    elif type(matching.matchers[0]) is BipartiteMatcher:
        matcher = matching.matchers[0]
        sign = sign_of(matcher)
        least = float(rounded(matcher.threshold, matching.pairs.dtype))
        best = matching.main.best[records["best"][rows]].astype(np.float64)
        threshold = np.where((value - least) * sign > 0, best, least)
        records["matcher"][rows] = 0
    else:
        return
    records["threshold"][rows] = threshold
    records["margin"][rows] = (value - threshold) * sign


def _stages(records: Array, sampler: Any, matching: Matching) -> None:
    matched, sample = records["match"] >= 0, records["sample"]
    apart = (records["iou"] == 0) & (sign_of(matching.matchers[0]) > 0)
    if not matching.pairs.shape[1]:
        apart[:] = True
    stage = np.where(apart, Stage.NO_OVERLAP, Stage.MISSED).astype(np.int8)
    if not all(map(is_known, matching.matchers)):
        stage[:] = Stage.LEFT_OUT
    if type(sampler) is QuotaSampler:
        high, low, positive = (
            float(rounded(value, matching.pairs.dtype))
            for value in (sampler.neg_thresh_high, sampler.neg_thresh_low, sampler.pos_thresh)
        )
        largest = _largest_of(matching)
        able = (largest >= low) & (largest < high)
        stage[~matched & (largest >= positive)] = Stage.SAMPLER_THRESHOLD
        between = ~matched & ~able & (largest < positive)
        stage[between] = Stage.BETWEEN
        left = (sample == 0) & (matched | able | (largest >= positive))
        stage[left] = Stage.QUOTA
        _compare(records, between, largest, np.where(largest >= high, high, low))
        _compare(records, ~matched & (largest >= positive), largest, positive)
    elif type(sampler) is OHEMSampler:
        largest = _largest_of(matching)
        limit = float(rounded(sampler.thresh, matching.pairs.dtype))
        between = ~matched & (largest >= limit)
        stage[~matched] = np.where(sample[~matched] < 0, Stage.HARD_NEGATIVE, Stage.EASY_NEGATIVE)
        stage[between] = Stage.BETWEEN
        _compare(records, between, largest, limit)
    else:
        stage[records["match"] == NEITHER] = Stage.NEITHER
        stage = sampled(stage, records, sampler)
    kept = matched & (sample > 0)
    stage[kept] = records["matched_by"][kept]
    stage[records["region"] >= 0] = Stage.REGION
    records["stage"] = stage


def sampled(stage: Array, records: Array, sampler: Any) -> Array:
    """Return the stages of anchors after a sampler that looks at matches alone."""
    plain, sample = NaiveSampler()(records["match"]), records["sample"]
    if type(sampler) is BalancedSampler:
        return np.where((plain != 0) & (sample == 0), Stage.QUOTA, stage)
    if type(sampler) is not NaiveSampler:
        return np.where(sample != plain, Stage.OTHER_SAMPLER, stage)
    return stage


def _compare(records: Array, rows: Array, value: Array, threshold: Any) -> None:
    records["threshold"][rows] = np.broadcast_to(threshold, rows.shape)[rows]
    records["margin"][rows] = value[rows] - records["threshold"][rows]


def _largest_of(matching: Matching) -> Array:
    """Return the largest IoU of each anchor, 0 without ground truth, as samplers take it."""
    if 1 in matching.surveys:
        return matching.surveys[1].top.astype(np.float64)
    return survey(matching.pairs, 1).top.astype(np.float64)


def rounds_of(matching: Matching) -> Array:
    """Return the greedy rounds of all bipartite matchers, with ground truth by its column."""
    parts = []
    for place, leaf in enumerate(matching.leaves):
        rounds = leaf.rounds.copy()
        rounds["matcher"] = place
        parts.append(rounds)
    return np.concatenate(parts) if parts else np.zeros(0, ROUND)


def truth_records(
    found: Survey, sign: int, records: Array, count: int, columns: Array, known: bool = True
) -> Array:
    """Write a record for each of `count` ground truths, of which `columns` are in the matrix.

    In `records` ground truth goes by its own number already. `known` is whether it is known why
    anchors are not matched.
    """
    truths = np.zeros(count, TRUTH)
    truths["truth"] = np.arange(count)
    for name in ("best_anchor", "lost_to", "own_anchor"):
        truths[name] = -1
    matched = records[records["match"] >= 0]
    positive = matched[matched["sample"] > 0]
    truths["anchors"] = np.bincount(matched["match"], minlength=count)
    truths["positives"] = np.bincount(positive["match"], minlength=count)
    truths["other"] = truths["anchors"]
    for stage, name in COUNTED.items():
        own = matched["match"][matched["matched_by"] == stage]
        truths[name] = np.bincount(own, minlength=count)
        truths["other"] -= truths[name]
    rounds = matched[matched["round"] > 0]
    truths["round"][rounds["match"]] = rounds["round"]
    truths["own_anchor"][rounds["match"]] = rounds["anchor"]
    truths["fate"] = Fate.NO_EXTENT
    if len(records):
        truths["best_iou"][columns] = found.best
        meets = np.asarray((found.best != 0) | (sign < 0))
        truths["best_anchor"][columns[meets]] = found.head[meets]
        owner = records["match"][found.head]
        lost = meets & (owner >= 0) & (owner != columns)
        truths["lost_to"][columns[lost]] = owner[lost]
        truths["fate"][columns] = np.where(
            lost, Fate.LOST, np.where(meets, Fate.BELOW, Fate.NO_OVERLAP)
        )
    else:
        truths["fate"][columns] = Fate.NO_OVERLAP
    if not known:
        truths["fate"][columns] = Fate.NOT_CHOSEN
    truths["fate"][truths["anchors"] > 0] = Fate.LEFT_OUT
    truths["fate"][truths["positives"] > 0] = Fate.MATCHED
    return truths

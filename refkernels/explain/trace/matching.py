"""Which matcher matched each anchor, and how, told from what the matchers themselves return."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array, computing_dtype, rounded, to_computing
from refkernels.explain.trace import pairs as made
from refkernels.explain.trace.best import best_pairs, is_threshold, least_of, read_threshold
from refkernels.explain.trace.pairs import Pairs
from refkernels.explain.trace.records import ROUND, Stage
from refkernels.explain.trace.survey import Survey, rivals, survey
from refkernels.matcher import BipartiteMatcher, Matcher, MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

__all__ = ["Leaf", "Matching", "is_known", "limits", "read_matching"]


@dataclass(frozen=True)
class Leaf:
    """What one matcher makes of a matrix.

    Attributes
    ----------
    matches : numpy.ndarray, int64, (N,)
    stage : numpy.ndarray, int8, (N,)
        How it matched each anchor, or -1.
    turn : numpy.ndarray, int32, (N,)
        In which greedy round, from 1, or 0.
    via : numpy.ndarray, int64, (N,)
        Of an anchor that shares, or holds, a column's best: that column; -1.
    rounds : numpy.ndarray of `ROUND`
    """

    matches: Array
    stage: Array
    turn: Array
    via: Array
    rounds: Array


@dataclass(frozen=True)
class Matching:
    """What all matchers make of a matrix, in columns.

    Attributes
    ----------
    pairs : Pairs
        The matrix (N, M) in its own dtype.
    matchers : list of Matcher
    leaves : list of Leaf
    matches, by : numpy.ndarray, (N,)
        The column of each anchor and the number of the matcher that gave it, or -1.
    surveys : dict of int to Survey
        By sign: for matchers that look for the largest, and for the smallest.
    """

    pairs: Pairs
    matchers: list[Matcher]
    leaves: list[Leaf]
    matches: Array
    by: Array
    surveys: dict[int, Survey]

    @property
    def main(self) -> Survey:
        """The survey of the first matcher."""
        return self.surveys[sign_of(self.matchers[0])]

    def at(self, rows: Array, columns: Array) -> Array:
        """Return the numbers of some pairs, in the dtype that they are computed in."""
        return self.pairs.at(rows, columns).astype(computing_dtype(self.pairs.dtype))


def is_known(matcher: Any) -> bool:
    """Return whether it is a matcher of one matrix whose reasons are known."""
    return type(matcher) in (BipartiteMatcher, MaximumMatcher) or is_threshold(matcher)


def read_matching(matcher: Any, pairs: Pairs, matches: Array) -> Matching:
    """Find out how `matches` (N,), which a matcher returned for `pairs` (N, M), came about."""
    matchers = flat(matcher)
    surveys = {sign: survey(pairs, sign) for sign in dict.fromkeys(map(sign_of, matchers))}
    rows = _rows_that_matter(pairs, matchers, surveys)
    values = pairs.rows(rows)
    x = to_computing(values, values.dtype)
    count = pairs.shape[0]
    leaves = []
    for own in matchers:
        if len(matchers) == 1 and not is_known(own):
            leaf = _unknown(matches)  # it may draw lots, so it is not asked again
        else:
            leaf = _spread(_read(own, values, x, surveys[sign_of(own)], rows), rows, count)
        leaves.append(leaf)
    by = np.full(len(matches), -1, np.int16)
    for place in reversed(range(len(leaves))):
        # A matcher that draws lots returns something else now; then it is not known who did it.
        own_matches = leaves[place].matches
        by[(own_matches >= 0) & (own_matches == matches)] = place
    return Matching(pairs, matchers, leaves, matches, by, surveys)


def _rows_that_matter(pairs: Pairs, matchers: list[Any], surveys: dict[int, Survey]) -> Any:
    """Return the rows that any of the matchers may match; the others change nothing.

    A bipartite matcher never goes further down a column than it has columns to give away, so of
    each its largest M are enough, and those that come within eps of the best.
    """
    count, columns = pairs.shape
    if count * columns <= made.BLOCK or not all(map(is_known, matchers)) or -1 in surveys:
        return slice(None)
    found, dtype = surveys[1], pairs.dtype
    best = found.best.astype(np.float64)
    limit, floor, eps, depth = np.inf, np.inf, -1.0, 1
    for own in matchers:
        if type(own) is BipartiteMatcher:
            floor = min(floor, float(rounded(own.threshold, dtype)))
            eps, depth = max(eps, float(rounded(own.eps, dtype))), columns
        elif type(own) is MaximumMatcher:
            limit = min(limit, float(rounded(own.threshold, dtype)))
        else:
            limit = min(limit, float(rounded(own.high if own.low is None else own.low, dtype)))
            if own.low_quality is not None:
                floor = min(floor, least_of(own, dtype))
    bars = np.maximum(_bars(pairs, depth, best - eps - 4 * np.spacing(np.abs(best))), floor)
    kept = [np.flatnonzero(found.top >= limit)]
    kept += [first + np.flatnonzero((block >= bars).any(1)) for first, block in pairs.blocks()]
    return np.unique(np.concatenate(kept))


def _bars(pairs: Pairs, depth: int, near: Array) -> Array:
    """Return the `depth`-th largest of each column, or what is near its best if that is less."""
    kept = np.full((0, pairs.shape[1]), 0, pairs.dtype)
    for _, block in pairs.blocks():
        kept = np.concatenate([kept, block])
        if len(kept) > depth:
            kept = np.partition(kept, len(kept) - depth, axis=0)[-depth:]
    return np.minimum(kept.min(axis=0).astype(np.float64), near)


def _spread(leaf: Leaf, rows: Any, count: int) -> Leaf:
    """Return for all anchors what is known of some rows; the others are not matched."""
    if isinstance(rows, slice):
        return leaf
    rounds = leaf.rounds.copy()
    numbers = np.append(rows, -1)
    for name in ("anchor", "tied_anchor"):
        rounds[name] = numbers[rounds[name]]
    whole: list[Array] = []
    for values, fill in ((leaf.matches, -1), (leaf.stage, -1), (leaf.turn, 0), (leaf.via, -1)):
        own = np.full(count, fill, values.dtype)
        own[rows] = values
        whole.append(own)
    matches, stage, turn, via = whole
    return Leaf(matches, stage, turn, via, rounds)


def _read(matcher: Any, values: Array, x: Array, found: Survey, rows: Any) -> Leaf:
    matches = np.asarray(matcher(values), np.int64)
    stage = np.full(len(matches), -1, np.int8)
    turn = np.zeros(len(matches), np.int32)
    via = np.full(len(matches), -1, np.int64)
    rounds = np.zeros(0, ROUND)
    if type(matcher) is MaximumMatcher:
        stage[matches >= 0] = Stage.MAXIMUM
    elif type(matcher) is BipartiteMatcher:
        rounds = _rounds(matches, x, sign_of(matcher))
        turn[rounds["anchor"]] = rounds["round"]
        stage[matches >= 0] = Stage.SHARED
        stage[rounds["anchor"]] = Stage.BIPARTITE
        shared = np.flatnonzero(stage == Stage.SHARED)
        via[shared] = _shared(matcher, values[shared], matches[shared], found)
    elif is_threshold(matcher):
        numbers = np.arange(len(x)) if isinstance(rows, slice) else rows
        best = best_pairs(matcher, x, numbers, found.best, found.head, values.dtype)
        stage, via = read_threshold(matcher, x, matches, best, values.dtype)
    else:
        return _unknown(matches)
    return Leaf(matches, stage, turn, via, rounds)


def _unknown(matches: Array) -> Leaf:
    """Return what is known of a matcher of one's own: what it returns."""
    stage = np.where(matches >= 0, Stage.OTHER_MATCHER, -1).astype(np.int8)
    none = np.full(len(matches), -1, np.int64)
    return Leaf(matches, stage, np.zeros(len(matches), np.int32), none, np.zeros(0, ROUND))


def _rounds(matches: Array, x: Array, sign: int) -> Array:
    """Tell the greedy rounds from what a bipartite matcher returned.

    An anchor that shares is matched to its own best, and was free all along, so the ground truth
    of it had its greedy partner from a pair that goes before: the first of its pairs, by value and
    then row, is the greedy one. Rounds go by value, then row, then column.
    """
    rows = np.flatnonzero(matches >= 0)
    columns = matches[rows]
    signed = x[rows, columns] * x.dtype.type(sign)
    order = np.lexsort((rows, -signed, columns))
    first = order[np.unique(columns[order], return_index=True)[1]]
    first = first[np.lexsort((columns[first], rows[first], -signed[first]))]
    rounds = np.zeros(len(first), ROUND)
    rounds["round"] = np.arange(1, len(first) + 1)
    rounds["anchor"], rounds["truth"] = rows[first], columns[first]
    rounds["iou"] = x[rows[first], columns[first]]
    winner, turn = np.full(x.shape[1], -1, np.int64), np.zeros(x.shape[1], np.int64)
    winner[columns[first]], turn[columns[first]] = rows[first], rounds["round"]
    row_turn = np.zeros(len(matches), np.int64)
    row_turn[rows[first]] = rounds["round"]
    count, tied = rivals(x, winner, turn, row_turn)
    rounds["ties"], rounds["tied_anchor"] = count[columns[first]], tied[columns[first]]
    return rounds


def _shared(matcher: BipartiteMatcher, rows: Array, matches: Array, found: Survey) -> Array:
    """Return the column whose best each row (K, M) shares: its own if it does, else the first."""
    sign = sign_of(matcher)
    with np.errstate(over="ignore"):  # sums with eps are in the dtype of the matrix
        sums = rows + rows.dtype.type(float(rounded(matcher.eps, rows.dtype)) * sign)
    signed = rows * rows.dtype.type(sign)
    threshold = float(rounded(matcher.threshold, rows.dtype)) * sign
    reaches = (signed > threshold) & (sums * sums.dtype.type(sign) >= found.best * sign)
    own = reaches[np.arange(len(rows)), matches]
    return np.where(own, matches, np.argmax(reaches, axis=1) if rows.size else -1)


def limits(matching: Matching) -> Any:
    """Return the rounded thresholds of matchers that have one, and their numbers; least first."""
    found = []
    for place, own in enumerate(matching.matchers):
        if type(own) is MaximumMatcher or is_threshold(own):
            threshold = own.threshold if isinstance(own, MaximumMatcher) else own.high  # type: ignore[attr-defined]
            found.append((float(rounded(threshold, matching.pairs.dtype)), place))
    return sorted(found)

"""Which matcher matched each anchor, and how, told from what the matchers themselves return."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded, to_computing
from refkernels.explain.trace.records import ROUND, Stage
from refkernels.explain.trace.survey import Survey, rivals, survey
from refkernels.matcher import BipartiteMatcher, Matcher, MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

__all__ = ["Leaf", "Matching", "read_matching"]


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
        Of an anchor that shares, the column whose best it shares; -1.
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
    values : numpy.ndarray, (N, M)
        The matrix in its own dtype.
    x : numpy.ndarray, (N, M)
        The same in the dtype that it is computed in.
    matchers : list of Matcher
    leaves : list of Leaf
    matches, by : numpy.ndarray, (N,)
        The column of each anchor and the number of the matcher that gave it, or -1.
    surveys : dict of int to Survey
        By sign: for matchers that look for the largest, and for the smallest.
    """

    values: Array
    x: Array
    matchers: list[Matcher]
    leaves: list[Leaf]
    matches: Array
    by: Array
    surveys: dict[int, Survey]

    @property
    def main(self) -> Survey:
        """The survey of the first matcher."""
        return self.surveys[sign_of(self.matchers[0])]


def read_matching(matcher: Matcher, values: Array, matches: Array) -> Matching:
    """Find out how `matches` (N,), which a matcher returned for `values` (N, M), came about."""
    matchers = flat(matcher)
    x = to_computing(values, values.dtype)
    surveys = {sign: survey(x, sign) for sign in dict.fromkeys(map(sign_of, matchers))}
    leaves = [_read(own, values, x, surveys[sign_of(own)]) for own in matchers]
    by = np.full(len(matches), -1, np.int16)
    for place in reversed(range(len(leaves))):
        # A matcher that draws lots returns something else now; then it is not known who did it.
        own = leaves[place].matches
        by[(own >= 0) & (own == matches)] = place
    return Matching(values, x, matchers, leaves, matches, by, surveys)


def _read(matcher: Matcher, values: Array, x: Array, found: Survey) -> Leaf:
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
    else:
        stage[matches >= 0] = Stage.OTHER_MATCHER
    return Leaf(matches, stage, turn, via, rounds)


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
    """Return the numbers and the rounded thresholds of the maximum matchers, least first."""
    found = [
        (float(rounded(own.threshold, matching.values.dtype)), place)
        for place, own in enumerate(matching.matchers)
        if type(own) is MaximumMatcher
    ]
    return sorted(found)

"""What a `ThresholdMatcher` decides, in words: thresholds, low quality, and who wins a tie."""

from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import Array, rounded
from refkernels.arrays.printing import times
from refkernels.explain.trace.best import best_pairs, least_of
from refkernels.explain.trace.phrases import listed, number
from refkernels.matcher.composite import flat

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["matched", "others", "refused", "unmatched"]


def matched(trace: "Trace", record: Any) -> str:
    """Say why an anchor is matched by low quality."""
    anchor, truth, via = record["anchor"], record["match"], record["via"]
    begin = f"Anchor {anchor} is matched with ground truth {truth} by low quality"
    held = trace.iou(anchor, via)
    if held == 0:
        reason = f"ground truth {via} overlaps nothing, and this matcher has no guard against that"
        told = f"{begin}: {reason}."
    elif via == truth:
        told = f"{begin}: its IoU, {number(held)}, is the largest that this has with any anchor"
        told += _missed(trace, record) + "."
    else:
        told = (
            f"{begin}: its IoU with ground truth {via}, {number(held)}, is the largest that this "
            f"has with any anchor, and it goes to its own largest, {number(record['iou'])}"
        )
        told += _missed(trace, record) + "."
    return " ".join([told, *_same(trace, record, via)])


def _missed(trace: "Trace", record: Any) -> str:
    matcher: Any = flat(trace.matcher)[record["matcher"]]
    high, value = float(rounded(matcher.high, trace.pairs.dtype)), float(record["iou"])
    if value >= high:
        return ""
    return f", though it misses the threshold {number(high)} by {number(high - value)}"


def _same(trace: "Trace", record: Any, via: int) -> list[str]:
    """Tell of other anchors that have as much with the ground truth whose best it has."""
    matcher: Any = flat(trace.matcher)[record["matcher"]]
    column = trace.pairs.column(_column_of(trace, via))
    same = int((column == column[record["anchor"]]).sum()) - 1
    if not same:
        return []
    have = f"{times(same, 'other anchor')} {'has' if same == 1 else 'have'} the same"
    return [f"{have}, and {'all are' if same > 1 else 'both are'} taken."] if matcher.ties else [
        f"{have}: the lowest index wins."
    ]  # fmt: skip


def others(trace: "Trace", record: Any) -> list[str]:
    """Say what else an anchor could be that is matched by low quality."""
    anchor, truth = int(record["anchor"]), record["match"]
    matcher: Any = flat(trace.matcher)[record["matcher"]]
    told = []
    row = trace.pairs.row(anchor)
    if matcher.low_quality == "truth":
        column = _column_of(trace, truth)
        more = np.flatnonzero(_best(trace, matcher, anchor))
        rest = [int(trace.columns[c]) for c in more if c != column]
        if rest:
            name = f"ground truth{'s' if len(rest) > 1 else ''} {listed(rest)}"
            told.append(f"It is the best of {name} too: the {matcher.winner} wins.")
    largest = int(np.argmax(row))
    if row[largest] > record["iou"]:
        told.append(
            f"It overlaps ground truth {trace.columns[largest]} more, {number(row[largest])}."
        )
    elif len(row) > 1 and not (np.delete(row, _column_of(trace, truth)) > 0).any():
        told.append("It overlaps no other ground truth.")
    return told


def unmatched(trace: "Trace", matcher: Any, record: Any) -> str:
    """Say what of a matcher's low threshold and low quality an anchor misses."""
    dtype, told = trace.pairs.dtype, []
    high = float(rounded(matcher.high, dtype))
    low = high if matcher.low is None else float(rounded(matcher.low, dtype))
    if low < high:
        side = "below" if record["iou"] < low else "not below"
        told.append(f"It is {side} the low threshold {number(low)}.")
    column = _column_of(trace, record["best"])
    return " ".join([*told, *_no_best(trace, matcher, int(record["anchor"]), column)])


def refused(trace: "Trace", matcher: Any, anchor: int, column: int) -> str:
    """Say why a matcher does not match an anchor with the ground truth of a column."""
    row, dtype = trace.pairs.row(anchor), trace.pairs.dtype
    largest, high = int(np.argmax(row)), float(rounded(matcher.high, dtype))
    told = []
    if largest != column:
        tie = " too, of the lower index" if row[largest] == row[column] else ""
        told.append(
            f"The threshold matcher looks at its largest: ground truth {trace.columns[largest]}, "
            f"{number(row[largest])}{tie}."
        )
    elif row[column] < high:
        missed = number(high - float(row[column]))
        told.append(f"The threshold matcher's threshold {number(high)} is missed by {missed}.")
    return " ".join([*told, *_no_best(trace, matcher, anchor, column)])


def _no_best(trace: "Trace", matcher: Any, anchor: int, column: int) -> list[str]:
    """Say why low quality does not match a pair."""
    if matcher.low_quality is None:
        return []
    values, truth = trace.pairs.column(column), trace.columns[column]
    first = int(np.argmax(values))
    name, best = f"ground truth {truth}", values[first]
    if values[anchor] < best:
        more = number(float(best) - float(values[anchor]))
        return [f"For low quality, {name} has {more} more with anchor {first}, {number(best)}."]
    least = least_of(matcher, trace.pairs.dtype)
    if best < least:
        what = "it would take more than 0" if matcher.min_quality <= 0 else (
            f"it would take at least {number(least)}"
        )  # fmt: skip
        return [f"For low quality, it has the largest of {name}, {number(best)}, but {what}."]
    if not matcher.ties and first != anchor:
        return [f"For low quality, anchor {first} has as much of {name}: the lowest index wins."]
    if matcher.low_quality == "own":
        return [f"It has the largest of {name}, for which low quality gives it its own largest."]
    held = trace.columns[np.flatnonzero(_best(trace, matcher, anchor))]
    chosen = held[-1] if matcher.winner == "last" else held[0]
    if chosen == truth:
        return []  # it would, but a matcher before it has decided
    which = f"also of ground truth {chosen}: the {matcher.winner} wins"
    return [f"For low quality, it has the largest of {name}, and {which}."]


def _best(trace: "Trace", matcher: Any, anchor: int) -> Array:
    """Return whose best an anchor is in a best pair with, as a mask of columns."""
    row = trace.pairs.row(anchor)
    columns = np.flatnonzero(row >= least_of(matcher, trace.pairs.dtype))
    held = np.zeros(len(row), bool)
    for column in columns:
        values = trace.pairs.column(int(column))
        head = np.array([np.argmax(values)])
        held[column] = best_pairs(
            matcher, row[[[column]]], np.array([anchor]), values[head], head, trace.pairs.dtype
        )[0, 0]
    return held


def _column_of(trace: "Trace", truth: int) -> int:
    return int(np.flatnonzero(trace.columns == truth)[0])

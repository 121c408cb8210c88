"""Decisions in words: two or three sentences with the numbers that decided."""

from typing import TYPE_CHECKING, Any

import numpy as np

from refkernels.arrays import rounded
from refkernels.arrays.printing import times
from refkernels.explain.trace import best_words
from refkernels.explain.trace.best import has_guard, is_threshold
from refkernels.explain.trace.matching import is_known
from refkernels.explain.trace.phrases import by_how_much, name_of, number
from refkernels.explain.trace.records import MATCHED, Fate, Stage
from refkernels.matcher import BipartiteMatcher, MaximumMatcher
from refkernels.matcher.bipartite import sign_of
from refkernels.matcher.composite import flat

if TYPE_CHECKING:
    from refkernels.explain.trace.trace import Trace

__all__ = ["why", "why_not", "why_truth"]

NEITHER = -2


def why(trace: "Trace", anchor: int) -> str:
    """Say why an anchor is what it is; see `Trace.why`."""
    record = trace.anchors[anchor]
    if trace.reading is not None:
        told = trace.reading.why(anchor)
    elif record["match"] >= 0:
        told = [_matched(trace, record), *_others(trace, record)]
    else:
        told = [_unmatched(trace, record)]
    return " ".join([*told, *_sampled(trace, record)])


def why_not(trace: "Trace", anchor: int, truth: int) -> str:
    """Say why an anchor is not matched with a ground truth; see `Trace.why_not`."""
    record = trace.anchors[anchor]
    if record["match"] == truth:
        return f"It is. {why(trace, anchor)}"
    if truth not in trace.columns:
        return f"Ground truth {truth} has no extent, so it was dropped before matching."
    value = trace.iou(anchor, truth)
    measure = trace.measure if trace.reading is not None else _measure(trace, record)
    if trace.reading is not None:
        told = trace.reading.why_not(anchor, int(np.flatnonzero(trace.columns == truth)[0]))
    elif value == 0 and measure == "IoU":
        told = [f"Anchor {anchor} and ground truth {truth} do not overlap: their IoU is 0."]
    else:
        told = [f"Anchor {anchor} has {measure} {number(value)} with ground truth {truth}."]
        told += [_refused(trace, place, anchor, truth) for place in range(len(_matchers(trace)))]
    if record["match"] >= 0:
        stage = Stage(record["matched_by"]).label
        told.append(
            f"It is matched with ground truth {record['match']} ({stage}, {measure} "
            f"{number(record['iou'])})."
        )
    return " ".join(filter(None, told))


def why_truth(trace: "Trace", truth: int) -> str:
    """Say which anchors a ground truth has, or why it has none; see `Trace.why_truth`."""
    record = trace.truths[truth]
    fate = Fate(record["fate"])
    name = f"Ground truth {truth}"
    if fate == Fate.NO_EXTENT:
        return f"{name} has no extent, so it was dropped before matching."
    if fate == Fate.NO_OVERLAP:
        return f"{name} meets no anchor, so it has none{_guard(trace)}."
    own = trace.anchors["matched_by"][trace.anchors["match"] == truth]
    if record["anchors"]:
        parts = [
            f"{count} by {stage.label}" for stage in MATCHED if (count := int((own == stage).sum()))
        ]
        told = [f"{name} has {times(record['anchors'], 'anchor')}: {', '.join(parts)}."]
        if record["positives"] < record["anchors"]:
            told.append(f"Positive after sampling: {record['positives']}.")
    else:
        told = [f"{name} has no anchor."]
    if trace.reading is not None:
        told += trace.reading.why_truth(int(np.flatnonzero(trace.columns == truth)[0]))
        return " ".join(told)
    best = f"anchor {record['best_anchor']}, with {number(record['best_iou'])}"
    if record["best_anchor"] < 0:
        told.append("It overlaps no anchor.")
    elif record["lost_to"] >= 0:
        told.append(f"Its best is {best}, which went to ground truth {record['lost_to']}.")
    elif fate == Fate.BELOW:
        told.append(f"Its best is {best}, which reaches no threshold.")
    else:
        told.append(f"Its best is {best}.")
    return " ".join(told)


def _guard(trace: "Trace") -> str:
    """Say what keeps a `ThresholdMatcher` from giving it anchors that it does not overlap."""
    guarded = [own for own in _matchers(trace) if has_guard(own) and own.low_quality is not None]
    return ": low quality needs an IoU above 0" if guarded else ""


def _others(trace: "Trace", record: Any) -> list[str]:
    """Say what else a matched anchor could have been matched with."""
    if record["matched_by"] == Stage.LOW_QUALITY:
        return best_words.others(trace, record)
    if record["matched_by"] == Stage.OTHER_MATCHER:
        return _facts(trace, record)
    told = _ties(trace, record)
    if record["runner_up"] >= 0 and record["tied_truth"] < 0:
        told.append(_runner_up(trace, record))
    return told


def _facts(trace: "Trace", record: Any) -> list[str]:
    """Say what the numbers are where it is not known what they are good for."""
    if record["runner_up"] < 0:
        return []
    truth, gap = record["runner_up"], float(record["gap"])
    value = number(trace.iou(record["anchor"], truth))
    if gap < 0:
        return [f"Its largest is {value}, with ground truth {truth}."]
    less = f", {number(gap)} less" if gap else " too"
    return [f"Its next is ground truth {truth}, with {value}{less}."]


def _matched(trace: "Trace", record: Any) -> str:
    anchor, truth = record["anchor"], record["match"]
    measure, most = _measure(trace, record), _most(trace, record)
    value = number(record["iou"])
    begin = f"Anchor {anchor} is matched with ground truth {truth}"
    stage = Stage(record["matched_by"])
    if stage == Stage.BIPARTITE:
        told = (
            f"{begin}, in round {record['round']} of the bipartite matcher: {measure} {value} was "
            f"the {most} left."
        )
        best = int(_column(trace, truth, record)[1])
        if best != anchor and trace.iou(best, truth) != trace.iou(anchor, truth):
            owner = trace.rounds[
                (trace.rounds["matcher"] == record["matcher"]) & (trace.rounds["anchor"] == best)
            ]
            told += (
                f" Anchor {best} has {'less' if _sign(trace, record) < 0 else 'more'} with that "
                f"ground truth, {number(trace.iou(best, truth))}, but was given to ground truth "
                f"{owner['truth'][0]} in round {owner['round'][0]}."
            )
        return told
    if stage == Stage.SHARED:
        via, margin = record["via"], record["margin"]
        holder = int(_column(trace, via, record)[1])
        what = f"the {most} {measure} that ground truth {via} has with any anchor"
        shown = number(record["threshold"])
        if margin == 0:
            told = f"{begin}, since it shares {what}: {shown}"
            told += f", as anchor {holder} has it." if holder != anchor else ", and is free."
        else:
            told = (
                f"{begin}, since it comes within eps of {what}: {shown}, of anchor {holder}, "
                f"{number(abs(margin))} off."
            )
        if via != truth:
            told += f" It goes to its own best, ground truth {truth}, with {value}."
        return told
    if stage in (Stage.MAXIMUM, Stage.THRESHOLD):
        by = by_how_much(record["margin"])
        return (
            f"{begin}: its largest IoU, {value}, reaches the threshold "
            f"{number(record['threshold'])}{by}."
        )
    if stage == Stage.LOW_QUALITY:
        return best_words.matched(trace, record)
    own = trace.matcher if record["matcher"] < 0 else _matchers(trace)[record["matcher"]]
    return f"{begin} by {name_of(own)}, with {trace.measure} {value}."


def _unmatched(trace: "Trace", record: Any) -> str:
    anchor, neither = record["anchor"], record["match"] == NEITHER
    begin = f"Anchor {anchor} is {'neither matched nor negative' if neither else 'not matched'}"
    if not len(trace.columns):
        return f"{begin}: there is no ground truth."
    matchers, best = _matchers(trace), record["best"]
    strange = [name_of(own) for own in matchers if not is_known(own)]
    measure = trace.measure if strange else _measure(trace, record)
    value, most = number(record["iou"]), _most(trace, record)
    if len(strange) == len(matchers):
        begin = f"Anchor {anchor} is {'called neither' if neither else 'left out'}"
        return (
            f"{begin} by {' and by '.join(strange)}. Its {most} {measure} is {value}, with ground "
            f"truth {best}."
        )
    left = [f"{name} left it out too." for name in strange]
    if record["iou"] == 0 and measure == "IoU" and not neither:
        return " ".join([f"{begin}: it overlaps no ground truth.", *left])
    told = f"{begin}: its {most} {measure} is {value}, with ground truth {best}"
    limit = _limit(trace)
    if limit is None:
        told += "."
    else:
        missed = number(abs(limit - record["iou"]))
        told += f", which misses the threshold {number(limit)} by {missed}."
    reasons = [
        _refused(trace, place, int(anchor), int(best))
        for place, matcher in enumerate(matchers)
        if type(matcher) is BipartiteMatcher
    ]
    reasons += [
        best_words.unmatched(trace, matcher, record)
        for matcher in matchers
        if is_threshold(matcher)
    ]
    return " ".join(filter(None, [told, *reasons, *left]))


def _refused(trace: "Trace", place: int, anchor: int, truth: int) -> str:
    """Say why one of the matchers does not match an anchor with a ground truth."""
    matcher = _matchers(trace)[place]
    sign = sign_of(matcher)
    column = int(np.flatnonzero(trace.columns == truth)[0])
    row = trace.pairs.row(anchor)
    value = float(row[column])
    if is_threshold(matcher):
        return best_words.refused(trace, matcher, anchor, column)
    if not is_known(matcher):
        record = trace.anchors[anchor]
        # Of what a matcher before it has decided, or drawn by lot, nothing is known.
        before = record["match"] >= 0 and record["matcher"] <= place
        return "" if before else f"{name_of(matcher)} did not match it."
    if type(matcher) is MaximumMatcher:
        threshold = float(rounded(matcher.threshold, trace.pairs.dtype))
        largest = int(np.argmax(row))
        if largest != column:
            other = f"ground truth {trace.columns[largest]}, {number(row[largest])}"
            tie = row[largest] == row[column]
            return f"The maximum matcher looks at its largest alone: {other}" + (
                " too, of the lower index." if tie else "."
            )
        if value < threshold:
            missed = number(threshold - value)
            return f"The maximum matcher's threshold {number(threshold)} is missed by {missed}."
        return ""
    threshold = float(rounded(matcher.threshold, trace.pairs.dtype))
    if not (value - threshold) * sign > 0:
        what = "below" if sign < 0 else "above"
        return f"For the bipartite matcher it is no candidate: that is not {what} {threshold:.4g}."
    own = trace.rounds[trace.rounds["matcher"] == place]
    mine, its = own[own["anchor"] == anchor], own[own["truth"] == truth]
    if len(mine) and mine["truth"][0] == truth:
        return ""  # it would, but a matcher before it has decided
    if len(mine) and (not len(its) or mine["round"][0] < its["round"][0]):
        return (
            f"The bipartite matcher had given it to ground truth {mine['truth'][0]} in round "
            f"{mine['round'][0]}, with {number(mine['iou'][0])}."
        )
    # No candidate of a free anchor is left, so somebody has that ground truth.
    how, difference = "smaller" if sign < 0 else "larger", number(abs(its["iou"][0] - value))
    holder = its["anchor"][0]
    if its["iou"][0] == value:
        return (
            f"The bipartite matcher gave that ground truth to anchor {holder} in round "
            f"{its['round'][0]}, which has the same: the lowest index wins."
        )
    return (
        f"The bipartite matcher gave that ground truth to anchor {holder} in round "
        f"{its['round'][0]}, whose {number(its['iou'][0])} is {how} by {difference}."
    )


def _ties(trace: "Trace", record: Any) -> list[str]:
    told = []
    if record["tied_anchor"] >= 0:
        rounds = trace.rounds
        own = rounds[
            (rounds["matcher"] == record["matcher"]) & (rounds["anchor"] == record["anchor"])
        ]
        more = int(own["ties"][0]) - 1
        also = f" and {more} more have" if more else " has"
        told.append(f"Anchor {record['tied_anchor']}{also} the same: the lowest index wins.")
    if record["tied_truth"] >= 0:
        other = trace.rounds[
            (trace.rounds["matcher"] == record["matcher"])
            & (trace.rounds["truth"] == record["tied_truth"])
        ]
        gone = record["round"] > 0 and len(other) and other["round"][0] < record["round"]
        told.append(
            f"Its {_measure(trace, record)} with ground truth {record['tied_truth']} is the same"
            + (", which was given away before." if gone else ": the lowest index wins.")
        )
    return told


def _runner_up(trace: "Trace", record: Any) -> str:
    value = trace.iou(record["anchor"], record["runner_up"])
    if value == 0 and _sign(trace, record) > 0:
        return "It overlaps no other ground truth."
    gap, smaller = float(record["gap"]), _sign(trace, record) < 0
    if gap < 0:
        own = trace.rounds[trace.rounds["matcher"] == record["matcher"]]
        own = own[own["truth"] == record["runner_up"]]
        given = f" in round {own['round'][0]} to anchor {own['anchor'][0]}" if len(own) else ""
        return (
            f"It has {'less' if smaller else 'more'} with ground truth {record['runner_up']}, "
            f"{number(value)}, which was given away{given}."
        )
    how = "more" if smaller else "less"
    return (
        f"Its next is ground truth {record['runner_up']}, with {number(value)}, "
        f"{number(abs(gap))} {how}."
    )


def _sampled(trace: "Trace", record: Any) -> list[str]:
    stage = Stage(record["stage"])
    kind = "positives" if record["match"] >= 0 else "negatives"
    threshold, margin = record["threshold"], record["margin"]
    if stage == Stage.QUOTA:
        return [f"The sampler's quota of {kind} left it out by lot: it is ignored."]
    if stage == Stage.REGION:
        return [f"Ignored region {record['region']} covers it, so it is ignored."]
    if stage == Stage.HARD_NEGATIVE:
        return ["It is among the hardest negatives, so it is negative."]
    if stage == Stage.EASY_NEGATIVE:
        return ["Harder negatives fill the sampler's quota: it is ignored."]
    if stage == Stage.BETWEEN:
        side = "at or above" if margin >= 0 else "below"
        return [f"It is {side} the sampler's threshold {number(threshold)}: it is ignored."]
    if stage == Stage.SAMPLER_THRESHOLD:
        shown = f"{number(threshold)}{by_how_much(margin)}"
        return [f"The sampler makes it positive all the same: it reaches its threshold {shown}."]
    return []


def _matchers(trace: "Trace") -> list[Any]:
    return flat(trace.matcher)


def _sign(trace: "Trace", record: Any) -> int:
    return sign_of(_matchers(trace)[max(0, int(record["matcher"]))])


def _measure(trace: "Trace", record: Any) -> str:
    return "IoU" if _sign(trace, record) > 0 else "distance"


def _most(trace: "Trace", record: Any) -> str:
    return "largest" if _sign(trace, record) > 0 else "smallest"


def _limit(trace: "Trace") -> float | None:
    """Return the least threshold of the matchers that have one."""
    found = [
        float(rounded(own.high if is_threshold(own) else own.threshold, trace.pairs.dtype))
        for own in _matchers(trace)
        if type(own) is MaximumMatcher or is_threshold(own)
    ]
    return min(found, default=None)


def _column(trace: "Trace", truth: int, record: Any) -> tuple[int, int]:
    """Return the column of a ground truth, and its best anchor."""
    column = int(np.flatnonzero(trace.columns == truth)[0])
    values = trace.pairs.column(column)
    best = np.argmax(values) if _sign(trace, record) > 0 else np.argmin(values)
    return column, int(best)

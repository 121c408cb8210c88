"""What is said of matchers is true: held to their results, and to their meaning worked out anew."""

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.arrays import Array, rounded
from refkernels.assign import TargetAssigner
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.conformance.cases.strategies import iou_matrices, seeded_iou_matrices
from refkernels.explain import Fate, Stage, explain
from refkernels.explain.trace import pairs
from refkernels.matcher import (
    ATSSMatcher,
    BipartiteMatcher,
    CompositeMatcher,
    HungarianMatcher,
    MaximumMatcher,
    PointMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
    ThresholdMatcher,
)

matrices = iou_matrices(st.integers(0, 7), st.integers(0, 5)) | seeded_iou_matrices(
    st.integers(1, 40), st.integers(1, 8)
)
limits = st.sampled_from([0.25, 0.4, 0.5, 0.7])


@st.composite
def threshold_matchers(draw: st.DrawFn) -> ThresholdMatcher:
    kind = draw(st.sampled_from([ThresholdMatcher, ThresholdMatcher, UnguardedMatcher]))
    low, high = sorted([draw(limits), draw(limits)])
    return kind(
        high,
        draw(st.sampled_from([None, low])),
        draw(st.sampled_from([None, "own", "truth"])),
        draw(st.sampled_from([0.0, 0.0, 0.3])),
        draw(st.booleans()),
        draw(st.sampled_from(["last", "first"])),
    )


def numbers(pattern: str, text: str) -> list[tuple[float, ...]]:
    """The numbers of all places where a sentence says so; # stands for a number."""
    number = r"(-?[0-9.]+(?:e[-+]?[0-9]+)?)"
    found = re.findall(re.escape(pattern).replace(r"\#", number), text)
    return [tuple(float(own.rstrip(".")) for own in np.atleast_1d(one)) for one in found]


@given(threshold_matchers(), matrices, st.sampled_from(["float32", "float64"]))
@settings(max_examples=120, deadline=None)
def test_thresholds_separate_what_is_taken_from_what_is_not(
    matcher: ThresholdMatcher, x: Array, dtype: str
) -> None:
    ious = x.astype(dtype)
    trace = explain(matcher, ious)
    np.testing.assert_array_equal(trace.matches, matcher(ious))
    if not ious.size:
        return
    high = rounded(matcher.high, dtype)
    low = high if matcher.low is None else rounded(matcher.low, dtype)
    top = ious.max(axis=1)
    stage = trace.anchors["stage"]
    assert (top[stage == Stage.THRESHOLD] >= high).all()
    assert (top[(stage == Stage.MISSED) | (stage == Stage.NO_OVERLAP)] < low).all()
    between = top[stage == Stage.NEITHER]
    assert ((between >= low) & (between < high)).all()
    best = ious.max(axis=0)
    for record in trace.anchors[stage == Stage.LOW_QUALITY]:
        assert matcher.low_quality is not None
        value = ious[record["anchor"], record["via"]]
        assert value == best[record["via"]]
        assert value >= rounded(matcher.min_quality, dtype)
        assert value > 0 or type(matcher) is UnguardedMatcher
    for record in trace.anchors:
        anchor = int(record["anchor"])
        told = trace.why(anchor)
        row = ious[anchor].astype(float)
        for value, limit, by in numbers("its largest IoU, #, reaches the threshold # by #", told):
            assert record["match"] == row.argmax()
            assert (value, limit) == pytest.approx((row.max(), high), rel=1e-3)
            assert by == pytest.approx(row.max() - high, rel=1e-3)
        for limit, by in numbers("misses the threshold # by #", told):
            assert limit == pytest.approx(high, rel=1e-3)
            assert by == pytest.approx(high - record["iou"], rel=1e-3, abs=1e-12)
            assert record["iou"] < high
        for truth, more, other, value in numbers(
            "For low quality, ground truth # has # more with anchor #, #", told
        ):
            assert ious[int(other), int(truth)] - ious[anchor, int(truth)] == pytest.approx(
                more, rel=1e-3
            )
            assert (
                ious[int(other), int(truth)] == pytest.approx(value, rel=1e-3) == best[int(truth)]
            )
        for other, truth in numbers("anchor # has as much of ground truth #", told):
            assert ious[int(other), int(truth)] == ious[anchor, int(truth)]
            assert other < anchor
        for truth, value in numbers("It overlaps ground truth # more, #", told):
            assert row[int(truth)] > row[record["match"]]
            assert value == pytest.approx(row[int(truth)], rel=1e-3)
        if "other anchor" in told and record["matched_by"] == Stage.LOW_QUALITY:
            same = ious[:, record["via"]] == best[record["via"]]
            assert numbers("# other anchor", told) == [(same.sum() - 1,)]
            if "taken" in told:
                assert (trace.matches[same] >= 0).all()
    for truth in np.flatnonzero(best == 0):
        own = (trace.matches == truth).sum()
        assert type(matcher) is UnguardedMatcher or own == 0
        assert ("meets no anchor, so it has none" in trace.why_truth(int(truth))) == (own == 0)


leaves = (
    threshold_matchers()
    | st.builds(MaximumMatcher, limits)
    | st.builds(
        BipartiteMatcher,
        threshold=st.sampled_from([1e-12, 0.25]),
        eps=st.sampled_from([1e-12, 0.1]),
        share_max=st.booleans(),
    )
)


@given(
    st.lists(leaves, min_size=1, max_size=3).map(CompositeMatcher),
    matrices,
    st.sampled_from([8, 40]),
)
@settings(max_examples=150, deadline=None)
def test_a_matrix_that_is_read_in_parts_is_told_as_a_whole(
    matcher: CompositeMatcher, x: Array, block: int
) -> None:
    whole = explain(matcher, x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "BLOCK", block)
        parts = explain(matcher, x)
    for name in ("anchors", "truths", "rounds"):
        assert str(getattr(whole, name).tolist()) == str(getattr(parts, name).tolist())


@st.composite
def adaptive(draw: st.DrawFn) -> tuple[ATSSMatcher, dict[str, Array]]:
    levels = draw(st.lists(st.integers(0, 6), max_size=3))
    shape = sum(levels), draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    given = {
        "ious": rng.integers(0, 9, shape) / 8,
        "distances": rng.integers(0, 5, shape).astype(float),
        "inside": rng.random(shape) < 0.7,
        "levels": np.array(levels, int),
    }
    return ATSSMatcher(draw(st.integers(1, 4)), draw(st.integers(0, 2))), given


@given(adaptive())
@settings(max_examples=120, deadline=None)
def test_an_adaptive_threshold_is_what_it_is_said_to_be(
    drawn: tuple[ATSSMatcher, dict[str, Array]],
) -> None:
    matcher, arrays = drawn
    trace = explain(matcher, arrays)
    np.testing.assert_array_equal(trace.matches, matcher(**arrays))
    ious, distances, inside = (arrays[name] for name in ("ious", "distances", "inside"))
    count, columns = ious.shape
    positive = np.zeros(ious.shape, bool)
    candidate = np.zeros(ious.shape, bool)
    limit = np.zeros(columns)
    for c in range(columns):
        rows, start = [], 0
        for size in arrays["levels"]:
            own = range(start, start + size)
            rows += sorted(own, key=lambda r: (distances[r, c], r))[: matcher.topk]
            start += size
        values = ious[rows, c]
        many = len(rows) > matcher.ddof
        limit[c] = (values.mean() if rows else 0) + (values.std(ddof=matcher.ddof) if many else 0)
        candidate[rows, c] = True
        positive[rows, c] = inside[rows, c] & (values >= limit[c] - 1e-12)
    for r in range(count):
        own = trace.why(r)
        assert (f"Anchor {r} is matched with" in own) == positive[r].any()
        if not columns:
            continue
        assert ("it is a candidate of no ground truth" in own) == (not candidate[r].any())
        for c in range(columns):
            told = trace.why(r) if trace.matches[r] == c else trace.why_not(r, c)
            assert ("no candidate" in told) == (not candidate[r, c])
            # What is said of this pair is whether it is above the stated threshold, or inside.
            reaches = numbers("its IoU # reaches #", told)
            misses = numbers("its IoU # misses #", told)
            assert bool(reaches or misses) == bool(candidate[r, c])
            for value, bar in reaches + misses:
                assert (value, bar) == pytest.approx((ious[r, c], limit[c]), rel=1e-3)
                assert bool(reaches) == (ious[r, c] >= limit[c] - 1e-12)
            if candidate[r, c] and trace.matches[r] != c:
                assert ("It is not inside of it." in told) == (not inside[r, c])
            for last, away in numbers("up to a distance of #; it is # away", told):
                assert away == distances[r, c] >= last
            assert ("comes first" in told) == (positive[r, c] and trace.matches[r] != c)


@st.composite
def costs(draw: st.DrawFn) -> tuple[SimOTAMatcher, dict[str, Array]]:
    shape = draw(st.integers(0, 8)), draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    given = {
        "cost": rng.integers(0, draw(st.sampled_from([4, 99])), shape).astype(float),
        "ious": rng.integers(0, 9, shape) / 8,
        "valid": rng.random(shape[0]) < draw(st.sampled_from([0.6, 1.0])),
    }
    conflict = draw(st.sampled_from(["all", "selected"]))
    return SimOTAMatcher(draw(st.integers(1, 4)), conflict), given


@given(costs())
@settings(max_examples=120, deadline=None)
def test_what_each_ground_truth_is_said_to_choose_is_what_it_chooses(
    drawn: tuple[SimOTAMatcher, dict[str, Array]],
) -> None:
    matcher, arrays = drawn
    trace = explain(matcher, arrays)
    np.testing.assert_array_equal(trace.matches, matcher(**arrays))
    cost, ious = arrays["cost"], arrays["ious"]
    rows = np.flatnonzero(arrays["valid"]).tolist()
    chosen = np.zeros(cost.shape, bool)
    for c in range(cost.shape[1]):
        total = sum(sorted(map(Fraction, ious[rows, c].tolist()))[-matcher.candidate_topk :])
        k = min(len(rows), max(1, math.floor(total)))
        chosen[sorted(rows, key=lambda r: (cost[r, c], r))[:k], c] = True
        told = trace.why_truth(c)
        if not rows:
            assert "no valid anchor" in told
            continue
        assert trace.reading is not None
        assert trace.reading.chosen[c] == k
        assert (f"the {k} cheapest" if k > 1 else "its cheapest alone") in told
        (last,) = numbers("cheapest, up to #" if k > 1 else "alone, up to #", told)[0]
        assert (cost[chosen[:, c], c] <= last).all()
        assert (
            np.delete(cost[:, c], np.flatnonzero(chosen[:, c] | ~arrays["valid"])) >= last
        ).all()
        lost = int((chosen[:, c] & (trace.matches != c)).sum())
        assert (f"{lost} of these went to other" in told) == (lost > 0)
        assert (Fate(trace.truths["fate"][c]) == Fate.OUTBID) == (not (trace.matches == c).any())
    for r in rows if cost.shape[1] else ():
        assert (trace.matches[r] >= 0) == chosen[r].any()
        assert ("no ground truth chose it" in trace.why(r)) == (not chosen[r].any())
        for c in range(cost.shape[1]):
            told = trace.why(r) if trace.matches[r] == c else trace.why_not(r, c)
            order = sorted(rows, key=lambda own: (cost[own, c], own))
            for (rank,) in numbers("it is the #th", told) if trace.matches[r] != c else ():
                assert order.index(r) + 1 == rank
            assert ("which chose it, but" in told) == (chosen[r, c] and trace.matches[r] != c)


@st.composite
def aligned(draw: st.DrawFn) -> tuple[TaskAlignedMatcher, dict[str, Array]]:
    shape = draw(st.integers(0, 8)), draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    given = {
        "metric": rng.integers(0, draw(st.sampled_from([3, 99])), shape) / 2,
        "ious": rng.integers(0, 9, shape) / 8,
        "inside": rng.random(shape) < 0.6,
    }
    matcher = TaskAlignedMatcher(
        draw(st.integers(1, 4)),
        draw(st.sampled_from(["all", "selected"])),
        draw(st.booleans()),
        draw(st.booleans()),
    )
    return matcher, given


@given(aligned())
@settings(max_examples=120, deadline=None)
def test_what_each_ground_truth_is_said_to_select_is_what_it_selects(
    drawn: tuple[TaskAlignedMatcher, dict[str, Array]],
) -> None:
    matcher, arrays = drawn
    trace = explain(matcher, arrays)
    np.testing.assert_array_equal(trace.matches, matcher(**arrays))
    metric, ious, inside = (arrays[name] for name in ("metric", "ious", "inside"))
    counts = inside & ((metric > 0) if matcher.positive else (metric >= 0))
    selected = np.zeros(metric.shape, bool)
    for c in range(metric.shape[1]):
        able = np.flatnonzero(counts[:, c]) if matcher.inside_first else range(len(metric))
        top = sorted(able, key=lambda r: (-metric[r, c], r))[: matcher.topk]
        selected[top, c] = counts[top, c]
        told = trace.why_truth(c)
        assert f"it selected {selected[:, c].sum()}." in told
        assert numbers("inside, # of them", told) == [(counts[:, c].sum(),)]
    for r in range(len(metric)) if metric.shape[1] else ():
        told = trace.why(r)
        assert (trace.matches[r] >= 0) == selected[r].any()
        assert ("inside of no ground truth" in told) == (not inside[r].any())
        assert ("no ground truth selected it" in told) == (
            counts[r].any() and not selected[r].any()
        )
        for c in range(metric.shape[1]):
            if trace.matches[r] == c:
                assert ("which did not select it" in told) == (not selected[r, c])
                continue
            pair = trace.why_not(r, c)
            assert ("It is not inside of" in pair) == (not inside[r, c])
            assert (f"Ground truth {c} selected it, but" in pair) == selected[r, c]
            for _, last in numbers("this selects #, down to #", pair):
                assert not selected[r, c]
                assert metric[r, c] <= last
                assert (metric[selected[:, c], c] >= last).all()
            for winner, more, less in numbers(
                "its IoU with ground truth #, #, is larger than #", pair
            ):
                assert winner == trace.matches[r]
                assert (more, less) == pytest.approx((ious[r, int(winner)], ious[r, c]), rel=1e-3)
                assert more > less


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_what_another_pair_would_cost_is_what_it_costs(n: int, m: int, seed: int) -> None:
    cost = np.random.default_rng(seed).integers(0, 7, (n, m)) / 2
    trace = explain(HungarianMatcher(), cost)
    if n <= m:
        pairings = [list(enumerate(own)) for own in itertools.permutations(range(m), n)]
    else:
        pairings = [
            [(r, c) for c, r in enumerate(own)] for own in itertools.permutations(range(n), m)
        ]
    totals = {tuple(own): sum(cost[pair] for pair in own) for own in pairings}
    least = min(totals.values())
    matched = np.flatnonzero(trace.matches >= 0)
    assert cost[matched, trace.matches[matched]].sum() == least
    assert trace.reading is not None
    for r, c in np.ndindex(n, m):
        more = min(total for own, total in totals.items() if (r, c) in own) - least
        assert trace.reading.more(r, c) == more
        told = trace.why_not(r, c)
        if trace.matches[r] == c:
            assert f"of least total: {least:g} of" in told
        elif more:
            assert f"then the total would be {least + more:g}, {more:g} more." in told
        else:
            assert "the total would be the same" in told
    for r in range(n):
        for truth, value in numbers("With ground truth # it would cost #", trace.why(r)):
            assert value == cost[r, int(truth)]
            assert trace.matches[r] < 0 or value < cost[r, trace.matches[r]]
        for anchor, truth, value in numbers(
            "Anchor # would cost ground truth # less, #", trace.why(r)
        ):
            assert value == cost[int(anchor), int(truth)] < cost[r, int(truth)]
        if "Neither of the two has a cheaper one." in trace.why(r):
            c = trace.matches[r]
            assert cost[r, c] == cost[r].min() == cost[:, c].min()


@st.composite
def points(draw: st.DrawFn) -> tuple[PointMatcher, dict[str, Array]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(0, 12)), draw(st.integers(0, 4))
    corners = rng.integers(0, 12, (m, 2, 2)).astype(np.float32)
    given: dict[str, Any] = {
        "points": rng.integers(0, 12, (n, 2)).astype(np.float32),
        "boxes": np.concatenate([corners.min(1), corners.max(1)], 1),
        "strides": rng.choice([2.0, 4.0], n).astype(np.float32),
        "ranges": np.sort(rng.choice([0.0, 4.0, 8.0, np.inf], (n, 2)), 1).astype(np.float32),
    }
    return PointMatcher(draw(st.sampled_from([None, 0.75, 1.5])), draw(st.booleans())), given


@given(points())
@settings(max_examples=120, deadline=None)
def test_the_conditions_that_are_said_to_fail_are_those_that_fail(
    drawn: tuple[PointMatcher, dict[str, Array]],
) -> None:
    matcher, arrays = drawn
    trace = explain(matcher, arrays)
    np.testing.assert_array_equal(trace.matches, matcher(**arrays))
    boxes = arrays["boxes"]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for r, (x, y) in enumerate(arrays["points"]):
        counting = []
        for c, (left, top, right, bottom) in enumerate(boxes):
            sides = x - left, y - top, right - x, bottom - y
            low, high = arrays["ranges"][r]
            far, off = max(sides), max(abs(x - (left + right) / 2), abs(y - (top + bottom) / 2))
            inside = min(sides) > 0
            fits = low <= far <= high if matcher.inclusive else low < far < high
            near = matcher.radius is None or off < matcher.radius * arrays["strides"][r]
            if inside and fits and near:
                counting.append(c)
            if trace.matches[r] == c:
                assert inside
                assert fits
                assert near
                continue
            told = trace.why_not(r, c)
            assert ("not inside" in told) == (not inside)
            assert ("not within its range" in told) == (not fits)
            assert ("off the centre (not less than" in told) == (not near)
            assert ("It counts for" in told) == (c in counting)
            for own, value in numbers("but for ground truth # too, of #", told):
                assert own == trace.matches[r]
                assert value == areas[int(own)] <= areas[c]
        assert (trace.matches[r] >= 0) == bool(counting)
        if trace.matches[r] < 0 and len(boxes):
            inside = trace.reading is not None and trace.reading.near[r]
            assert ("inside of no ground truth" in trace.why(r)) == (not inside)


REASONS = re.compile(r"threshold|since|because|misses|reaches|lowest index|quality|round \d")


@given(matrices, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_one_of_your_own_gets_no_reasons(x: Array, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matches = rng.integers(-2, x.shape[1], len(x)) if x.shape[1] else np.full(len(x), -1)
    trace = explain(lambda ious: matches, x)
    np.testing.assert_array_equal(trace.matches, matches)
    texts = [trace.why(r) for r in range(len(x))]
    texts += [trace.why_truth(c) for c in range(x.shape[1])]
    texts += [trace.why_not(r, c) for r, c in np.ndindex(x.shape)]
    assert not [text for text in texts if REASONS.search(text)]
    for r, text in enumerate(texts[: len(x)]):
        assert ("is matched with" in text) == (matches[r] >= 0)


@pytest.mark.parametrize("preset", ["simota", "task_aligned", "detr"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_assigner_with_predictions_is_told_as_it_assigns(preset: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    boxes = [[10.0, 10, 60, 50], [20, 20, 90, 90], [5, 5, 5, 9], [64, 8, 100, 30]]
    labels, crowd = [1, 2, 3, 1], [[0.0, 0, 128, 128]]
    options: dict[str, Any] = {"height": 128, "width": 128, "dtype": dtype}
    if preset == "detr":
        options["queries"] = 9
    assigner = getattr(TargetAssigner, preset)(**options)
    count = len(assigner)
    predicted = np.array(assigner.anchors) + rng.normal(0, 6, (count, 4))
    if preset == "detr":
        predicted = rng.uniform(0.1, 0.9, (count, 4))
    predictions = predicted, rng.uniform(0.05, 0.95, (count, 4))
    targets = assigner(boxes, labels, crowd, predictions=predictions)
    trace = explain(assigner, boxes, labels, crowd, predictions=predictions)
    batched = tuple(own[np.newaxis] for own in predictions)
    again = explain(assigner, boxes, labels, crowd, predictions=batched)
    assert str(trace.anchors.tolist()) == str(again.anchors.tolist())  # nan is not itself
    np.testing.assert_array_equal(trace.matches, targets.matches)
    np.testing.assert_array_equal(trace.samples, targets.samples)
    assert Fate(trace.truths["fate"][2]) == Fate.NO_EXTENT
    assert len(trace.columns) == 3
    assert trace.reading is not None
    for anchor in (int(np.flatnonzero(targets.matches >= 0)[0]), 0):
        assert f"Anchor {anchor} " in trace.why(anchor)
    assert trace.why_truth(2) == "Ground truth 2 has no extent, so it was dropped before matching."


@pytest.mark.parametrize(
    "preset",
    ["atss", "fcos", "torchvision_fcos", "torchvision_rpn", "torchvision_retinanet", "mmdet_rpn",
     "mmdet_retinanet", "detectron2_rpn"],
)  # fmt: skip
@pytest.mark.parametrize("unguarded", [False, True])
def test_an_assigner_is_told_as_it_assigns(preset: str, unguarded: bool) -> None:
    if unguarded and ("fcos" in preset or preset == "atss"):
        return
    options = {"unguarded": True} if unguarded else {}
    assigner = getattr(TargetAssigner, preset)(128, 192, **options)
    boxes = [[10.0, 10, 60, 50], [20, 20, 90, 90], [5, 5, 5, 9], [500, 500, 520, 520]]
    crowd = [[100.0, 0, 180, 128]]
    targets = assigner(boxes, [1, 2, 3, 1], crowd, rng=4)
    trace = explain(assigner, boxes, [1, 2, 3, 1], crowd, rng=4)
    np.testing.assert_array_equal(trace.matches, targets.matches)
    np.testing.assert_array_equal(trace.samples, targets.samples)
    kept = targets.samples > 0
    np.testing.assert_array_equal(trace.anchors["stage"][kept], trace.anchors["matched_by"][kept])
    assert Stage.OTHER_MATCHER not in trace.counts()
    assert Stage.OTHER_SAMPLER not in trace.counts()
    for stage in trace.counts():
        anchor = int(np.flatnonzero(trace.anchors["stage"] == stage)[0])
        assert trace.why(anchor).startswith(f"Anchor {anchor} is ")


def test_a_hungarian_matcher_of_ious_goes_by_these() -> None:
    assigner = TargetAssigner([[0.0, 0, 8, 8], [4, 0, 12, 8]], matcher=HungarianMatcher())
    trace = explain(assigner, [[0.0, 0, 8, 8]])
    assert trace.matches.tolist() == [-1, 0]
    assert "in the one-to-one matching of least total" in trace.why(1)

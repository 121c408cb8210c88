"""What is said of choices by costs and metrics is true: held to results, and worked out anew."""

import itertools
import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.explain import Fate, explain
from refkernels.matcher import (
    HungarianMatcher,
    SimOTAMatcher,
    TaskAlignedMatcher,
)


def numbers(pattern: str, text: str) -> list[tuple[float, ...]]:
    """The numbers of all places where a sentence says so; # stands for a number."""
    number = r"(-?[0-9.]+(?:e[-+]?[0-9]+)?)"
    found = re.findall(re.escape(pattern).replace(r"\#", number), text)
    return [tuple(float(own.rstrip(".")) for own in np.atleast_1d(one)) for one in found]


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


def test_a_hungarian_matcher_of_ious_goes_by_these() -> None:
    assigner = TargetAssigner([[0.0, 0, 8, 8], [4, 0, 12, 8]], matcher=HungarianMatcher())
    trace = explain(assigner, [[0.0, 0, 8, 8]])
    assert trace.matches.tolist() == [-1, 0]
    assert "in the one-to-one matching of least total" in trace.why(1)

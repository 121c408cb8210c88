"""What is said of matchers is true: held to their results, and to their meaning worked out anew."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.arrays import Array, rounded
from refkernels.assign import TargetAssigner
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.conformance.cases.strategies import iou_matrices, seeded_iou_matrices
from refkernels.explain import Stage, explain
from refkernels.explain.trace import pairs
from refkernels.matcher import (
    ATSSMatcher,
    BipartiteMatcher,
    CompositeMatcher,
    MaximumMatcher,
    PointMatcher,
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

"""What is named flips when it is moved as told, and nothing else does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels import BipartiteMatcher, CompositeMatcher, MaximumMatcher
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner
from refkernels.bbox import BBoxBatchIOU
from refkernels.explain.trace import flipping, moves, sensitivity
from refkernels.explain.trace.flips import Flip, Flips
from refkernels.explain.trace.moves import Least, try_all
from refkernels.explain.trace.sensitivity import RELATIVE
from refkernels.explain.trace.sweep import thresholds
from refkernels.explain.trace.trace import explain
from refkernels.matcher import Matcher
from refkernels.matcher.composite import flat
from tests.compiled import needs_compiler
from tests.explain.test_trace import Every, matchers

DELTA = 0.05


@st.composite
def near_ties(draw: st.DrawFn) -> Array:
    """Matrices whose values lie within DELTA of each other and of thresholds, or far apart."""
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    level = st.sampled_from([0.0, 0.25, 0.5, 0.9])
    offset = st.sampled_from([0.0, 0.0, 0.01, -0.01, 0.04, -0.04, 0.06])
    size = shape[0] * shape[1]
    levels = draw(st.lists(level, min_size=size, max_size=size))
    offsets = draw(st.lists(offset, min_size=size, max_size=size))
    return np.array([a + b if a else 0.0 for a, b in zip(levels, offsets, strict=True)]).reshape(
        shape
    )


@given(near_ties(), matchers)
@settings(max_examples=80, deadline=None)
def test_what_is_named_flips_as_told(x: Array, matcher: Matcher) -> None:
    trace = explain(matcher, x)
    for flip in trace.sensitivity(DELTA):
        moved = x.copy()
        for anchor, truth, change in flip.changes:
            assert abs(change) <= DELTA
            assert x[anchor, truth] != 0
            moved[anchor, truth] += change
        assert trace.matches[flip.anchor] == flip.before
        assert matcher(moved)[flip.anchor] == flip.after != flip.before


@given(near_ties(), matchers, st.data())
@settings(max_examples=150, deadline=None)
def test_no_other_match_flips_when_one_iou_moves(
    x: Array, matcher: Matcher, data: st.DataObject
) -> None:
    named = {flip.anchor for flip in explain(matcher, x).sensitivity(DELTA)}
    base = matcher(x)
    changes = [*np.linspace(-DELTA, DELTA, 21), data.draw(st.floats(-DELTA, DELTA))]
    moved = []
    for r, c in np.argwhere(x != 0):
        for change in changes:
            own = x.copy()
            own[r, c] += change
            if abs(own[r, c] - x[r, c]) <= DELTA:
                moved.append(own)
    if moved:
        flipped = np.flatnonzero((matcher(np.array(moved)) != base).any(axis=0))
        assert set(flipped) <= named


def test_a_large_image_is_reduced_to_what_matters() -> None:
    rng = np.random.default_rng(0)
    x = (rng.random((3000, 8)) * (rng.random((3000, 8)) < 0.1)).astype(np.float32)
    x[7, 2] = np.float32(0.5)
    x[7, [0, 1, 3, 4, 5, 6, 7]] = 0
    best = int(np.argmax(x[:, 4]))
    x[best + 1, 4] = np.nextafter(x[best, 4], np.float32(0))
    x[best + 1, :4] = 0
    matcher = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])
    flips = {flip.anchor: flip for flip in explain(matcher, x).sensitivity()}
    assert flips[7].before == 2
    assert flips[7].after == -1
    for flip in flips.values():
        moved = x.copy()
        for anchor, truth, change in flip.changes:
            assert abs(change) <= RELATIVE * x[anchor, truth]
            moved[anchor, truth] += np.float32(change)
        assert matcher(moved)[flip.anchor] == flip.after


@given(st.integers(0, 2**32 - 1), matchers)
@settings(max_examples=60, deadline=None)
def test_the_rows_that_are_left_out_change_nothing(seed: int, matcher: Matcher) -> None:
    rng = np.random.default_rng(seed)
    x = rng.choice([0.0, 0.2, 0.4, 0.6, 0.8], (25, 3)) * rng.choice([0, 1], (25, 3))
    x = np.where(x > 0, x + rng.choice([0, 0, 0.01, -0.03], x.shape), 0)
    trace = explain(matcher, x)
    reduced = trace.sensitivity(0.02)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensitivity, "_rows_that_matter", lambda pairs, *_: np.arange(pairs.shape[0]))
        assert [flip.anchor for flip in trace.sensitivity(0.02)] == [
            flip.anchor for flip in reduced
        ]


def test_moves_are_tried_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.array([[0.5, 0.25], [0.49, 0.5], [0.51, 0.1]], np.float16)
    trace = explain(CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)]), x)
    found = trace.sensitivity(DELTA)
    assert found
    for size in (1, 8, 50):
        monkeypatch.setattr(moves, "BLOCK", size)
        assert trace.sensitivity(DELTA) == found


def by_the_matcher_itself(matcher: Matcher, x: Array, delta: float | None) -> Least:
    """The least moves, of all that there are, each matched anew."""
    slack = sensitivity._slack(x, delta)
    return try_all(matcher, x, slack, flat(matcher), np.asarray(matcher(x)))


def near_thresholds(seed: int) -> Array:
    """A small matrix of values that tie, nearly tie, are 0, or are near a threshold."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 13), rng.integers(1, 6)
    levels: Array = rng.choice([0.0, 0.25, 0.5, 0.9], shape)
    offsets: Array = rng.choice([0, 0, 0.01, -0.01, 0.04, -0.04, 0.06], shape)
    ulps: Array = rng.choice([0, 0, 1e-7, -1e-7, 3e-7], shape)
    kinds = {
        "offsets": np.where(levels > 0, levels + offsets, 0.0),
        "ulps": levels * (1 + ulps),
        "any": rng.random(shape),
        "signed": rng.choice([-0.5, -0.02, 0.0, 0.02, 0.5], shape),
    }
    return kinds[rng.choice(list(kinds))]


@given(
    st.integers(0, 2**32 - 1),
    matchers,
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([None, 0.05, 0.02, 1e-9, 0.3]),
)
@settings(max_examples=150, deadline=None)
def test_what_is_not_tried_and_not_matched_anew_changes_nothing(
    seed: int, matcher: Matcher, dtype: type, delta: float | None
) -> None:
    x = near_thresholds(seed).astype(dtype)
    values, matchers = x.copy(), flat(matcher)
    base = np.asarray(matcher(x))
    reach = (RELATIVE, 0.0) if delta is None else (0.0, delta)

    def slack(some: Array) -> Array:
        return sensitivity._slack(some, delta)

    expected = by_the_matcher_itself(matcher, x, delta)
    assert flipping.try_near(values, slack, reach, matchers, base) == expected
    assert (values == x).all()
    for row in range(len(x)):
        own = flipping.try_near(values, slack, reach, matchers, base, only=row)
        assert own.get(row) == expected.get(row)


@given(near_ties(), matchers, st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_one_anchor_or_a_few_are_told_as_all_are(x: Array, matcher: Matcher, limit: int) -> None:
    trace = explain(matcher, x)
    every = trace.sensitivity(DELTA)
    few = trace.sensitivity(DELTA, limit=limit)
    assert few == every[:limit]
    assert few.left_out == len(every) - len(few)
    for anchor in range(len(x)):
        own = [flip for flip in every if flip.anchor == anchor]
        assert trace.sensitivity(DELTA, anchor=anchor) == own


@needs_compiler
def test_it_is_told_how_much_is_done() -> None:
    told: list[tuple[int, int]] = []
    trace = explain(MaximumMatcher(0.5), np.full((2000, 1), 0.5))
    flips = trace.sensitivity(progress=lambda done, total: told.append((done, total)))
    assert len(flips) == 2000
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1][0] == told[-1][1]


def test_what_is_left_out_is_told() -> None:
    flip = Flip(3, 0, -1, ((3, 0, 1e-7),))
    assert str(Flips([flip], left_out=2)).splitlines() == [str(flip), "... and 2 more"]
    assert str(Flips([flip])) == str(flip)


@needs_compiler
def test_of_a_large_matrix_hardly_anything_is_tried() -> None:
    assigner = TargetAssigner.rpn_fpn(256, 256)
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 200, (60, 2))
    boxes = np.concatenate([low, low + rng.uniform(5, 56, (60, 2))], axis=1)
    ious = BBoxBatchIOU()(assigner.anchors, boxes.astype(np.float32))
    matcher = CompositeMatcher([BipartiteMatcher(share_max=False), MaximumMatcher(0.5)])
    trace = explain(matcher, ious)
    told: list[tuple[int, int]] = []
    assert trace.sensitivity(progress=lambda done, total: told.append((done, total)))
    assert told[-1][1] < ious.size / 100


@pytest.mark.parametrize(
    ("matcher", "x", "pairs"),
    [
        (MaximumMatcher(0.5), [[0.6875, 0.625]], {(0, 0), (0, 1)}),
        (BipartiteMatcher(share_max=False), [[0.6875], [0.625]], {(0, 0), (1, 0)}),
    ],
)
def test_two_ious_may_pass_each_other(
    matcher: Matcher, x: list[list[float]], pairs: set[tuple[int, int]]
) -> None:
    # The gap is more than either may change, and less than both together.
    for flip in explain(matcher, x).sensitivity(0.05):
        assert {(anchor, truth) for anchor, truth, _ in flip.changes} == pairs
    assert len(explain(matcher, x).sensitivity(0.05)) == len(x)
    assert explain(matcher, x).sensitivity(0.03) == []


def test_a_flip_is_told_in_a_line() -> None:
    flip = Flip(3, 0, -1, ((5, 0, 1e-7),))
    assert str(flip) == (
        "Anchor 3: ground truth 0 -> none if that of anchor 5 with ground truth 0 rises by 1e-07."
    )


def test_far_from_every_threshold_nothing_flips() -> None:
    assert explain(MaximumMatcher(0.5), [[0.9, 0.1], [0.2, 0.3]]).sensitivity() == []


def test_sensitivity_says_what_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="expected matchers of refkernels"):
        explain(Every(), [[0.5]]).sensitivity()
    trace = explain(MaximumMatcher(0.5), [[0.5]])
    with pytest.raises(ValueError, match="delta: expected a number of at least 0"):
        trace.sensitivity(-1)
    with pytest.raises(ValueError, match="anchor: expected an integer from 0 to 0, got 1"):
        trace.sensitivity(anchor=1)
    with pytest.raises(ValueError, match="limit: expected an integer of at least 0"):
        trace.sensitivity(limit=-1)


@given(near_ties(), st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.9]), max_size=3))
@settings(max_examples=40, deadline=None)
def test_a_sweep_counts_what_each_threshold_matches(x: Array, values: list[float]) -> None:
    def matcher(threshold: float) -> Matcher:
        inner = CompositeMatcher([BipartiteMatcher(), MaximumMatcher(threshold)])
        return CompositeMatcher([MaximumMatcher(0.95), inner])

    sweep = thresholds(matcher(0.5), x, values)
    assert sweep.current == 0.5
    assert sweep.matcher == 2
    for value, row in zip(values, sweep.anchors, strict=True):
        matches = matcher(value)(x)
        assert row.tolist() == [int((matches == c).sum()) for c in range(x.shape[1])]


def test_any_matcher_of_a_composite_can_be_swept() -> None:
    matcher = CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)])
    x = [[0.3, 0.0], [0.2, 0.6]]
    assert thresholds(matcher, x, [0.1, 0.4], matcher=0).anchors.tolist() == [[1, 1], [0, 1]]
    assert thresholds(BipartiteMatcher(), x, [0.1, 0.4]).anchors.tolist() == [[1, 1], [0, 1]]


def test_a_sweep_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="expected a matcher with a threshold"):
        thresholds(Every(), [[0.5]])
    with pytest.raises(ValueError, match="matcher: expected an integer from 0 to 0, got 1"):
        thresholds(MaximumMatcher(0.5), [[0.5]], matcher=1)
    with pytest.raises(ValueError, match=r"values: expected \(T,\)"):
        thresholds(MaximumMatcher(0.5), [[0.5]], 0.5)

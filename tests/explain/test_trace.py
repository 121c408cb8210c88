"""A trace holds the operators' own decisions, and tells rightly how they came about."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels import (
    BipartiteMatcher,
    CompositeMatcher,
    MaximumMatcher,
    NaiveSampler,
    OHEMSampler,
    QuotaSampler,
)
from refkernels.arrays import Array
from refkernels.assign import TargetAssigner, sample_images
from refkernels.conformance.cases.strategies import iou_matrices, seeded_iou_matrices, thresholds
from refkernels.explain.trace.records import MATCHED, Fate, Stage
from refkernels.explain.trace.trace import explain
from refkernels.matcher import Matcher
from tests.assign.scenes import scene

few = st.integers(0, 9)
matrices = iou_matrices(few, st.integers(0, 6)) | seeded_iou_matrices(
    st.integers(1, 60), st.integers(1, 12)
)
bipartite = st.builds(
    BipartiteMatcher,
    threshold=st.sampled_from([1e-12, 0.25, 0.0, -0.1, 3.0]),
    is_ascend=st.booleans(),
    eps=st.sampled_from([1e-12, 0.0, 0.1]),
    share_max=st.booleans(),
)
leaves = bipartite | st.builds(MaximumMatcher, thresholds())
matchers = st.recursive(
    leaves, lambda inner: st.builds(CompositeMatcher, st.lists(inner, min_size=1, max_size=3))
)
dtypes = st.sampled_from(["float16", "float32", "float64"])
quotas = st.builds(
    QuotaSampler,
    st.integers(1, 12),
    pos_thresh=st.sampled_from([0.5, 0.75, 1.0]),
    neg_thresh_high=st.sampled_from([0.3, 0.5]),
    neg_thresh_low=st.sampled_from([-np.inf, 0.1]),
)


def greedy(matcher: BipartiteMatcher, x: Array) -> list[tuple[int, int]]:
    """The pairs of the greedy rounds, in order, from SPEC section 2 step by step."""
    sign = -1 if matcher.is_ascend else 1
    threshold = x.dtype.type(matcher.threshold)
    pairs = []
    rows, columns = set(range(x.shape[0])), set(range(x.shape[1]))
    while True:
        able = [
            (-sign * float(x[r, c]), r, c)
            for r in rows
            for c in columns
            if (x[r, c] < threshold if matcher.is_ascend else x[r, c] > threshold)
        ]
        if not able:
            return pairs
        _, r, c = min(able)
        pairs.append((r, c))
        rows.remove(r)
        columns.remove(c)


@given(matchers, matrices, dtypes)
@settings(max_examples=150, deadline=None)
def test_matches_are_the_matchers(matcher: Matcher, x: Array, dtype: str) -> None:
    ious = x.astype(dtype)
    trace = explain(matcher, ious)
    np.testing.assert_array_equal(trace.matches, matcher(ious))
    np.testing.assert_array_equal(trace.samples, NaiveSampler()(matcher(ious)))
    assert trace.matches.dtype == np.int64
    matched = trace.matches >= 0
    assert set(trace.anchors["stage"][matched]) <= set(MATCHED) - {Stage.OTHER_MATCHER}
    assert set(trace.anchors["stage"][~matched]) <= {Stage.MISSED, Stage.NO_OVERLAP}


@given(bipartite, matrices, dtypes)
@settings(max_examples=150, deadline=None)
def test_greedy_rounds_are_those_of_the_specification(
    matcher: BipartiteMatcher, x: Array, dtype: str
) -> None:
    ious = x.astype(dtype)[:20]
    trace = explain(matcher, ious)
    pairs = greedy(matcher, ious)
    assert list(zip(trace.rounds["anchor"], trace.rounds["truth"], strict=True)) == pairs
    assert trace.rounds["round"].tolist() == list(range(1, len(pairs) + 1))
    own = trace.anchors["stage"] == Stage.BIPARTITE
    assert set(np.flatnonzero(own)) == {r for r, _ in pairs}
    taken: set[int] = set()
    for (r, c), record in zip(pairs, trace.rounds, strict=True):
        free = [i for i in range(len(ious)) if i not in taken and i != r]
        ties = [i for i in free if ious[i, c] == ious[r, c]]
        assert record["ties"] == len(ties)
        assert record["tied_anchor"] == min(ties, default=-1)
        taken.add(r)


@given(bipartite, matrices, dtypes)
@settings(max_examples=100, deadline=None)
def test_who_shares_shares_the_best_of_the_truth_it_names(
    matcher: BipartiteMatcher, x: Array, dtype: str
) -> None:
    ious = x.astype(dtype)
    trace = explain(matcher, ious)
    eps = ious.dtype.type(matcher.eps)
    for record in trace.anchors[trace.anchors["stage"] == Stage.SHARED]:
        value = ious[record["anchor"], record["via"]]
        if matcher.is_ascend:
            assert value - eps <= ious[:, record["via"]].min()
        else:
            assert value + eps >= ious[:, record["via"]].max()


@given(matchers, matrices, dtypes)
@settings(max_examples=100, deadline=None)
def test_numbers_are_those_of_the_matrix(matcher: Matcher, x: Array, dtype: str) -> None:
    ious = x.astype(dtype)
    trace = explain(matcher, ious)
    for record in trace.anchors:
        row = ious[record["anchor"]].astype(np.float64)
        truth = record["match"] if record["match"] >= 0 else record["best"]
        assert truth >= 0 or not len(row)
        if truth < 0:
            continue
        assert record["iou"] == row[truth]
        if record["runner_up"] >= 0:
            assert abs(record["gap"]) == abs(row[truth] - row[record["runner_up"]])
        if record["tied_truth"] >= 0:
            assert row[record["tied_truth"]] == row[truth]
        if record["stage"] in (Stage.BIPARTITE, Stage.MAXIMUM):
            assert record["margin"] >= 0
    for truth in trace.truths:
        own = trace.anchors[trace.anchors["match"] == truth["truth"]]
        assert truth["anchors"] == len(own)
        parts = [truth[name] for name in ("bipartite", "shared", "maximum", "other")]
        assert sum(parts) == len(own)


@given(matchers, matrices, quotas, st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_quota_samples_are_the_samplers_and_so_is_the_reason(
    matcher: Matcher, x: Array, sampler: QuotaSampler, seed: int
) -> None:
    trace = explain(matcher, x, sampler=sampler, rng=seed)
    matches = matcher(x)
    samples = sampler(matches, x, rng=seed)
    np.testing.assert_array_equal(trace.samples, samples)
    u = x.max(axis=1, initial=-np.inf if x.shape[1] else 0)
    positive = (matches >= 0) | (u >= sampler.pos_thresh)
    negative = ~positive & (u >= sampler.neg_thresh_low) & (u < sampler.neg_thresh_high)
    stage = trace.anchors["stage"]
    np.testing.assert_array_equal(stage == Stage.QUOTA, (positive | negative) & (samples == 0))
    np.testing.assert_array_equal(stage == Stage.BETWEEN, ~positive & ~negative)


@given(matchers, matrices, st.sampled_from([0.0, 1.0, 3.0]), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_mined_samples_are_the_samplers_and_so_is_the_reason(
    matcher: Matcher, x: Array, ratio: float, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(size=(len(x), 3)).round(1)
    sampler = OHEMSampler(ratio, min_samples=1)
    trace = explain(matcher, x, sampler=sampler, logits=logits)
    matches = matcher(x)
    np.testing.assert_array_equal(trace.samples, sampler(matches, logits, x))
    u = x.max(axis=1, initial=-np.inf if x.shape[1] else 0)
    stage = trace.anchors["stage"]
    np.testing.assert_array_equal(stage == Stage.HARD_NEGATIVE, trace.samples < 0)
    np.testing.assert_array_equal(stage == Stage.BETWEEN, (matches < 0) & (u >= 0.5))


OPERATORS: list[tuple[Any, Any]] = [
    (None, None),
    (CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)]), QuotaSampler(8, 0.5, 0.3)),
    (BipartiteMatcher(share_max=False), QuotaSampler(2**31 - 1, 1.0, 0.5)),
    (MaximumMatcher(0.0), None),
]


@given(
    st.integers(0, 2**32 - 1), st.sampled_from(OPERATORS), st.sampled_from(["float32", "float64"])
)
@settings(max_examples=60, deadline=None)
def test_an_assigners_decisions_are_the_assigners(
    seed: int, operators: tuple[Any, Any], dtype: str
) -> None:
    anchors, ((boxes, labels, regions),) = scene(seed, 60, 1, 8)
    assigner = TargetAssigner(anchors, *operators, dtype=dtype)
    try:
        targets = assigner(boxes, labels, regions, rng=3, image_ids=7)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error).split(":")[0][:10]):
            explain(assigner, boxes, labels, regions, rng=3, image_id=7)
        return
    trace = explain(assigner, boxes, labels, regions, rng=3, image_id=7)
    np.testing.assert_array_equal(trace.matches, targets.matches)
    np.testing.assert_array_equal(trace.samples, targets.samples)
    plain = assigner(boxes, labels, rng=3, image_ids=7).samples
    np.testing.assert_array_equal(trace.anchors["region"] >= 0, plain != targets.samples)
    np.testing.assert_array_equal(trace.anchors["stage"] == Stage.REGION, plain != targets.samples)
    flat = ~(boxes.astype(dtype)[:, 2:] > boxes.astype(dtype)[:, :2]).all(axis=1)
    np.testing.assert_array_equal(trace.truths["fate"] == Fate.NO_EXTENT, flat)


@pytest.mark.parametrize(
    "preset", ["ssd300", "ssd512", "rpn_fpn", "faster_rcnn", "retinanet", "yolo3"]
)
def test_every_preset_is_told_as_it_assigns(preset: str) -> None:
    size = {} if preset.startswith("ssd") else {"height": 256, "width": 320}
    assigner = getattr(TargetAssigner, preset)(**size)
    for image in sample_images(2, seed=5):
        boxes = image.boxes * 0.4
        targets = assigner(boxes, image.labels, rng=1)
        trace = explain(assigner, boxes, image.labels, rng=1)
        np.testing.assert_array_equal(trace.matches, targets.matches)
        np.testing.assert_array_equal(trace.samples, targets.samples)
        assert trace.name == assigner.name


def test_real_images_are_told_as_they_are_assigned(shared_data: Any) -> None:
    from refkernels.assign import read_coco

    assigner = TargetAssigner.ssd300()
    for image in read_coco(shared_data / "instances_val2014_100.json")[:20]:
        own = ~image.iscrowd
        boxes = image.boxes * np.tile([300 / image.width, 300 / image.height], 2)
        targets = assigner(boxes[own], image.labels[own], boxes[~own])
        trace = explain(assigner, boxes[own], image.labels[own], boxes[~own])
        np.testing.assert_array_equal(trace.matches, targets.matches)
        np.testing.assert_array_equal(trace.samples, targets.samples)


class Every(Matcher):
    def __call__(self, x: Any) -> Array:
        return np.zeros(np.shape(x)[:-1], np.int64)


def test_a_matcher_of_another_kind_is_named_as_such() -> None:
    trace = explain(CompositeMatcher([MaximumMatcher(0.5), Every()]), [[0.9, 0.0], [0.1, 0.2]])
    assert trace.matches.tolist() == [0, 0]
    assert [Stage(s) for s in trace.anchors["stage"]] == [Stage.MAXIMUM, Stage.OTHER_MATCHER]
    assert trace.anchors["matcher"].tolist() == [0, 1]


class Ignoring(NaiveSampler):
    def __call__(self, matches: Any) -> Array:
        return np.zeros(np.shape(matches), np.int64)


def test_a_sampler_of_another_kind_is_named_as_such() -> None:
    trace = explain(MaximumMatcher(0.5), [[0.75], [0.25]], sampler=Ignoring())
    assert trace.samples.tolist() == [0, 0]
    assert [Stage(stage) for stage in trace.anchors["stage"]] == [Stage.OTHER_SAMPLER] * 2
    assert Stage(trace.anchors["matched_by"][0]) == Stage.MAXIMUM


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_is_explained_too(shape: tuple[int, int]) -> None:
    matcher = CompositeMatcher([BipartiteMatcher(), MaximumMatcher(0.5)])
    trace = explain(matcher, np.zeros(shape))
    assert (len(trace.anchors), len(trace.truths)) == shape
    assert (trace.truths["fate"] == Fate.NO_OVERLAP).all()
    assert trace.sensitivity() == []
    assert f"{shape[0]} anchors, {shape[1]} ground truths" in str(trace)
    if shape[0]:
        assert trace.why(1) == "Anchor 1 is not matched: there is no ground truth."


def test_an_image_without_objects_is_explained() -> None:
    trace = explain(TargetAssigner.ssd300(), [])
    assert trace.counts() == {Stage.NO_OVERLAP: 8732}
    assert trace.truths.shape == (0,)


def test_records_go_into_a_data_frame() -> None:
    pandas = pytest.importorskip("pandas")
    trace = explain(MaximumMatcher(0.5), [[0.75], [0.25]])
    frame = pandas.DataFrame(trace.anchors)
    assert frame.match.tolist() == [0, -1]
    assert frame.margin.tolist() == [0.25, -0.25]


def test_records_cannot_be_changed() -> None:
    trace = explain(MaximumMatcher(0.5), [[0.75], [0.25]])
    with pytest.raises(ValueError, match="read-only"):
        trace.anchors["match"][0] = 3


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: explain(3, [[0.5]]),
            TypeError,
            "expected a matcher, a Chain or a TargetAssigner, got 3",
        ),
        (lambda: explain(MaximumMatcher(0.5), [0.5]), ValueError, "at least 2 axes"),
        (lambda: explain(MaximumMatcher(0.5), [[[0.5]]]), ValueError, r"\(N, M\) of one image"),
        (lambda: explain(MaximumMatcher(0.5), [[np.nan]]), ValueError, r"ious\[0, 0\] is nan"),
        (lambda: explain(MaximumMatcher(0.5), [[0.5]], [1]), ValueError, "a matcher takes none"),
        (
            lambda: explain(MaximumMatcher(0.5), [[0.5]], sampler=OHEMSampler(3)),
            TypeError,
            "an OHEMSampler ranks by them",
        ),
        (
            lambda: explain(MaximumMatcher(0.5), [[0.5]], sampler=3),
            TypeError,
            "expected a NaiveSampler, BalancedSampler, OHEMSampler or QuotaSampler, got 3",
        ),
        (
            lambda: explain(TargetAssigner([[0, 0, 1, 1]]), [[0, 0, 1, 1]], sampler=NaiveSampler()),
            ValueError,
            "an assigner has its own sampler",
        ),
        (
            lambda: explain(TargetAssigner([[0, 0, 1, 1]]), np.zeros((1, 2, 4))),
            ValueError,
            r"boxes: expected \(M, 4\) of one image",
        ),
        (
            lambda: explain(MaximumMatcher(0.5), [[0.5]]).why(1),
            ValueError,
            "anchor: expected an integer from 0 to 0, since there is 1 anchor, got 1",
        ),
        (
            lambda: explain(MaximumMatcher(0.5), [[0.5]]).why(-1),
            ValueError,
            "anchor: expected an integer from 0 to 0",
        ),
        (
            lambda: explain(MaximumMatcher(0.5), [[0.5]]).why_not(0, 5),
            ValueError,
            "truth: expected an integer from 0 to 0",
        ),
        (
            lambda: explain(MaximumMatcher(0.5), np.zeros((2, 0))).why_not(0, 0),
            ValueError,
            "truth: there are no ground truths, got 0",
        ),
        (lambda: explain(MaximumMatcher(0.5), [[0.5]]).why(0.5), TypeError, "anchor: expected an"),
    ],
)
def test_bad_input_gets_one_clear_message(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()

"""`TargetAssigner` gives what the composed operators give, bit for bit, and says what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.assign import TargetAssigner, read_coco
from refkernels.chain.published import PRESETS
from refkernels.coder import (
    MultiClassEncoder,
    NormalizedBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.matcher import (
    BipartiteMatcher,
    CompositeMatcher,
    Matcher,
    MaximumMatcher,
    ThresholdMatcher,
)
from refkernels.sampler import BalancedSampler, NaiveSampler, QuotaSampler
from tests.assign.scenes import (
    ANCHORS,
    BOX,
    assert_same,
    call,
    composed,
    scene,
)
from tests.compiled import needs_compiler

thresholds = st.sampled_from([1e-12, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0])
bipartite = st.builds(
    BipartiteMatcher,
    threshold=thresholds,
    eps=st.sampled_from([0.0, 1e-12, 0.05, 0.5, 2.0]),
    share_max=st.booleans(),
)
maximum = st.builds(MaximumMatcher, threshold=thresholds)
simple = st.one_of(bipartite, maximum)
composite = st.builds(CompositeMatcher, st.lists(simple, min_size=1, max_size=4))
matchers = st.one_of(
    simple, composite, st.builds(CompositeMatcher, st.lists(composite, min_size=1, max_size=2))
)
# A positive that is not matched is an error, so these make positives of what is matched anyway.
samplers = st.one_of(
    st.just(NaiveSampler()),
    st.builds(
        QuotaSampler,
        num_sample=st.sampled_from([1, 4, 16, 10_000]),
        pos_thresh=st.just(1.0),
        neg_thresh_high=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
        neg_thresh_low=st.sampled_from([-np.inf, -0.5, 0.0, 0.1, 0.3]),
        pos_ratio=st.sampled_from([0.0, 0.25, 0.5]),
        neg_ratio=st.sampled_from([None, 0.0, 0.3]),
        fill_negative=st.booleans(),
    ),
)
# Both thresholds on IoUs that boxes of whole coordinates have, and beyond all.
with_low_quality = st.builds(
    lambda thresholds, **options: ThresholdMatcher(
        max(thresholds), min(thresholds) if len(thresholds) == 2 else None, **options
    ),
    st.lists(st.sampled_from([1e-9, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0, 2.0]), min_size=1, max_size=2),
    low_quality=st.sampled_from([None, "own", "truth"]),
    min_quality=st.sampled_from([-1.0, 0.0, 0.1, 1 / 3, 0.5, 2.0]),
    ties=st.booleans(),
    winner=st.sampled_from(["last", "first"]),
)
balanced = st.builds(
    BalancedSampler,
    num_sample=st.sampled_from([1, 4, 16, 10_000]),
    pos_ratio=st.sampled_from([0.0, 0.25, 0.5, 1.0]),
)
dtypes = st.sampled_from(["float32", "float64"])
scenes = st.builds(
    scene,
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 5, 70, 300, 1500]),
    st.integers(0, 3),
    st.sampled_from([1, 4, 12, 40]),
)


def fitting(matcher: Matcher, sampler: Any) -> Any:
    """A sampler that makes no positive of what the matcher leaves."""
    inner = matcher.matchers if isinstance(matcher, CompositeMatcher) else [matcher]
    if isinstance(sampler, NaiveSampler) or any(isinstance(m, MaximumMatcher) for m in inner):
        return sampler
    return NaiveSampler()


@settings(max_examples=100, deadline=None)
@given(scenes, matchers, samplers, dtypes, st.booleans(), st.integers(0, 5))
def test_targets_have_the_bits_of_the_composed_operators(
    drawn: Any, matcher: Matcher, sampler: Any, dtype: str, classes: bool, seed: int
) -> None:
    anchors, images = drawn
    assigner = TargetAssigner(
        anchors,
        matcher,
        fitting(matcher, sampler),
        NormalizedBoxCenterEncoder(stds=(0.1, 0.2, 0.3, 0.4), means=(0.01, 0, 0.02, 0)),
        MultiClassEncoder(ignore_label=-7) if classes else SigmoidClassEncoder(),
        dtype=dtype,
    )
    assert assigner.fused
    targets = call(assigner, images, rng=seed)
    if images:
        assert_same(targets, composed(assigner, images, seed=seed))


@settings(max_examples=150, deadline=None)
@given(
    scenes,
    with_low_quality,
    st.one_of(st.just(NaiveSampler()), balanced),
    dtypes,
    st.booleans(),
    st.integers(0, 5),
)
def test_targets_of_two_thresholds_have_the_bits_of_the_composed_operators(
    drawn: Any, matcher: Matcher, sampler: Any, dtype: str, classes: bool, seed: int
) -> None:
    anchors, images = drawn
    encoder = MultiClassEncoder(ignore_label=-7) if classes else SigmoidClassEncoder()
    assigner = TargetAssigner(anchors, matcher, sampler, class_encoder=encoder, dtype=dtype)
    assert assigner.fused
    targets = call(assigner, images, rng=seed)
    if images:
        assert_same(targets, composed(assigner, images, seed=seed))


@settings(max_examples=60, deadline=None)
@given(scenes, st.one_of(simple, with_low_quality), balanced, dtypes, st.integers(0, 5))
def test_sparse_targets_are_those_of_a_call(
    drawn: Any, matcher: Matcher, sampler: Any, dtype: str, seed: int
) -> None:
    anchors, images = drawn
    assigner = TargetAssigner(anchors, matcher, sampler, dtype=dtype)
    for image in images:
        dense = assigner(*image, rng=seed)
        sparse = assigner.sparse(*image, rng=seed)
        np.testing.assert_array_equal(sparse.positives, np.flatnonzero(dense.samples == 1))
        np.testing.assert_array_equal(sparse.negatives, np.flatnonzero(dense.samples == -1))
        np.testing.assert_array_equal(sparse.matches, dense.matches[sparse.positives])
        np.testing.assert_array_equal(sparse.box_targets, dense.box_targets[sparse.positives])


@settings(max_examples=40, deadline=None)
@given(scenes, st.lists(st.integers(0, 20), min_size=3, max_size=3, unique=True), dtypes)
def test_random_samples_depend_on_seed_and_image_id_alone(
    drawn: Any, ids: list[int], dtype: str
) -> None:
    anchors, images = drawn
    ids = ids[: len(images)]
    sampler = QuotaSampler(8, pos_thresh=1.0, neg_thresh_high=0.5, pos_ratio=0.25)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.3), sampler, dtype=dtype)
    targets = call(assigner, images, rng=3, image_ids=ids)
    if images:
        assert_same(targets, composed(assigner, images, seed=3, ids=ids))
    for k, (image, place) in enumerate(zip(images, ids, strict=False)):
        alone = assigner(*image, rng=3, image_ids=place)
        np.testing.assert_array_equal(alone.samples, targets.samples[k])


@settings(max_examples=60, deadline=None)
@given(
    scenes,
    st.sampled_from(
        [
            BipartiteMatcher(threshold=0),
            BipartiteMatcher(threshold=-1),
            BipartiteMatcher(threshold=0.5, is_ascend=True),
            MaximumMatcher(0),
            MaximumMatcher(-0.5),
            CompositeMatcher([MaximumMatcher(0.5), MaximumMatcher(0)]),
            CompositeMatcher([ThresholdMatcher(0.5, 0.4), MaximumMatcher(0.3)]),
            ThresholdMatcher(0.5, 0.0, low_quality="own"),
            ThresholdMatcher(-0.5),
        ]
    ),
    dtypes,
)
def test_matchers_that_may_match_boxes_apart_are_done_by_the_operators(
    drawn: Any, matcher: Matcher, dtype: str
) -> None:
    anchors, images = drawn
    assigner = TargetAssigner(anchors, matcher, dtype=dtype)
    assert not assigner.fused
    targets = call(assigner, images)
    if images:
        assert_same(targets, composed(assigner, images))


@pytest.mark.parametrize("scale", [1e-25, 1e-18, 1e-10, 1.0, 1e10, 1e18, 1e25])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_boxes_of_any_magnitude_are_assigned_as_the_operators_do(scale: float, dtype: str) -> None:
    for seed in range(8):
        anchors, images = scene(seed, 70, 2, 5)
        assigner = TargetAssigner(anchors * scale, dtype=dtype)
        images = [(boxes * scale, labels, regions * scale) for boxes, labels, regions in images]
        assert_same(call(assigner, images), composed(assigner, images))
        unscaled = TargetAssigner(anchors, dtype=dtype)
        assert_same(call(unscaled, images), composed(unscaled, images))


def test_a_tiny_overlap_is_an_overlap() -> None:
    # The overlap's area is below the normal numbers of float32, and the matcher's threshold too.
    anchors = np.array([[-1e-20, -1e-20, 1.0, 1.0], [5, 5, 6, 6]])
    box = np.array([[-1.0, -1.0, 0.0, 0.0]])
    for threshold in (1e-44, 1e-35, 1e-30, 1e-12):
        assigner = TargetAssigner(anchors, BipartiteMatcher(threshold=threshold))
        image = (box, np.zeros(1, int), np.zeros((0, 4)))
        assert_same(call(assigner, [image]), composed(assigner, [image]))


@needs_compiler
@pytest.mark.parametrize("preset", PRESETS)
def test_presets_assign_real_boxes_as_the_operators_do(preset: str, shared_data: Path) -> None:
    assigner = getattr(TargetAssigner, preset)()
    side = {"ssd300": 300, "ssd512": 512, "yolo3": 416}.get(preset, 600)
    images = [
        (
            image.boxes[~image.iscrowd] * (side / max(image.width, image.height)),
            image.labels[~image.iscrowd],
            image.boxes[image.iscrowd] * (side / max(image.width, image.height)),
        )
        for image in read_coco(shared_data / "instances_val2014_100.json")[5:14]
    ]
    assert assigner.fused
    assert_same(call(assigner, images, rng=1), composed(assigner, images, seed=1))


def test_targets_of_a_worked_example() -> None:
    targets = TargetAssigner(ANCHORS)(BOX, [7])
    # Anchors 0 and 3 overlap the box by 90 of 110: one is its best, the other reaches 0.5.
    np.testing.assert_array_equal(targets.matches, [0, -1, -1, 0])
    np.testing.assert_array_equal(targets.samples, [1, -1, -1, 1])
    np.testing.assert_array_equal(targets.cls_targets, [8, 0, 0, 8])
    np.testing.assert_array_equal(
        targets.box_targets, np.float32([[1, 0, 0, 0], [0] * 4, [0] * 4, [1, 0, 0, 0]])
    )
    np.testing.assert_array_equal(targets.box_masks[:, 0], [1, 0, 0, 1])
    assert targets.dropped == 0


def test_negatives_under_an_ignored_region_are_ignored() -> None:
    # The region covers exactly half of anchor 1, all of anchor 2, and all of the positives.
    region = np.array([[0.0, 0.0, 15.0, 10.0], [20.0, 20.0, 40.0, 40.0]])
    targets = TargetAssigner(ANCHORS)(BOX, [7], region)
    np.testing.assert_array_equal(targets.samples, [1, -1, 0, 1])
    np.testing.assert_array_equal(targets.cls_targets, [8, 0, -1, 8])
    low = TargetAssigner(ANCHORS, crowd_thresh=0.4)(BOX, [7], region)
    np.testing.assert_array_equal(low.samples, [1, 0, 0, 1])


def test_an_image_without_objects_has_only_negatives() -> None:
    assigner = TargetAssigner(ANCHORS)
    for boxes, labels in (([], []), (np.zeros((0, 4)), np.zeros(0, int))):
        targets = assigner(boxes, labels)
        np.testing.assert_array_equal(targets.samples, [-1] * 4)
        np.testing.assert_array_equal(targets.cls_targets, [0] * 4)
        assert not targets.box_targets.any()


def test_no_anchors_and_no_images_give_empty_targets() -> None:
    none = TargetAssigner(np.zeros((0, 4)))
    assert none(BOX, [7]).box_targets.shape == (0, 4)
    assert TargetAssigner(ANCHORS)(np.zeros((0, 2, 4)), np.zeros((0, 2))).matches.shape == (0, 4)


def test_matches_count_the_boxes_as_given_and_those_without_extent_are_dropped() -> None:
    boxes = np.array([[3.0, 3, 3, 9], [5, 5, 15, 15], [4, 9, 8, 1]])
    targets = TargetAssigner(ANCHORS)(boxes, [1, 2, 3])
    np.testing.assert_array_equal(targets.matches, [-1, 1, -1, -1])
    assert targets.dropped == 2
    strict = TargetAssigner(ANCHORS, degenerate="error")
    with pytest.raises(ValueError, match=r"boxes\[0\] has width 0.0 and height 6.0, expected more"):
        strict(boxes, [1, 2, 3])
    with pytest.raises(ValueError, match=r"boxes\[1\]\[0\] has width 0.0"):
        strict([boxes[1:2], boxes], [[1], [1, 2, 3]])


@settings(max_examples=60, deadline=None)
@given(scenes, samplers, st.booleans())
def test_sparse_targets_are_the_dense_ones_where_these_are_not_default(
    drawn: Any, sampler: Any, fused: bool
) -> None:
    anchors, images = drawn
    matcher = MaximumMatcher(0.3) if fused else CompositeMatcher([Third()])
    assigner = TargetAssigner(anchors, matcher, sampler if fused else NaiveSampler())
    assert assigner.fused == fused
    dense = call(assigner, images, rng=1)
    boxes, labels, regions = ([image[k] for image in images] for k in range(3))
    sparse = assigner.sparse(boxes, labels, regions, rng=1) if images else []
    for k, own in enumerate(sparse):
        positives = np.flatnonzero(dense.samples[k] > 0)
        np.testing.assert_array_equal(own.positives, positives)
        np.testing.assert_array_equal(own.negatives, np.flatnonzero(dense.samples[k] < 0))
        np.testing.assert_array_equal(own.matches, dense.matches[k][positives])
        np.testing.assert_array_equal(own.cls_targets, dense.cls_targets[k][positives])
        np.testing.assert_array_equal(own.box_targets, dense.box_targets[k][positives])
        assert own.dropped == dense.dropped[k]


class Third(Matcher):
    """A user's own matcher."""

    def __call__(self, x: Any) -> Any:
        return MaximumMatcher(0.3)(x)


def test_a_matcher_of_ones_own_is_used() -> None:
    own, ours = TargetAssigner(ANCHORS, Third()), TargetAssigner(ANCHORS, MaximumMatcher(0.3))
    assert (own.fused, ours.fused) == (False, True)
    np.testing.assert_array_equal(own(BOX, [7]).box_targets, ours(BOX, [7]).box_targets)

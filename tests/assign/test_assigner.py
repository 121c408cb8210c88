"""`TargetAssigner` gives what the composed operators give, bit for bit, and says what is wrong."""

import ctypes
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refkernels.assign import TargetAssigner, read_coco
from refkernels.assign.presets import PRESETS
from refkernels.coder import (
    MultiClassEncoder,
    NormalizedBoxCenterEncoder,
    NormalizedPerClassBoxCenterEncoder,
    SigmoidClassEncoder,
)
from refkernels.matcher import BipartiteMatcher, CompositeMatcher, Matcher, MaximumMatcher
from refkernels.sampler import NaiveSampler, OHEMSampler, QuotaSampler
from tests.assign.scenes import assert_same, composed, scene

ANCHORS = np.array([[0, 0, 10, 10], [5, 5, 15, 15], [20, 20, 30, 30], [0, 0, 10, 10]], np.float64)
BOX = np.array([[1.0, 0.0, 11.0, 10.0]])

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
dtypes = st.sampled_from(["float32", "float64"])
scenes = st.builds(
    scene,
    st.integers(0, 2**32),
    st.sampled_from([0, 1, 5, 70, 300, 1500]),
    st.integers(0, 3),
    st.sampled_from([1, 4, 12, 40]),
)


def call(assigner: TargetAssigner, images: Any, **options: Any) -> Any:
    boxes, labels, regions = ([image[k] for image in images] for k in range(3))
    if not images:
        boxes = np.zeros((0, 3, 4))
    return assigner(boxes, labels, regions, **options)


def fitting(matcher: Matcher, sampler: Any) -> Any:
    """A sampler that makes no positive of what the matcher leaves."""
    inner = matcher.matchers if isinstance(matcher, CompositeMatcher) else [matcher]
    if isinstance(sampler, NaiveSampler) or any(isinstance(m, MaximumMatcher) for m in inner):
        return sampler
    return NaiveSampler()


@settings(max_examples=300, deadline=None)
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


def test_a_list_a_padded_array_and_single_images_give_the_same() -> None:
    _, images = scene(5, 4, 3, 6)
    images = [
        (boxes[keep], labels[keep], regions)
        for boxes, labels, regions in images
        for keep in [(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
    ]
    assigner = TargetAssigner(ANCHORS, degenerate="error")
    whole = call(assigner, images)
    most = max(len(boxes) for boxes, _, _ in images)
    padded = np.full((3, most, 4), -1.0)
    labels = np.full((3, most), -1)
    for k, (boxes, own, _) in enumerate(images):
        padded[k, : len(boxes)], labels[k, : len(boxes)] = boxes, own
    regions = [image[2] for image in images]
    other = assigner(padded, labels, regions)
    np.testing.assert_array_equal(other.dropped, [0, 0, 0])
    for name in ("cls_targets", "box_targets", "box_masks", "matches", "samples"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(other, name))
        for k, image in enumerate(images):
            np.testing.assert_array_equal(getattr(assigner(*image), name), getattr(whole, name)[k])


def test_in_a_padded_array_only_what_comes_before_a_real_box_counts_as_dropped() -> None:
    boxes = np.array([[[0.0, 0, 0, 0], [0, 0, 10, 10], [0, 0, 0, 0]], [[0.0] * 4] * 3])
    assigner = TargetAssigner(ANCHORS)
    np.testing.assert_array_equal(assigner(boxes, np.zeros((2, 3))).dropped, [1, 0])
    np.testing.assert_array_equal(assigner(list(boxes), np.zeros((2, 3))).dropped, [2, 3])


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


def test_targets_can_be_written_to_ones_own_arrays() -> None:
    anchors, images = scene(8, 300, 3, 6)
    assigner = TargetAssigner(anchors)
    out = assigner.empty(batch=3)
    out.box_targets[:] = np.nan
    targets = call(assigner, images, out=out)
    assert targets is out
    assert_same(targets, composed(assigner, images))
    single = assigner.empty()
    assert assigner(*images[0], out=single) is single
    np.testing.assert_array_equal(single.matches, targets.matches[0])


def test_threads_change_nothing() -> None:
    anchors, images = scene(12, 1500, 3, 40)
    images = images * 7
    sampler = QuotaSampler(16, pos_thresh=1.0, neg_thresh_high=0.3)
    options = {"matcher": MaximumMatcher(0.3), "sampler": sampler}
    expected = call(TargetAssigner(anchors, **options), images, rng=2)
    assigner = TargetAssigner(anchors, **options, threads=3)
    for _ in range(5):
        targets = call(assigner, images, rng=2)
        np.testing.assert_array_equal(targets.samples, expected.samples)
        np.testing.assert_array_equal(targets.box_targets, expected.box_targets)
        sparse = assigner.sparse(*map(list, zip(*images, strict=True)), rng=2)
        for own, samples in zip(sparse, expected.samples, strict=True):
            np.testing.assert_array_equal(own.positives, np.flatnonzero(samples > 0))
    with pytest.raises(ValueError, match=r"boxes\[20\]\[0, 1\] is nan"):
        call(assigner, [*images[:20], (np.array([[0, np.nan, 1, 1]]), [1], np.zeros((0, 4)))])


def test_one_assigner_serves_many_threads_at_once() -> None:
    anchors, images = scene(15, 1500, 3, 12)
    assigner = TargetAssigner(anchors)
    expected = [assigner(*image).box_targets for image in images]
    with ThreadPoolExecutor(4) as pool:
        for k, targets in enumerate(pool.map(lambda image: assigner(*image), images * 20)):
            np.testing.assert_array_equal(targets.box_targets, expected[k % 3])


def samples_of(assigner: TargetAssigner, images: Any) -> Any:
    return call(assigner, images, rng=4).samples


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_assigner_works_in_other_processes(method: str) -> None:
    anchors, images = scene(16, 300, 3, 6)
    sampler = QuotaSampler(16, pos_thresh=1.0, neg_thresh_high=0.3)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.5), sampler, threads=2)
    expected = samples_of(assigner, images)  # also starts threads, which a fork does not copy
    with multiprocessing.get_context(method).Pool(1) as pool:
        result = pool.apply_async(samples_of, (assigner, images)).get(timeout=60)
    np.testing.assert_array_equal(result, expected)


def test_a_pickled_assigner_is_the_same() -> None:
    anchors, images = scene(17, 300, 2, 6)
    assigner = TargetAssigner(anchors, dtype="float64", name="mine")
    call(assigner, images)
    copy = pickle.loads(pickle.dumps(assigner))
    assert repr(copy) == repr(assigner) == "<TargetAssigner mine: 300 anchors, float64>"
    assert_same(call(copy, images), composed(assigner, images))


def peak_memory(call: Any) -> int:
    """Bytes by which the process grows while `call` runs, and keeps or gives back."""
    ctypes.CDLL(None).malloc_trim(0)  # or it would take what was given back before
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what there is now
    call()
    return memory("VmHWM") - before


def memory(key: str) -> int:
    [line] = [
        line for line in Path("/proc/self/status").read_text().splitlines() if key + ":" in line
    ]
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("share", [0.001, 0.05, 0.4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_stays_below_16_bytes_an_anchor(dtype: str, share: float) -> None:
    anchors, [image] = scene(20, 500_000, 1, 40)
    sampler = QuotaSampler(int(share * len(anchors)), pos_thresh=1.0, neg_thresh_high=0.3)
    assigner = TargetAssigner(anchors, MaximumMatcher(0.5), sampler, dtype=dtype)
    out = assigner.empty()
    for array in (out.cls_targets, out.box_targets, out.box_masks, out.matches, out.samples):
        array.fill(0)  # so that it is there
    size = 8 * len(anchors)
    assert peak_memory(lambda: np.ones(len(anchors), np.int64)) > 0.9 * size  # it does measure
    assert peak_memory(lambda: assigner(*image, out=out)) < 2 * size


def test_inputs_of_any_layout_and_dtype_are_taken_and_left_alone() -> None:
    anchors, [image] = scene(21, 70, 1, 12)
    boxes, labels, regions = (np.round(part).astype(np.int16) for part in image)
    assigner = TargetAssigner(anchors)
    expected = assigner(
        boxes.astype(np.float32), labels.astype(np.int64), regions.astype(np.float32)
    )
    variants = [
        (boxes, labels, regions),
        (np.asfortranarray(boxes.astype(np.float64)), labels.astype(np.float32), regions),
        (boxes[::-1].copy()[::-1], labels.tolist(), regions.tolist()),
        (boxes.astype(">f4"), labels.astype(np.uint8), regions.astype(np.float16)),
    ]
    fixed = boxes.astype(np.float32)
    fixed.setflags(write=False)
    variants.append((fixed, labels, regions))
    for variant in variants:
        before = pickle.dumps(variant)
        targets = assigner(*variant)
        assert pickle.dumps(variant) == before
        np.testing.assert_array_equal(targets.box_targets, expected.box_targets)
        np.testing.assert_array_equal(targets.samples, expected.samples)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros((2, 3)), [1, 2]), ValueError, "boxes: expected axis -1 to have length 4"),
        ((np.zeros(4), [1]), ValueError, r"boxes: expected \(M, 4\), a list of such"),
        ((BOX, [1, 2]), ValueError, r"labels: expected one for each of 1 boxes, got shape \(2,\)"),
        ((BOX, [0.5]), ValueError, r"labels\[0\] is 0.5, expected whole numbers"),
        ((BOX, ["cat"]), TypeError, "labels: expected integers or whole floats"),
        ((BOX * np.nan, [1]), ValueError, r"boxes\[0, 0\] is nan, expected finite"),
        ((BOX * 1e300, [1]), ValueError, r"boxes\[0, 0\] is 1e\+300, which overflows float32"),
        ((BOX, [2**63 - 1]), ValueError, "gives a target that is not exact in int64"),
        ((BOX, [1], [[np.inf, 0, 1, 1]]), ValueError, r"ignore\[0, 0\] is inf"),
        ((BOX, [1], [[1, 2, 3]]), ValueError, "ignore: expected axis -1 to have length 4"),
        (([BOX, BOX], [[1]]), ValueError, "labels: expected those of 2 images, got 1"),
        (([BOX, BOX], [[1], [1, 2]]), ValueError, r"labels\[1\]: expected one for each of 1 boxes"),
        (([BOX, BOX[:, :3]], [[1], [1]]), ValueError, r"boxes\[1\]: expected axis -1"),
        (([BOX], [[1]], [BOX, BOX]), ValueError, "ignore: expected those of 1 images, got 2"),
        (([BOX], 5), TypeError, "labels: expected those of 1 images, got 5"),
    ],
)
def test_bad_input_is_an_error_that_says_where_and_what(
    arguments: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TargetAssigner(ANCHORS)(*arguments)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"anchors": [[1, 2, 3]]}, ValueError, "anchors: expected axis -1 to have length 4"),
        ({"anchors": [[0, 0, np.nan, 1]]}, ValueError, r"anchors\[0, 2\] is nan"),
        ({"anchors": np.zeros((1, 2, 4))}, ValueError, r"anchors: expected \(N, 4\)"),
        ({"anchors": [[0, 0, 1e39, 1]]}, ValueError, r"anchors\[0, 2\] is 1e\+39, which overflows"),
        ({"matcher": "ssd"}, TypeError, "matcher: expected a Matcher, got 'ssd'"),
        ({"sampler": OHEMSampler(3)}, TypeError, "sampler: expected a NaiveSampler or Quota"),
        (
            {"box_encoder": NormalizedPerClassBoxCenterEncoder(3)},
            TypeError,
            "box_encoder: expected a NormalizedBoxCenterEncoder",
        ),
        ({"class_encoder": 3}, TypeError, "class_encoder: expected a MultiClassEncoder or Sigm"),
        ({"dtype": "float16"}, ValueError, "dtype: expected 'float32' or 'float64'"),
        ({"degenerate": "keep"}, ValueError, "degenerate: expected 'drop' or 'error'"),
        ({"crowd_thresh": 1.5}, ValueError, "crowd_thresh: expected a number from 0 to 1"),
        ({"threads": 0}, ValueError, "threads: expected an integer of at least 1"),
    ],
)
def test_a_bad_parameter_is_an_error(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        TargetAssigner(**{"anchors": ANCHORS, **options})


def test_arrays_to_be_filled_must_fit() -> None:
    assigner = TargetAssigner(ANCHORS)
    with pytest.raises(TypeError, match="out: expected Targets, got tuple"):
        assigner(BOX, [1], out=())
    with pytest.raises(
        ValueError, match=r"out.cls_targets: expected a C-contiguous array of int64"
    ):
        assigner(BOX, [1], out=assigner.empty(2))
    out = assigner.empty()
    out.samples.setflags(write=False)
    with pytest.raises(ValueError, match=r"out.samples: .* that can be written"):
        assigner(BOX, [1], out=out)


def test_an_image_id_must_be_a_count() -> None:
    assigner = TargetAssigner(ANCHORS)
    with pytest.raises(ValueError, match="image_ids: expected an integer of at least 0, got -1"):
        assigner(BOX, [1], image_ids=-1)
    with pytest.raises(TypeError, match=r"image_ids\[1\]: expected an integer, got 'a'"):
        assigner([BOX, BOX], [[1], [1]], image_ids=[1, "a"])


def test_a_positive_that_is_not_matched_is_an_error() -> None:
    sampler = QuotaSampler(8, pos_thresh=0.5, neg_thresh_high=0.3)
    assigner = TargetAssigner(ANCHORS, MaximumMatcher(0.9), sampler)
    with pytest.raises(ValueError, match="anchor 0 is a positive sample with match -1"):
        assigner(BOX, [1])

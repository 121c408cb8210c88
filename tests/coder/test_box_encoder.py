"""The encoders of boxes: equal to their definitions within the derived bounds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refkernels
from refkernels import NormalizedBoxCenterEncoder, NormalizedPerClassBoxCenterEncoder
from refkernels.bounds import coder as bounds
from refkernels.conformance.cases.strategies import box_sets, seeded_box_sets
from refkernels.conformance.model.compare import compare_real
from refkernels.conformance.model.operator import Case
from refkernels.definition import coder as definition

DTYPES = [np.float16, np.float32, np.float64]

UNIT = {"stds": (1, 1, 1, 1)}
ANCHORS = np.array([[0.0, 0, 10, 20], [10, 10, 20, 20]])
REFS = np.array([[10.0, 0, 30, 20], [11, 12, 16, 22]])

NUMBERS = st.sampled_from([0.1, 0.2, 1.0, -0.5, 3.0])
NORMALISATIONS = st.fixed_dictionaries(
    {},
    optional={
        "stds": st.tuples(*[NUMBERS] * 4),
        "means": st.tuples(*[NUMBERS | st.just(0.0)] * 4),
    },
)


@st.composite
def assignments(draw, config):
    """Draw samples, matches, proper anchors, and refs of every kind; in batches or not."""
    counts = (st.integers(1, 5), st.integers(1, 4))
    batch = draw(st.none() | st.integers(1, 3).map(st.just))
    anchors, refs = draw(box_sets(counts, batch) | seeded_box_sets(counts, batch))
    # Where an anchor has no extent, rounding decides between infinity and nan.
    anchors[..., 2:] = np.maximum(anchors[..., 2:], anchors[..., :2] + 1)
    if batch is not None and draw(st.booleans()):
        anchors = anchors[:1]
    shape = (*refs.shape[:-2], anchors.shape[-2])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples = rng.integers(-1, 2, shape)
    # Only positive samples need a match.
    matches = np.where(samples > 0, rng.integers(0, refs.shape[-2], shape), rng.integers(-9, 9))
    inputs = {"samples": samples, "matches": matches, "anchors": anchors, "refs": refs}
    return Case(draw(config), inputs).astype(draw(st.sampled_from(DTYPES)))


def encode(samples, matches, anchors=ANCHORS, refs=REFS, **options):
    return NormalizedBoxCenterEncoder(**options)(samples, matches, anchors, refs)


def test_offsets_are_measured_in_anchors():
    targets, masks = encode([1, 1], [0, 1], **UNIT)
    # (5, 10, 10, 20) to (20, 10, 20, 20), and (15, 15, 10, 10) to (13.5, 17, 5, 10)
    expected = [[1.5, 0, math.log(2), 0], [-0.15, 0.2, -math.log(2), 0]]
    assert targets == pytest.approx(np.array(expected), rel=1e-15)
    assert masks.tolist() == [[1] * 4] * 2


def test_means_are_subtracted_before_the_division_by_stds():
    (target, _), _ = encode([1, 0], [0, 0], means=(0.5, -1, 1, 2), stds=(0.5, 2, 4, -1))
    assert target.tolist() == [2, 0.5, (math.log(2) - 1) / 4, 2]


def test_rows_of_other_samples_are_zero_and_their_matches_are_not_looked_at():
    targets, masks = encode([0.5, -1.0], [99, -7])
    assert targets.tolist() == masks.tolist() == [[0] * 4] * 2
    targets, masks = encode([0.5, 0.50001], [math.nan, 0.0])
    assert masks.tolist() == [[0] * 4, [1] * 4]
    assert encode([0, 0], [0.5, math.inf])[1].tolist() == [[0] * 4] * 2


def test_degenerate_boxes_give_what_ieee_arithmetic_gives_without_a_warning():
    flat, inverted, proper = [0, 0, 4, 0], [4, 0, 0, 4], [0, 0, 4, 4]

    def codes(anchor, ref):
        for dtype in DTYPES:
            ((*target,),), _ = encode(
                [1], [0], np.array([anchor], dtype), np.array([ref], dtype), **UNIT
            )
            yield [repr(float(t)) for t in target]

    assert list(codes(proper, flat)) == [["0.0", "-0.5", "0.0", "-inf"]] * 3
    assert list(codes(flat, proper)) == [["0.0", "inf", "0.0", "inf"]] * 3
    assert list(codes(flat, flat)) == [["0.0", "nan", "0.0", "nan"]] * 3
    assert list(codes(proper, inverted)) == [["0.0", "0.0", "nan", "0.0"]] * 3


@given(assignments(NORMALISATIONS))
def test_the_encoder_is_its_definition_within_the_bound(case):
    targets, masks = NormalizedBoxCenterEncoder(**case.config)(*case.inputs.values())
    exact, exact_masks = definition.NormalizedBoxCenterEncoder(*case.inputs.values(), **case.config)
    dtype = case.inputs["refs"].dtype
    bound = bounds.box_center_encoder(**case.inputs, **case.config)
    assert not compare_real("targets", targets, exact, bound, dtype, both_rounded=False)
    assert masks.dtype == dtype
    assert masks.tolist() == exact_masks.tolist()


@given(assignments(NORMALISATIONS), st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_the_per_class_encoder_is_its_definition_within_the_bound(case, classes, most, seed):
    samples, matches, anchors, refs = case.inputs.values()
    labels = np.random.default_rng(seed).integers(0, classes, refs.shape[:-1])
    inputs = {
        "samples": samples,
        "matches": matches,
        "anchors": anchors,
        "labels": labels,
        "refs": refs,
    }
    config = {**case.config, "num_class": classes, "max_pos": most}
    found = NormalizedPerClassBoxCenterEncoder(**config)(*inputs.values())
    exact = definition.NormalizedPerClassBoxCenterEncoder(*inputs.values(), **config)
    bound = bounds.per_class_box_center_encoder(**inputs, **config)
    assert not compare_real("targets", found[0], exact[0], bound, refs.dtype, both_rounded=False)
    assert found[1].dtype == refs.dtype
    assert found[1].tolist() == exact[1].tolist()
    assert found[2].dtype == np.int64
    assert found[2].tolist() == exact[2].tolist()


def test_the_per_class_encoder_lists_positives_first_and_masks_one_class():
    encoder = NormalizedPerClassBoxCenterEncoder(3, max_pos=3, **UNIT)
    anchors = [*ANCHORS, [0, 0, 1, 1], REFS[1]]
    targets, masks, indices = encoder([0, 1, -1, 1], [9, 0, 9, 1], anchors, [2, 0], REFS)
    assert indices.tolist() == [1, 3, 0]
    assert masks.tolist() == [
        [[0] * 4, [0] * 4, [1] * 4],
        [[1] * 4, [0] * 4, [0] * 4],
        [[0] * 4] * 3,
    ]
    assert targets[0, :, 0].tolist() == [0.5] * 3
    assert targets[1:].tolist() == [[[0] * 4] * 3] * 2


def test_the_per_class_encoder_takes_any_batch_and_labels_of_padding():
    encoder = NormalizedPerClassBoxCenterEncoder(2, per_device_batch_size=1)
    samples, matches = [[1, 0], [0, 1], [0, 0]], [[0, 0], [0, 0], [0, 0]]
    labels, refs = [[1, -1]] * 3, np.stack([REFS] * 3)
    _, masks, indices = encoder(samples, matches, ANCHORS[None], labels, refs)
    assert indices.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert masks.sum((1, 3)).tolist() == [[0, 4], [0, 4], [0, 0]]


def test_one_image_is_a_batch_of_one():
    batched = encode([[1, 1]], [[0, 1]], ANCHORS[None], REFS[None])
    for inputs in (
        ([1, 1], [0, 1], ANCHORS[None], REFS),
        ([[1, 1]], [0, 1], ANCHORS, REFS),
        ([1, 1], [0, 1], ANCHORS, REFS[None]),
    ):
        for one, other in zip(encode(*inputs), batched, strict=True):
            assert one.tolist() == other.tolist()
    for one, other in zip(encode([1, 1], [0, 1]), batched, strict=True):
        assert one.tolist() == other[0].tolist()
    per_class = NormalizedPerClassBoxCenterEncoder(1)
    batched = per_class([[1, 1]], [[0, 1]], ANCHORS[None], [[0, 0]], REFS[None])
    for one, other in zip(per_class([1, 1], [0, 1], ANCHORS, [0, 0], REFS), batched, strict=True):
        assert one.tolist() == other[0].tolist()


def test_anchors_of_one_image_serve_a_batch():
    samples, matches, refs = [[1, 0], [1, 1]], [[1, 0], [0, 1]], np.stack([REFS, REFS[::-1]])
    once = encode(samples, matches, ANCHORS[None], refs)
    each = encode(samples, matches, np.stack([ANCHORS, ANCHORS]), refs)
    for image in range(2):
        alone = encode(samples[image], matches[image], ANCHORS, refs[image])
        for one, other, single in zip(once, each, alone, strict=True):
            assert one[image].tolist() == other[image].tolist() == single.tolist()


def test_empty_sets_are_normal_input():
    none = np.zeros((0, 4))
    for result in encode([], [], none, REFS):
        assert result.shape == (0, 4)
    for result in encode([-1, 0], [-1, -1], refs=none):
        assert result.tolist() == [[0] * 4] * 2
    no_images = np.zeros((0, 2))
    for result in encode(no_images, no_images, ANCHORS[None], np.zeros((0, 3, 4))):
        assert result.shape == (0, 2, 4)
    per_class = NormalizedPerClassBoxCenterEncoder(3)
    targets, masks, indices = per_class([], [], none, [0, 1], REFS)
    assert targets.shape == masks.shape == (0, 3, 4)
    assert indices.shape == (0,)
    targets, masks, indices = per_class([-1, 0], [-1, -1], ANCHORS, [], none)
    assert not targets.any()
    assert not masks.any()
    assert indices.tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int64, *DTYPES])
def test_samples_matches_and_labels_come_in_any_dtype(dtype):
    samples, matches = np.array([0, 1], dtype), np.array([1, 1], dtype)
    for one, other in zip(encode(samples, matches), encode([0, 1], [1, 1]), strict=True):
        assert one.tolist() == other.tolist()
    per_class = NormalizedPerClassBoxCenterEncoder(2)
    labels = np.array([1, 0], dtype)
    _, masks, indices = per_class(samples, matches, ANCHORS, labels, REFS)
    assert indices.tolist() == [1, 0]
    assert masks[0].tolist() == [[1] * 4, [0] * 4]


@pytest.mark.parametrize(
    ("anchors", "refs", "expected"),
    [
        (np.float16, np.float16, np.float16),
        (np.float32, np.float16, np.float32),
        (np.float32, np.float64, np.float64),
        (np.int32, np.float32, np.float64),
        (np.int8, np.uint8, np.float64),
    ],
)
def test_targets_and_masks_have_the_common_dtype_of_the_boxes(anchors, refs, expected):
    results = encode([1, 1], [0, 1], ANCHORS.astype(anchors), REFS.astype(refs))
    assert [result.dtype for result in results] == [expected] * 2
    per_class = NormalizedPerClassBoxCenterEncoder(1)
    *results, indices = per_class(
        [1, 1], [0, 1], ANCHORS.astype(anchors), [0, 0], REFS.astype(refs)
    )
    assert [result.dtype for result in results] == [expected] * 2
    assert indices.dtype == np.int64


def test_any_layout_gives_the_same_and_inputs_stay(layout):
    samples, matches, labels = np.array([[1, 0], [1, 1]]), np.array([[1, 0], [0, 1]]), [[0, 0]] * 2
    anchors, refs = np.stack([ANCHORS, ANCHORS + 1]), np.stack([REFS, REFS - 1])
    laid_out = [layout(x) for x in (samples, matches, anchors, refs)]
    before = [np.array(x) for x in laid_out]
    for one, other in zip(encode(*laid_out), encode(samples, matches, anchors, refs), strict=True):
        assert one.tolist() == other.tolist()
    per_class = NormalizedPerClassBoxCenterEncoder(1)
    for one, other in zip(
        per_class(*laid_out[:3], layout(np.array(labels)), laid_out[3]),
        per_class(samples, matches, anchors, labels, refs),
        strict=True,
    ):
        assert one.tolist() == other.tolist()
    for x, original in zip(laid_out, before, strict=True):
        assert np.array_equal(x, original)


def test_both_names_are_one_operator():
    assert issubclass(refkernels.NumPyNormalizedBoxCenterEncoder, NormalizedBoxCenterEncoder)
    targets, _ = refkernels.NumPyNormalizedBoxCenterEncoder()([1, 0], [0, 0], ANCHORS, REFS)
    assert targets.tolist() == encode([1, 0], [0, 0])[0].tolist()


@pytest.mark.parametrize(
    ("samples", "matches", "refs", "message"),
    [
        ([0, 1], [0, 2], REFS, "image 0, anchor 1 is a positive .* match 2, expected .* 0 to 1"),
        ([1, 1], [0, -1], REFS, "image 0, anchor 1 is a positive sample with match -1"),
        ([[0, 0], [1, 0]], [[0, 0], [5, 0]], np.stack([REFS] * 2), "image 1, anchor 0 .* match 5"),
        ([1, 1], [0, 0.5], REFS, "anchor 1 is a positive sample with match 0.5"),
        ([1, 1], [0, math.nan], REFS, "anchor 1 is a positive sample with match nan"),
        ([1, 1], [1e30, 0], REFS, r"anchor 0 is a positive sample with match 1e\+30"),
        ([1, 1], [0, 0], np.zeros((0, 4)), "match 0, expected a match, but there are no refs"),
    ],
)  # fmt: skip
def test_a_positive_sample_without_a_match_is_named(samples, matches, refs, message):
    anchors = ANCHORS if np.ndim(samples) == 1 else ANCHORS[None]
    with pytest.raises(ValueError, match=message):
        encode(samples, matches, anchors, refs)
    labels = np.zeros(refs.shape[:-1], int)
    with pytest.raises(ValueError, match=message):
        NormalizedPerClassBoxCenterEncoder(1)(samples, matches, anchors, labels, refs)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (([1, 1], [0, 1], ANCHORS, [[0, 0, 1, math.nan]]), ValueError, r"refs\[0, 3\] is nan"),
        (([0, 0], [0, 0], [[0, 0, 1, math.inf]] * 2, REFS), ValueError, r"anchors\[0, 3\] is inf"),
        (([1, math.nan], [0, 0], ANCHORS, REFS), ValueError, r"samples\[1\] is nan"),
        (([-math.inf, 1], [0, 0], ANCHORS, REFS), ValueError, r"samples\[0\] is -inf"),
        (([1, 1], [0, 1], ANCHORS[:, :3], REFS), ValueError, "anchors: expected axis -1 .*, got 3"),
        (([1, 1], [0, 1], ANCHORS, REFS[0]), ValueError, r"refs: expected \(B, M, 4\) or \(M, 4\)"),
        (([1, 1, 1], [0, 1, 1], ANCHORS, REFS), ValueError, "anchors: expected 3 boxes for"),
        (([1, 1], [0], ANCHORS, REFS), ValueError, "matches: expected the shape of samples"),
        (([[1, 1]] * 2, [[0, 1]] * 2, ANCHORS, REFS), ValueError, "refs: expected .* 2 images"),
        (([1, 1], [0, 1], np.stack([ANCHORS] * 2), REFS), ValueError, r"anchors: .* \(2, 2, 4\)"),
        ((1, 0, ANCHORS, REFS), ValueError, r"samples: expected at least 1 axes, got shape \(\)"),
        (([[[1, 1]]], [[[0, 1]]], ANCHORS, REFS), ValueError, r"samples: expected \(B, N\) or"),
        ((["a", "b"], [0, 1], ANCHORS, REFS), TypeError, "samples: expected integers"),
        (([1, 1], [0j, 1], ANCHORS, REFS), TypeError, "matches: expected integers"),
        (([1, 1], [None, 1], ANCHORS, REFS), TypeError, "matches: .* object"),
        (([1, 1], [0, 1], ANCHORS.astype(object), REFS), TypeError, "anchors: .* object"),
        (([1, 1], [[0], [1, 2]], ANCHORS, REFS), ValueError, "matches: expected an array"),
    ],
)  # fmt: skip
def test_bad_input_is_named(inputs, error, message):
    with pytest.raises(error, match=message):
        encode(*inputs)
    samples, matches, anchors, refs = inputs
    with pytest.raises(error, match=message):
        NormalizedPerClassBoxCenterEncoder(1)(
            samples, matches, anchors, np.zeros(np.shape(refs)[:-1] or 1, int), refs
        )


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 3], ValueError, r"labels\[1\] is 3, and image 0, anchor 1 .* from 0 to 2"),
        ([0, -1], ValueError, r"labels\[1\] is -1"),
        ([[0, -1]], ValueError, r"labels\[0, 1\] is -1"),
        ([0, 0.5], ValueError, r"labels\[1\] is 0.5, expected whole numbers"),
        ([0], ValueError, r"labels: expected one for each of refs, \(1, 2\), got \(1, 1\)"),
        (["a", "b"], TypeError, "labels: expected integers"),
    ],
)
def test_bad_labels_are_named(labels, error, message):
    with pytest.raises(error, match=message):
        NormalizedPerClassBoxCenterEncoder(3)([1, 1], [0, 1], ANCHORS, labels, REFS)


def test_labels_are_checked_beyond_the_first_rows_too():
    with pytest.raises(ValueError, match=r"labels\[1\] is 3"):
        NormalizedPerClassBoxCenterEncoder(3, max_pos=1)([1, 1], [0, 1], ANCHORS, [0, 3], REFS)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"stds": (1, 1, 1)}, ValueError, "stds: expected 4 numbers"),
        ({"means": (0,) * 5}, ValueError, "means: expected 4 numbers"),
        ({"stds": (1, 0, 1, 1)}, ValueError, r"stds\[1\] is 0"),
        ({"stds": (1, math.nan, 1, 1)}, ValueError, r"stds\[1\] is nan"),
        ({"means": (0, 0, math.inf, 0)}, ValueError, r"means\[2\] is inf"),
        ({"stds": 0.1}, TypeError, "stds: expected 4 numbers"),
        ({"means": ("a",) * 4}, TypeError, r"means\[0\]: expected a real number"),
    ],
)
def test_bad_stds_and_means_are_named(options, error, message):
    with pytest.raises(error, match=message):
        NormalizedBoxCenterEncoder(**options)
    with pytest.raises(error, match=message):
        NormalizedPerClassBoxCenterEncoder(1, **options)


@pytest.mark.parametrize("std", [1e-50, 1e50])
def test_stds_must_be_numbers_of_the_computing_dtype(std):
    encoder = NormalizedBoxCenterEncoder(stds=(1, std, 1, 1))
    with pytest.raises(ValueError, match=r"stds: .* overflow or vanish in float32"):
        encoder([1, 1], [0, 1], ANCHORS.astype(np.float16), REFS.astype(np.float16))
    assert encoder([1, 1], [0, 1], ANCHORS, REFS)[0].shape == (2, 4)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"num_class": 0}, ValueError),
        ({"num_class": 2.0}, TypeError),
        ({"num_class": 1, "max_pos": 0}, ValueError),
        ({"num_class": 1, "per_device_batch_size": 0}, ValueError),
    ],
)
def test_bad_sizes_are_named(options, error):
    with pytest.raises(error, match=f"{list(options)[-1]}: expected an integer"):
        NormalizedPerClassBoxCenterEncoder(**options)


def test_stds_and_means_may_be_any_sequence():
    lists = NormalizedBoxCenterEncoder([0.1, 0.1, 0.2, 0.2], np.zeros(4))
    assert lists == NormalizedBoxCenterEncoder()
    assert hash(lists) == hash(NormalizedBoxCenterEncoder())

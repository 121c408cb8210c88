"""The coders of classes: equal to their definitions, and the decoder the encoder's inverse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import (
    MultiClassDecoder,
    MultiClassEncoder,
    MultiPerClassDecoder,
    SigmoidClassEncoder,
)
from refkernels.definition import coder as definition

DTYPES = [np.float16, np.float32, np.float64]
LEVELS = [0.0, -0.0, 0.01, 0.1, 0.25, 0.5, 0.7, 1.0, -1.0]


@st.composite
def labelled(draw):
    """Draw samples, matches and labels, in batches or not, each as integers or floats."""
    shape = () if draw(st.booleans()) else (draw(st.integers(1, 3)),)
    anchors, count = draw(st.integers(0, 40)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples = rng.integers(-1, 2, (*shape, anchors))
    matches = np.where(samples > 0, rng.integers(0, count, samples.shape), rng.integers(-9, 9))
    labels = rng.integers(-1, 30, (*shape, count))
    kinds = st.sampled_from([np.int64, np.int8, *DTYPES])
    return tuple(x.astype(draw(kinds)) for x in (samples, matches, labels))


@st.composite
def scores(draw):
    """Draw scores with many ties, an axis, and a threshold that some of them meet."""
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    axis = draw(st.integers(0, len(shape)))
    shape.insert(axis, draw(st.integers(2, 6)))
    axis = draw(st.sampled_from([axis, axis - len(shape)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.choice(LEVELS, shape).astype(draw(st.sampled_from(DTYPES)))
    return x, axis, draw(st.sampled_from([*LEVELS, 0.3, 2.0, 1e-12]))


def same_numbers(found, exact):
    """Whether floats are exactly these numbers."""
    return found.shape == exact.shape and all(
        float(a) == b for a, b in zip(found.ravel(), exact.ravel(), strict=True)
    )


def test_a_class_target_is_the_label_of_the_match_and_one_more():
    targets = MultiClassEncoder()([1, 1, -1, 0, 0.5, -0.5], [1, 0, 0, 0, 99, -9], [4, 6])
    assert targets.tolist() == [7, 5, 0, -1, -1, -1]
    assert targets.dtype == np.int64


@pytest.mark.parametrize("ignore_label", [-1, -5, 255, -1.0])
def test_what_is_neither_positive_nor_negative_is_ignored(ignore_label):
    targets = MultiClassEncoder(ignore_label)([0, 1], [0, 0], [4])
    assert targets.tolist() == [ignore_label, 5]
    assert targets.dtype == np.int64


@given(labelled(), st.sampled_from([-1, 255]))
def test_the_class_encoder_is_its_definition(inputs, ignore_label):
    targets = MultiClassEncoder(ignore_label)(*inputs)
    expected = definition.MultiClassEncoder(*inputs, ignore_label=ignore_label)
    assert targets.dtype == (np.int64 if inputs[2].dtype.kind == "i" else inputs[2].dtype)
    assert targets.shape == expected.shape
    assert targets.tolist() == expected.tolist()


def test_images_without_objects_or_anchors_are_normal_input():
    assert MultiClassEncoder()([-1, 0], [-1, -1], np.zeros(0, int)).tolist() == [0, -1]
    assert MultiClassEncoder()([], [], [3]).shape == (0,)
    empty = np.zeros((0, 5), int)
    assert MultiClassEncoder()(empty, empty, np.zeros((0, 2), int)).shape == (0, 5)
    for array in SigmoidClassEncoder()(np.zeros((0, 5))):
        assert array.shape == (0, 5)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (([1], [2], [4, 6]), ValueError, "image 0, anchor 0 is a positive .* match 2, .* 0 to 1"),
        (([[0], [1]], [[0], [-1]], [[4], [6]]), ValueError, "image 1, anchor 0 .* match -1"),
        (([1], [0.5], [4, 6]), ValueError, "anchor 0 is a positive sample with match 0.5"),
        (([1], [0], []), ValueError, "match 0, expected a match, but there are no refs"),
        (([1, math.inf], [0, 0], [4]), ValueError, r"samples\[1\] is inf"),
        (([1], [0], [0.5]), ValueError, r"refs\[0\] is 0.5, expected whole numbers"),
        (([1], [0], [math.nan]), ValueError, r"refs\[0\] is nan"),
        (([1], [0, 1], [4]), ValueError, "matches: expected the shape of samples"),
        (([1], [0], [[4], [6]]), ValueError, "refs: expected the labels of 1 image"),
        (([1], [0], [[[4]]]), ValueError, r"refs: expected \(B, M\) or \(M,\)"),
        ((1, 0, 4), ValueError, "expected at least 1 axes"),
        (([1], [0], ["a"]), TypeError, "refs: expected integers"),
        (([1], [0], np.ones(1, np.longdouble)), TypeError, "refs: "),
        (([1 + 0j], [0], [4]), TypeError, "samples: expected integers"),
    ],
)
def test_bad_input_of_the_class_encoder_is_named(inputs, error, message):
    with pytest.raises(error, match=message):
        MultiClassEncoder()(*inputs)


@pytest.mark.parametrize(
    ("labels", "ignore_label", "message"),
    [
        (np.array([0, 2048], np.float16), -1, "label 2048 of image 0, ref 1, .* in float16"),
        (np.array([2.0**24], np.float32), -1, "not exact in float32"),
        (np.array([2**63 - 1]), -1, "not exact in int64"),
        (np.array([0], np.float16), 70000, "ignore_label: 70000 is not exact in float16"),
    ],
)  # fmt: skip
def test_targets_that_the_dtype_of_the_labels_cannot_hold_are_named(labels, ignore_label, message):
    with pytest.raises(ValueError, match=message):
        MultiClassEncoder(ignore_label)([1], [0], labels)


@pytest.mark.parametrize("label", [0.5, math.nan, math.inf, 1e30])
def test_an_ignore_label_is_a_whole_number(label):
    with pytest.raises(ValueError, match="ignore_label"):
        MultiClassEncoder(label)
    with pytest.raises(TypeError, match="ignore_label: expected a real number"):
        MultiClassEncoder("-1")


def test_the_class_of_the_highest_score_counts_if_over_the_threshold():
    x = np.array([[0.9, 0.5, 0.25, 0.5], [0.0, 0.1, 0.0, 0.0], [1.0, 0.25, 0.0, 0.0]])
    ids, found = MultiClassDecoder(thresh=0.25)(x)
    assert ids.tolist() == [0, -1, -1]
    assert found.tolist() == [0.5, 0, 0]
    assert ids.dtype == np.int64


@given(scores())
def test_the_class_decoder_is_its_definition(drawn):
    x, axis, thresh = drawn
    ids, found = MultiClassDecoder(axis, thresh)(x)
    expected_ids, expected = definition.MultiClassDecoder(x, axis=axis, thresh=thresh)
    assert (ids.dtype, found.dtype) == (np.int64, x.dtype)
    assert ids.tolist() == expected_ids.tolist()
    assert same_numbers(found, expected)


@given(scores())
def test_the_per_class_decoder_is_its_definition(drawn):
    x, axis, thresh = drawn
    classes = x.shape[axis]
    ids, found = MultiPerClassDecoder(classes, axis, thresh)(x)
    expected_ids, expected = definition.MultiPerClassDecoder(
        x, num_class=classes, axis=axis, thresh=thresh
    )
    assert (ids.dtype, found.dtype) == (np.int64, x.dtype)
    assert ids.tolist() == expected_ids.tolist()
    assert same_numbers(found, expected)


def test_thresholds_are_rounded_to_the_dtype_of_the_scores():
    for dtype in DTYPES:
        x = np.array([[0, 0.7]], dtype)
        assert MultiClassDecoder(thresh=0.7)(x)[0].tolist() == [-1]
        assert MultiPerClassDecoder(2, thresh=0.7)(x)[0].tolist() == [[-1]]


def test_integer_scores_count_as_float64():
    ids, found = MultiClassDecoder()([[0, 1, 2]])
    assert ids.tolist() == [1]
    assert found.dtype == np.float64


@given(labelled())
def test_decoding_the_one_hot_of_what_was_encoded_gives_the_labels_back(inputs):
    samples, matches, labels = inputs
    labels = np.abs(labels)
    targets = MultiClassEncoder()(samples, matches, labels).astype(np.int64)
    ids, found = MultiClassDecoder()(np.eye(32)[np.where(targets >= 0, targets, 0)])
    row = labels if labels.ndim == 2 else labels[None]
    index = np.where(samples > 0, matches, 0).astype(np.int64)
    wanted = np.take_along_axis(row, np.atleast_2d(index), -1).reshape(samples.shape)
    assert ids.tolist() == np.where(samples > 0, wanted, -1).astype(np.int64).tolist()
    assert found.tolist() == (samples > 0).tolist()


@pytest.mark.parametrize(
    ("operator", "x", "error", "message"),
    [
        (MultiClassDecoder(), [[0, 1, math.nan]], ValueError, r"x\[0, 2\] is nan"),
        (MultiClassDecoder(), [[math.inf, 1, 0]], ValueError, r"x\[0, 0\] is inf"),
        (MultiClassDecoder(0), [[0.0], [1], [-math.inf]], ValueError, r"x\[2, 0\] is -inf"),
        (MultiClassDecoder(), [[1.0]], ValueError, "x: expected the background and at least one"),
        (MultiClassDecoder(2), [[1.0, 0]], ValueError, "x: axis 2 is out of range"),
        (MultiClassDecoder(), 1.0, ValueError, "x: axis -1 is out of range"),
        (MultiClassDecoder(), [["a"]], TypeError, "x: expected float16"),
        (MultiPerClassDecoder(2), [[0, math.nan]], ValueError, r"x\[0, 1\] is nan"),
        (MultiPerClassDecoder(2), [[math.nan, 0]], ValueError, r"x\[0, 0\] is nan"),
        (MultiPerClassDecoder(3), [[0.0, 1]], ValueError, "x: expected axis -1 to have length 3"),
        (MultiPerClassDecoder(2, 1), [0.0, 1], ValueError, "x: axis 1 is out of range"),
        (MultiPerClassDecoder(2), [[0j, 1]], TypeError, "x: expected float16"),
    ],
)
def test_bad_scores_are_named(operator, x, error, message):
    with pytest.raises(error, match=message):
        operator(x)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"axis": 1.0}, TypeError, "axis: expected an integer"),
        ({"thresh": math.nan}, ValueError, "thresh is nan"),
        ({"thresh": None}, TypeError, "thresh: expected a real number"),
    ],
)
def test_bad_parameters_of_decoders_are_named(options, error, message):
    with pytest.raises(error, match=message):
        MultiClassDecoder(**options)
    with pytest.raises(error, match=message):
        MultiPerClassDecoder(2, **options)
    with pytest.raises(ValueError, match="num_class: expected an integer of at least 2"):
        MultiPerClassDecoder(1)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, *DTYPES])
def test_a_sample_becomes_a_target_and_a_mask(dtype):
    targets, masks = SigmoidClassEncoder()(np.array([[1, -1, 0]], dtype))
    assert targets.tolist() == [[1, 0, -1]]
    assert masks.tolist() == [[1, 1, 0]]
    assert targets.dtype == masks.dtype == (np.int64 if np.dtype(dtype).kind == "i" else dtype)


@given(
    st.lists(st.sampled_from([1, -1, 0]), max_size=40), st.sampled_from([0, 1e-6, -9.9e-6]),
    st.sampled_from(DTYPES),
)  # fmt: skip
def test_the_sigmoid_encoder_is_its_definition(samples, shift, dtype):
    x = (np.array(samples, np.float64) + shift).astype(dtype)
    for found, expected in zip(
        SigmoidClassEncoder()(x), definition.SigmoidClassEncoder(x), strict=True
    ):
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([0, 2], ValueError, r"samples\[1\] is 2, expected 1, -1 or 0"),
        ([[1.0, -1], [0.5, 0]], ValueError, r"samples\[1, 0\] is 0.5, expected 1, -1 or 0"),
        ([1 + 2e-5], ValueError, r"samples\[0\] is 1.00002"),
        ([0, math.nan], ValueError, r"samples\[1\] is nan"),
        ([math.inf], ValueError, r"samples\[0\] is inf"),
        (np.float32([1 + 1.0014e-5]), ValueError, r"samples\[0\] is 1.00001"),
        ([np.iinfo(np.int64).min], ValueError, r"samples\[0\] is -9223372036854775808"),
        (1, ValueError, "samples: expected at least 1 axes"),
        (["a"], TypeError, "samples: expected integers"),
    ],
)
def test_what_is_no_sample_is_named(samples, error, message):
    with pytest.raises(error, match=message):
        SigmoidClassEncoder()(samples)


def test_any_layout_gives_the_same_and_inputs_stay(layout):
    samples, labels = np.array([[1, 0, -1], [1, 1, 0]]), np.array([[3, 5], [7, 9]])
    x = np.array([[[0.1, 0.5, 0.2], [0.3, 0.0, 0.4]], [[0.2, 0.2, 0.1], [0.0, 0.9, 0.9]]])
    for operator, inputs in (
        (MultiClassEncoder(), (samples, abs(samples), labels)),
        (SigmoidClassEncoder(), (samples,)),
        (MultiClassDecoder(1), (x,)),
        (MultiPerClassDecoder(2, 1), (x,)),
    ):
        laid_out = [layout(array) for array in inputs]
        before = [np.array(array) for array in laid_out]
        for one, other in zip(operator(*laid_out), operator(*inputs), strict=True):
            assert one.tolist() == other.tolist()
        for array, original in zip(laid_out, before, strict=True):
            assert np.array_equal(array, original)

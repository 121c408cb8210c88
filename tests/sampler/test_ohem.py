import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import NaiveSampler, OHEMSampler
from refkernels.definition import sampler as definition

DTYPES = ["float16", "float32", "float64"]


def logits_of(scores):
    """Two classes and a background: the higher the score, the harder the negative."""
    scores = np.asarray(scores, float)
    return np.stack([np.zeros_like(scores), scores, np.zeros_like(scores)], axis=-1)


def test_naive_takes_every_match():
    matches = np.array([[3, -1, 0], [-1, -1, 7]])
    samples = NaiveSampler()(matches)
    np.testing.assert_array_equal(samples, [[1, -1, 1], [-1, -1, 1]])
    assert samples.dtype == np.int64


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "float16", "float32", "bool"])
@pytest.mark.parametrize("shape", [(), (4,), (0,), (2, 3), (2, 0), (2, 3, 4)])
def test_naive_takes_matches_of_any_dtype_and_shape(dtype, shape):
    samples = NaiveSampler()(np.zeros(shape, dtype))
    assert samples.shape == shape
    assert (samples == 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_hardest_negatives_are_mined(dtype):
    matches = np.array([[0, -1, -1, -1, -1, 1]])
    ious = np.array([[[0.6, 0], [0.2, 0.1], [0.1, 0.55], [0.4, 0.3], [0, 0], [0, 0.9]]], dtype)
    logits = logits_of([[9, 1, 5, 3, 2, 9]]).astype(dtype)
    # 2 positives, so 2 negatives; anchor 2 is the hardest, but its IoU is too large.
    np.testing.assert_array_equal(
        OHEMSampler(ratio=1)(matches, logits, ious), [[1, 0, 0, -1, -1, 1]]
    )


def test_a_positive_is_never_changed():
    samples = OHEMSampler(ratio=9, min_samples=9)([0, 0, -1], logits_of([9, 9, 0]), [0.0, 0, 0])
    np.testing.assert_array_equal(samples, [1, 1, -1])


@pytest.mark.parametrize(
    ("ratio", "min_samples", "positives", "negatives"),
    [
        (3, 0, 2, 6),
        (1.5, 0, 1, 1),  # truncated
        (0.5, 0, 1, 0),
        (3, 0, 0, 0),
        (3, 4, 0, 4),
        (3, 4, 1, 4),
        (3, 4, 2, 6),
        (3, 0, 9, 11),  # no more than there are
        (1e300, 0, 1, 19),
        (1, 10**30, 0, 20),
        (0.29, 0, 10, 2),
        (0.7, 0, 10, 7),
    ],
)
def test_the_quota(ratio, min_samples, positives, negatives):
    matches = np.repeat([0, -1], [positives, 20 - positives])
    samples = OHEMSampler(ratio, min_samples)(matches, np.zeros((20, 3)), np.zeros(20))
    assert (samples == 1).sum() == positives
    assert (samples == -1).sum() == negatives


def test_the_quota_is_the_product_of_double_precision_truncated():
    matches = np.repeat([0, -1], 100)
    assert 0.29 * 100 < 29
    samples = OHEMSampler(0.29)(matches, np.zeros((200, 2)), np.zeros(200))
    assert (samples == -1).sum() == 28


def test_the_lowest_index_wins_among_equal_scores():
    matches = np.full((2, 30), -1)
    matches[:, 5] = 0
    samples = OHEMSampler(ratio=3)(matches, np.zeros((2, 30, 4)), np.zeros((2, 30)))
    for row in samples:
        np.testing.assert_array_equal(np.flatnonzero(row == -1), [0, 1, 2])
    # Minus zero and zero are one score.
    logits = np.zeros((4, 2))
    logits[0, 1] = -0.0
    np.testing.assert_array_equal(
        OHEMSampler(1, min_samples=1)([-1] * 4, logits, np.zeros(4)), [-1, 0, 0, 0]
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_finite_logit_has_a_finite_score(dtype):
    largest = float(np.finfo(dtype).max)
    harder = float(np.nextafter(np.array(largest, dtype), np.array(0, dtype)))
    logits = np.array(
        [[largest, -largest], [-largest, harder], [-largest, largest], [0, -largest]], dtype
    )
    sampler, ious = OHEMSampler(1, min_samples=1), np.zeros(4, dtype)
    np.testing.assert_array_equal(sampler([-1] * 4, logits, ious), [0, 0, -1, 0])
    np.testing.assert_array_equal(sampler([-1, -1, 0, -1], logits, ious), [0, -1, 1, 0])


def test_easy_negatives_are_told_apart_where_their_probability_rounds_to_one():
    logits = np.zeros((3, 2), np.float32)
    logits[:, 0] = [60, 50, 70]
    samples = OHEMSampler(1, min_samples=1)([-1, -1, -1], logits, np.zeros(3))
    np.testing.assert_array_equal(samples, [0, -1, 0])


def test_the_threshold_is_rounded_to_the_dtype_of_the_ious():
    matches, logits = [-1], np.zeros((1, 2))
    sampler = OHEMSampler(1, min_samples=1, thresh=0.7)
    for dtype in DTYPES:
        exactly, below = (
            np.array([0.7], dtype),
            np.nextafter(np.array([0.7], dtype), 0, dtype=dtype),
        )
        np.testing.assert_array_equal(sampler(matches, logits, exactly), [0])
        np.testing.assert_array_equal(sampler(matches, logits, below), [-1])


@st.composite
def cases(draw):
    lead = draw(st.sampled_from([(), (1,), (3,)]))
    count, truths = draw(st.integers(0, 25)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (*lead, count)
    matches = np.where(rng.random(shape) < draw(st.sampled_from([0, 0.2, 0.8])), 0, -1)
    ious = rng.integers(0, 9, (*shape, truths)) / 8
    if draw(st.booleans()):
        ious = ious.max(-1, initial=0)
    # Some rows of logits, far apart in score, so that only equal rows have equal scores.
    rows = rng.permutation(np.linspace(-12, 12, 7))[:, None] + rng.integers(0, 2, (7, 3)) / 8
    logits = np.insert(rows, 0, 0, axis=1)[rng.integers(0, 7, shape)]
    parameters = {
        "ratio": draw(st.sampled_from([0.3, 1, 1.5, 3])),
        "min_samples": draw(st.integers(0, 5)),
        "thresh": draw(st.sampled_from([0, 0.25, 0.5, 1])),
    }
    dtype = st.sampled_from(DTYPES)
    return parameters, matches, logits.astype(draw(dtype)), ious.astype(draw(dtype))


@given(cases())
def test_mining_is_what_the_definition_says(case):
    parameters, *inputs = case
    samples = OHEMSampler(**parameters)(*inputs)
    assert samples.dtype == np.int64
    np.testing.assert_array_equal(samples, definition.OHEMSampler(*inputs, **parameters))


@given(cases())
def test_an_image_alone_is_mined_as_in_its_batch(case):
    parameters, matches, logits, ious = case
    if matches.ndim == 2:
        together = OHEMSampler(**parameters)(matches, logits, ious)
        for image, samples in enumerate(together):
            alone = OHEMSampler(**parameters)(matches[image], logits[image], ious[image])
            np.testing.assert_array_equal(alone, samples)


def test_inputs_of_any_layout_stay_as_they_are():
    rng = np.random.default_rng(0)
    matches, ious = rng.integers(-1, 1, (2, 40)), rng.random((2, 40, 3)) / 2
    logits = rng.normal(size=(2, 40, 5))
    expected = OHEMSampler(2)(matches, logits, ious)
    wide = [np.repeat(x, 2, axis=-1)[..., ::2] for x in (matches, logits, ious)]
    fortran = [np.asfortranarray(x) for x in (matches, logits, ious)]
    turned = [np.ascontiguousarray(x[::-1])[::-1] for x in (matches, logits, ious)]
    for inputs in (wide, fortran, turned):
        copies = [x.copy() for x in inputs]
        for x in inputs:
            x.flags.writeable = False
        np.testing.assert_array_equal(OHEMSampler(2)(*inputs), expected)
        for x, copy in zip(inputs, copies, strict=True):
            np.testing.assert_array_equal(x, copy)


def test_no_anchors_no_images_no_ground_truth():
    sampler = OHEMSampler(1, min_samples=1)
    assert sampler(np.zeros((2, 0)), np.zeros((2, 0, 3)), np.zeros((2, 0, 4))).shape == (2, 0)
    assert sampler(np.zeros((0, 5)), np.zeros((0, 5, 3)), np.zeros((0, 5, 4))).shape == (0, 5)
    samples = sampler([-1, -1], np.zeros((2, 3)), np.zeros((2, 0)))
    np.testing.assert_array_equal(samples, [-1, 0])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"ratio": -1}, ValueError, "ratio: expected a number of at least 0, got -1"),
        ({"ratio": -1}, ValueError, "ratio"),
        ({"ratio": np.nan}, ValueError, "ratio is nan"),
        ({"ratio": "3"}, TypeError, "ratio"),
        ({"min_samples": -1}, ValueError, "min_samples"),
        ({"min_samples": 1.5}, TypeError, "min_samples"),
        ({"thresh": 1.1}, ValueError, "thresh: expected a number from 0 to 1, got 1.1"),
        ({"thresh": -0.1}, ValueError, "thresh"),
        ({"thresh": np.inf}, ValueError, "thresh is inf"),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        OHEMSampler(**{"ratio": 3, **parameters})


GOOD = {"matches": np.full((2, 3), -1), "logits": np.zeros((2, 3, 4)), "ious": np.zeros((2, 3, 5))}


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("matches", np.full((2, 3), 0.5), ValueError, r"matches\[0, 0\] is 0.5"),
        ("matches", np.full((2, 3), np.nan), ValueError, r"matches\[0, 0\] is nan"),
        ("matches", np.full((2, 3), "a"), TypeError, "matches"),
        ("matches", np.zeros((2, 3, 1)), ValueError, r"matches: expected \(B, N\) or \(N,\)"),
        ("matches", 0, ValueError, r"matches: expected \(B, N\) or \(N,\)"),
        ("matches", np.zeros((2, 4)), ValueError, "ious"),
        ("logits", np.zeros((2, 3, 1)), ValueError, "at least one class"),
        ("logits", np.zeros((2, 3, 0)), ValueError, "at least one class"),
        ("logits", np.zeros((2, 3)), ValueError, "logits"),
        ("logits", np.zeros((1, 3, 4)), ValueError, "logits"),
        ("logits", np.zeros((2, 3, 4), complex), TypeError, "logits"),
        ("logits", np.full((2, 3, 4), -np.inf), ValueError, r"logits\[0, 0, 0\] is -inf"),
        ("ious", np.full((2, 3, 5), np.nan), ValueError, r"ious\[0, 0, 0\] is nan"),
        ("ious", np.full((2, 3), np.inf), ValueError, r"ious\[0, 0\] is inf"),
        ("ious", np.zeros((2, 4)), ValueError, r"ious: expected \(2, 3\)"),
        ("ious", np.zeros((1, 3, 5)), ValueError, r"ious: expected \(2, 3\)"),
        ("ious", np.zeros(3), ValueError, "ious"),
        ("ious", np.zeros((2, 3, 5), object), TypeError, "ious"),
    ],
)
def test_bad_input(name, value, error, message):
    with pytest.raises(error, match=message):
        OHEMSampler(3)(**{**GOOD, name: value})
    if name == "matches" and "matches" in message and np.ndim(value) == 2:
        with pytest.raises(error, match=message):
            NaiveSampler()(value)

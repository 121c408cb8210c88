from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import QuotaSampler
from refkernels.definition import sampler as definition
from refkernels.sampler.quota import below

DTYPES = ["float16", "float32", "float64"]

# Quantiles of the chi-square distribution at 1 - 1e-6, by degrees of freedom, from the incomplete
# gamma function: mpmath.gammainc(d / 2, x / 2, inf, regularized=True) == 1e-6.
CHI_SQUARE = {19: 63.677, 99: 180.792, 399: 547.947}


def assert_uniform(counts):
    expected = counts.sum() / len(counts)
    assert ((counts - expected) ** 2 / expected).sum() < CHI_SQUARE[len(counts) - 1]


def sampler(**parameters):
    return QuotaSampler(
        **{"num_sample": 4, "pos_thresh": 0.7, "neg_thresh_high": 0.3, **parameters}
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_positive_and_what_is_negative(dtype):
    matches = np.array([0, -1, -1, 2, -1, -1, -1])
    ious = np.array([0.1, 0.7, 0.69, 0.9, 0.3, 0.29, 0.1], dtype)
    everything = sampler(num_sample=100, neg_thresh_low=0.1)
    np.testing.assert_array_equal(everything(matches, ious), [1, 1, 0, 1, 0, -1, -1])


def test_a_positive_is_no_negative_where_the_thresholds_overlap():
    samples = sampler(num_sample=100, pos_thresh=0.3, neg_thresh_high=0.7)([-1, -1], [0.5, 0.2])
    np.testing.assert_array_equal(samples, [1, -1])


def test_the_largest_iou_counts():
    ious = np.array([[0.1, 0.8], [0.29, 0.31], [0.2, 0.1]])
    np.testing.assert_array_equal(sampler(num_sample=100)([-1] * 3, ious), [1, 0, -1])
    np.testing.assert_array_equal(sampler(num_sample=100)([-1] * 3, ious.max(-1)), [1, 0, -1])


def test_over_no_ground_truth_the_largest_iou_is_zero():
    assert (sampler(num_sample=100)([-1] * 3, np.zeros((3, 0))) == -1).all()
    assert (sampler(num_sample=100, pos_thresh=0)([-1] * 3, np.zeros((3, 0))) == 1).sum() == 3


@pytest.mark.parametrize(
    ("parameters", "available", "kept"),
    [
        ({"num_sample": 10}, (50, 50), (5, 5)),
        ({"num_sample": 10}, (2, 50), (2, 8)),  # negatives fill
        ({"num_sample": 10, "fill_negative": False}, (2, 50), (2, 5)),
        ({"num_sample": 10}, (50, 2), (5, 2)),  # positives do not
        ({"num_sample": 10, "pos_ratio": 0.25}, (50, 50), (2, 8)),  # 2.5 to even, then filled
        ({"num_sample": 10, "pos_ratio": 0.35, "fill_negative": False}, (50, 50), (4, 6)),
        ({"num_sample": 10, "pos_ratio": 0.0}, (50, 50), (0, 10)),
        ({"num_sample": 10, "pos_ratio": 1.0}, (50, 50), (10, 0)),
        ({"num_sample": 10, "pos_ratio": 1.0}, (7, 50), (7, 3)),
        ({"num_sample": 10, "neg_ratio": 0.2, "fill_negative": False}, (50, 50), (5, 2)),
        ({"num_sample": 10, "neg_ratio": 0.0}, (9, 50), (5, 5)),
        # 1 - 0.9 is 0.09999999999999998, but a tenth of ten is one.
        ({"num_sample": 10, "pos_ratio": 0.9, "fill_negative": False}, (50, 50), (9, 1)),
        (
            {"num_sample": 100, "pos_ratio": 0.5, "neg_ratio": 0.29, "fill_negative": False},
            (60, 60),
            (50, 29),
        ),
        ({"num_sample": 1}, (5, 5), (0, 1)),  # a half to even
        ({"num_sample": 3}, (5, 5), (2, 1)),
    ],
)
def test_the_quotas(parameters, available, kept):
    positives, negatives = available
    matches = np.repeat([0, -1, -1], [positives, negatives, 7])
    ious = np.repeat([0.5, 0.0, 0.5], [positives, negatives, 7])
    samples = sampler(**parameters)(np.stack([matches] * 2), np.stack([ious] * 2), rng=0)
    for row in samples:
        assert ((row[:positives] == 1).sum(), (row[positives:-7] == -1).sum()) == kept
        assert (row != 0).sum() == sum(kept)


@st.composite
def cases(draw):
    lead = draw(st.sampled_from([(), (1,), (3,)]))
    shape = (*lead, draw(st.integers(0, 30)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matches = np.where(rng.random(shape) < draw(st.sampled_from([0, 0.2, 0.8])), 0, -1)
    ious = rng.integers(0, 11, (*shape, draw(st.integers(0, 3)))) / 10
    if draw(st.booleans()):
        ious = ious.max(-1, initial=0)
    thresholds = st.sampled_from([0, 0.3, 0.5, 0.7, 1])
    pos_ratio = draw(st.sampled_from([0, 0.1, 0.25, 0.5, 0.9, 1]))
    parameters = {
        "num_sample": draw(st.integers(1, 20)),
        "pos_thresh": draw(thresholds),
        "neg_thresh_high": draw(thresholds),
        "neg_thresh_low": draw(st.sampled_from([-np.inf, 0, 0.1, 0.3])),
        "pos_ratio": pos_ratio,
        "neg_ratio": draw(st.none() | st.floats(0, 1 - pos_ratio)),
        "fill_negative": draw(st.booleans()),
    }
    whole = st.sampled_from(["int64", "int8", "float32"])
    return parameters, matches.astype(draw(whole)), ious.astype(draw(st.sampled_from(DTYPES)))


@given(cases(), st.none() | st.integers(0, 2**70))
def test_samples_are_a_subset_that_fills_the_quotas_exactly(case, seed):
    parameters, matches, ious = case
    samples = QuotaSampler(**parameters)(matches, ious, rng=seed)
    candidates, max_pos, max_neg = definition.QuotaSampler(matches, ious, **parameters)
    assert samples.dtype == np.int64
    assert np.isin(samples, [-1, 0, 1]).all()
    np.testing.assert_array_equal(samples, np.where(samples == 0, 0, candidates))
    for kind, quota in ((1, max_pos), (-1, max_neg)):
        kept, there = ((x == kind).sum(-1) for x in (samples, candidates))
        np.testing.assert_array_equal(kept, np.minimum(there, quota))


def many(images):
    """Images of 6 positives and 6 negatives for 3 places each, in turn."""
    return np.tile([0, -1] * 6, (images, 1)), np.zeros((images, 12))


def subset_numbers(samples, kind):
    """The number of the subset of an image's positives or negatives that is kept, of all 20."""
    numbers = {subset: i for i, subset in enumerate(combinations(range(6), 3))}
    columns = samples[:, ::2] if kind == 1 else samples[:, 1::2]
    return np.array([numbers[tuple(np.flatnonzero(row))] for row in columns])


@pytest.mark.parametrize("kind", [1, -1])
def test_every_subset_is_equally_likely_over_images(kind):
    samples = sampler(num_sample=6)(*many(20_000), rng=1)
    assert_uniform(np.bincount(subset_numbers(samples, kind), minlength=20))


@pytest.mark.parametrize("kind", [1, -1])
def test_every_subset_is_equally_likely_over_seeds(kind):
    draw, image = sampler(num_sample=6), many(1)
    samples = np.concatenate([draw(*image, rng=seed) for seed in range(20_000)])
    assert_uniform(np.bincount(subset_numbers(samples, kind), minlength=20))


def test_images_and_kinds_are_drawn_independently():
    samples = sampler(num_sample=6)(*many(40_000), rng=2)
    positives, negatives = subset_numbers(samples, 1), subset_numbers(samples, -1)
    assert_uniform(np.bincount(positives * 20 + negatives, minlength=400))
    assert_uniform(np.bincount(positives[::2] * 20 + positives[1::2], minlength=400))


def test_every_anchor_of_many_is_equally_likely():
    matches = np.full((2_000, 1_000), -1)
    samples = sampler(num_sample=100, neg_thresh_high=1)(matches, np.zeros((2_000, 1_000)), rng=3)
    kept = (samples == -1).sum(0).reshape(100, 10).sum(1)  # in 100 groups of 10 neighbours
    # Without replacement they vary by less than independent draws would.
    assert_uniform(kept)


def test_an_image_draws_the_same_whatever_its_batch():
    rng = np.random.default_rng(0)
    matches, ious = rng.integers(-1, 1, (5, 60)), rng.random((5, 60))
    draw = sampler(num_sample=8, neg_thresh_high=1)
    together = draw(matches, ious, rng=7)
    np.testing.assert_array_equal(draw(matches[:3], ious[:3], rng=7), together[:3])
    np.testing.assert_array_equal(draw(matches[0], ious[0], rng=7), together[0])
    others = matches.copy()
    others[[0, 1, 3, 4]] = -1
    np.testing.assert_array_equal(draw(others, ious, rng=7)[2], together[2])


def test_threads_do_not_change_a_draw():
    matches, ious = many(50)
    draw = sampler(num_sample=6)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda seed: draw(matches, ious, rng=seed), [5] * 16))
    for samples in results:
        np.testing.assert_array_equal(samples, draw(matches, ious, rng=5))


def test_the_rng_is_a_seed_a_generator_or_nothing():
    draw, images = sampler(num_sample=6), many(40)

    def differ(a, b):
        return (a != b).any()

    assert not differ(draw(*images, rng=3), draw(*images, rng=np.int32(3)))
    assert differ(draw(*images, rng=3), draw(*images, rng=4))
    assert differ(draw(*images), draw(*images))
    generator, again = np.random.default_rng(0), np.random.default_rng(0)
    first, second = draw(*images, rng=generator), draw(*images, rng=generator)
    assert differ(first, second)
    assert not differ(draw(*images, rng=again), first)
    assert not differ(draw(*images, rng=again), second)


def test_numpys_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    sampler()(*many(3))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_fixed_seed_keeps_its_draw_from_release_to_release():
    samples = sampler(num_sample=6)(*many(2), rng=0)
    np.testing.assert_array_equal(np.flatnonzero(samples[0]), [0, 1, 2, 5, 9, 10])
    np.testing.assert_array_equal(np.flatnonzero(samples[1]), [2, 3, 4, 5, 7, 8])


def test_inputs_of_any_layout_stay_as_they_are():
    rng = np.random.default_rng(0)
    matches, ious = rng.integers(-1, 1, (3, 40)), rng.random((3, 40, 3))
    draw = sampler(num_sample=9, neg_thresh_high=1)
    expected = draw(matches, ious, rng=1)
    for lay_out in (
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: np.ascontiguousarray(x[::-1])[::-1],
        lambda x: x.astype(x.dtype.newbyteorder(">")),
    ):
        inputs = [lay_out(matches), lay_out(ious)]
        for x in inputs:
            x.flags.writeable = False
        np.testing.assert_array_equal(draw(*inputs, rng=1), expected)
    np.testing.assert_array_equal(draw(matches.tolist(), ious.tolist(), rng=1), expected)


def test_thresholds_are_rounded_to_the_dtype_of_the_ious():
    draw = sampler(num_sample=9, pos_thresh=0.7, neg_thresh_high=0.3, neg_thresh_low=0.1)
    for dtype in DTYPES:
        ious = np.array([0.7, 0.3, 0.1], dtype)
        np.testing.assert_array_equal(draw([-1] * 3, ious), [1, 0, -1])
        below = np.nextafter(ious, 0, dtype=dtype)
        np.testing.assert_array_equal(draw([-1] * 3, below), [0, -1, 0])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"num_sample": 0}, ValueError, "num_sample: expected an integer from 1"),
        ({"num_sample": 2.5}, TypeError, "num_sample"),
        ({"num_sample": True}, TypeError, "num_sample"),
        ({"num_sample": 2**31}, ValueError, "num_sample"),
        ({"pos_thresh": 1.5}, ValueError, "pos_thresh: expected a number from 0 to 1, got 1.5"),
        ({"pos_thresh": np.nan}, ValueError, "pos_thresh is nan"),
        ({"neg_thresh_high": -0.1}, ValueError, "neg_thresh_high"),
        ({"neg_thresh_low": 1.0}, ValueError, "neg_thresh_low: expected a number below 1, or -inf"),
        ({"neg_thresh_low": np.inf}, ValueError, "neg_thresh_low is inf"),
        ({"neg_thresh_low": np.nan}, ValueError, "neg_thresh_low is nan"),
        ({"pos_ratio": 1.01}, ValueError, "pos_ratio"),
        ({"pos_ratio": -0.01}, ValueError, "pos_ratio"),
        ({"neg_ratio": 2}, ValueError, "neg_ratio"),
        ({"pos_ratio": 0.6, "neg_ratio": 0.5}, ValueError, "sum of at most 1, got 1.1"),
        ({"fill_negative": "False"}, TypeError, "fill_negative: expected True or False"),
        ({"fill_negative": None}, TypeError, "fill_negative"),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        sampler(**parameters)


def test_ratios_may_sum_to_one_but_for_rounding():
    sampler(pos_ratio=0.3, neg_ratio=0.7 + 1e-10)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (([0.5], [0.0]), ValueError, r"matches\[0\] is 0.5"),
        (([[[0]]], [0.0]), ValueError, r"matches: expected \(B, N\) or \(N,\), got shape"),
        (([0, 1], [0.0]), ValueError, r"ious: expected \(2,\), the shape of matches"),
        (([[0, 1]], np.zeros((2, 1, 2))), ValueError, "ious"),
        (([0], [np.nan]), ValueError, r"ious\[0\] is nan"),
        (([0, 1], [[0.0, 1], [0, np.inf]]), ValueError, r"ious\[1, 1\] is inf"),
        ((["a"], [0.0]), TypeError, "matches"),
        (([0], [1j]), TypeError, "ious"),
    ],
)
def test_bad_input(inputs, error, message):
    with pytest.raises(error, match=message):
        sampler()(*inputs)


@pytest.mark.parametrize(
    ("rng", "error"),
    [
        (-1, ValueError),
        (1.5, TypeError),
        ("a", TypeError),
        (True, TypeError),
        (np.random.RandomState(0), TypeError),
    ],
)
def test_bad_rng(rng, error):
    with pytest.raises(error, match="rng"):
        sampler()([0], [0.0], rng=rng)


def test_whole_numbers_are_uniform_below_bounds_that_do_not_divide_the_words():
    # A quarter of the words would make the first numbers likelier, and is drawn again.
    bound, state, counts = 3 << 30, 7, np.zeros(3, int)
    for _ in range(3000):
        number, state = below(bound, np.uint64(state))
        counts[number >> 30] += 1
    assert np.square(counts - 1000).sum() / 1000 < 28  # chi-square of 2 degrees, below 1e-6

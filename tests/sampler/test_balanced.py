"""Balanced sampling: the quotas exactly, and lots that are even, by seed and by image."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings

from refkernels import BalancedSampler
from refkernels.conformance.cases import find
from refkernels.definition import sampler as definition

# Quantiles of the chi-square distribution at 1 - 1e-6, by degrees of freedom.
CHI_SQUARE = {19: 63.677, 399: 547.947}


def assert_uniform(counts):
    expected = counts.sum() / len(counts)
    assert ((counts - expected) ** 2 / expected).sum() < CHI_SQUARE[len(counts) - 1]


@pytest.mark.parametrize(
    ("parameters", "available", "kept"),
    [
        ({"num_sample": 10}, (50, 50), (5, 5)),
        ({"num_sample": 10}, (2, 50), (2, 8)),  # negatives fill
        ({"num_sample": 10}, (50, 2), (5, 2)),  # positives do not
        ({"num_sample": 10}, (0, 50), (0, 10)),
        ({"num_sample": 10, "pos_ratio": 0.25}, (50, 50), (2, 8)),  # 2.5 without its fraction
        ({"num_sample": 10, "pos_ratio": 0.35}, (50, 50), (3, 7)),
        ({"num_sample": 10, "pos_ratio": 0.0}, (50, 50), (0, 10)),
        ({"num_sample": 10, "pos_ratio": 1.0}, (50, 50), (10, 0)),
        ({"num_sample": 10, "pos_ratio": 1.0}, (7, 50), (7, 3)),
        # 0.29 of 100 is 28.999999999999996, which counts as 29; a millionth less does not.
        ({"num_sample": 100, "pos_ratio": 0.29}, (60, 90), (29, 71)),
        ({"num_sample": 100, "pos_ratio": 0.29 - 1e-8}, (60, 90), (28, 72)),
        ({"num_sample": 1}, (5, 5), (0, 1)),
        ({"num_sample": 2**31 - 1, "pos_ratio": 1}, (5, 5), (5, 5)),
    ],
)
def test_the_quotas(parameters, available, kept):
    positives, negatives = available
    candidates = np.repeat([1, -1, 0], [positives, negatives, 7])
    samples = BalancedSampler(**parameters)(np.stack([candidates] * 2), rng=0)
    for row in samples:
        found = (row[:positives] == 1).sum(), (row[positives : positives + negatives] == -1).sum()
        assert found == kept
        assert (row != 0).sum() == sum(kept)


@settings(max_examples=60)
@given(find("BalancedSampler").cases())
def test_samples_are_a_subset_that_fills_the_quotas_exactly(case):
    operator = find("BalancedSampler")
    reference = operator.refer(case)
    assert reference.kernel[0].dtype == np.int64
    assert operator.judge(case, reference, reference.kernel) is None


def test_the_quotas_are_filled_from_all_small_sets_of_candidates():
    tried = 0
    for count in range(6):
        for row in product((1, -1, 0), repeat=count):
            candidates = np.array(row, int)
            for num_sample, ratio in product((1, 2, 3, 5), (0, 0.25, 0.5, 2 / 3, 1)):
                samples = BalancedSampler(num_sample, ratio)(candidates, rng=tried)
                facts = definition.BalancedSampler(
                    candidates, num_sample=num_sample, pos_ratio=ratio
                )
                assert samples.tolist() == np.where(samples == 0, 0, candidates).tolist()
                for kind, quota in ((1, facts[1]), (-1, facts[2])):
                    wanted = min(int((candidates == kind).sum()), int(quota))
                    assert (samples == kind).sum() == wanted
                tried += 1
    assert tried == 20 * (3**6 - 1) // 2


def test_the_definition_by_hand():
    rows = np.array([[1, 1, 1, -1, -1, 0], [0, -1, -1, -1, -1, -1]])
    candidates, max_pos, max_neg = definition.BalancedSampler(rows, num_sample=5, pos_ratio=0.5)
    assert candidates.tolist() == rows.tolist()
    assert max_pos.tolist() == [2, 2]
    assert max_neg.tolist() == [3, 5]


def many(images):
    """Images of 6 positives and 6 negatives for 3 places each, in turn."""
    return np.tile([1, -1] * 6, (images, 1))


def subset_numbers(samples, kind):
    """The number of the subset of an image's positives or negatives that is kept, of all 20."""
    numbers = {subset: i for i, subset in enumerate(combinations(range(6), 3))}
    columns = samples[:, ::2] if kind == 1 else samples[:, 1::2]
    return np.array([numbers[tuple(np.flatnonzero(row))] for row in columns])


@pytest.mark.parametrize("kind", [1, -1])
def test_every_subset_is_equally_likely_over_images_and_over_seeds(kind):
    draw = BalancedSampler(6)
    over_images = draw(many(20_000), rng=1)
    over_seeds = np.concatenate([draw(many(1), rng=seed) for seed in range(5_000)])
    for samples in (over_images, over_seeds):
        assert_uniform(np.bincount(subset_numbers(samples, kind), minlength=20))


def test_images_and_kinds_are_drawn_independently():
    samples = BalancedSampler(6)(many(40_000), rng=2)
    positives, negatives = subset_numbers(samples, 1), subset_numbers(samples, -1)
    assert_uniform(np.bincount(positives * 20 + negatives, minlength=400))
    assert_uniform(np.bincount(positives[::2] * 20 + positives[1::2], minlength=400))


def test_an_image_draws_the_same_whatever_its_batch():
    candidates = np.random.default_rng(0).integers(-1, 2, (5, 60))
    draw = BalancedSampler(8)
    together = draw(candidates, rng=7)
    assert (draw(candidates[:3], rng=7) == together[:3]).all()
    assert (draw(candidates[0], rng=7) == together[0]).all()
    others = candidates.copy()
    others[[0, 1, 3, 4]] = -1
    assert (draw(others, rng=7)[2] == together[2]).all()
    # Images are counted over all axes but the last.
    stacked = np.stack([candidates, candidates])
    assert (draw(stacked, rng=7)[0] == together).all()
    assert (draw(stacked, rng=7) == draw(stacked.reshape(10, 60), rng=7).reshape(2, 5, 60)).all()


def test_the_rng_is_a_seed_a_generator_or_nothing():
    draw, images = BalancedSampler(6), many(40)
    assert (draw(images, rng=3) == draw(images, rng=np.int32(3))).all()
    assert (draw(images, rng=3) != draw(images, rng=4)).any()
    assert (draw(images) != draw(images)).any()
    generator, again = np.random.default_rng(0), np.random.default_rng(0)
    first, second = draw(images, rng=generator), draw(images, rng=generator)
    assert (first != second).any()
    assert (draw(images, rng=again) == first).all()


def test_a_fixed_seed_keeps_its_draw_from_release_to_release():
    samples = BalancedSampler(6)(many(2), rng=0)
    # As QuotaSampler draws with this seed.
    assert np.flatnonzero(samples[0]).tolist() == [0, 1, 2, 5, 9, 10]
    assert np.flatnonzero(samples[1]).tolist() == [2, 3, 4, 5, 7, 8]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0)])
def test_no_candidates_are_normal_input(shape):
    samples = BalancedSampler(4)(np.zeros(shape), rng=0)
    assert samples.shape == shape
    assert samples.dtype == np.int64


def test_inputs_of_any_layout_and_whole_dtype_stay_as_they_are():
    candidates = np.random.default_rng(0).integers(-1, 2, (3, 40))
    expected = BalancedSampler(9)(candidates, rng=1)
    for lay_out in (
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: np.ascontiguousarray(x[::-1])[::-1],
        lambda x: x.astype(">i4"),
        lambda x: x.astype(np.float16),
        lambda x: x.astype(np.int8),
    ):
        given = lay_out(candidates)
        given.flags.writeable = False
        assert (BalancedSampler(9)(given, rng=1) == expected).all()
        assert (given == candidates).all()
    assert (BalancedSampler(9)(candidates.tolist(), rng=1) == expected).all()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"num_sample": 0}, ValueError, "num_sample: expected an integer from 1"),
        ({"num_sample": 2.5}, TypeError, "num_sample: expected an integer"),
        ({"num_sample": 2**31}, ValueError, "num_sample: expected an integer from 1"),
        ({"pos_ratio": 1.1}, ValueError, "pos_ratio: expected a number from 0 to 1, got 1.1"),
        ({"pos_ratio": -0.1}, ValueError, "pos_ratio: expected a number from 0 to 1"),
        ({"pos_ratio": math.nan}, ValueError, "pos_ratio is nan"),
        ({"pos_ratio": None}, TypeError, "pos_ratio: expected a real number"),
    ],
)
def test_bad_parameters_are_named(parameters, error, message):
    with pytest.raises(error, match=message):
        BalancedSampler(**{"num_sample": 4, **parameters})


@pytest.mark.parametrize(
    ("candidates", "error", "message"),
    [
        ([1, 2, 0], ValueError, r"candidates\[1\] is 2, expected \+1, -1 or 0"),
        ([[0, 0], [0, -2]], ValueError, r"candidates\[1, 1\] is -2, expected \+1, -1 or 0"),
        ([-(2**63), 0], ValueError, r"candidates\[0\] is -9223372036854775808, expected \+1"),
        ([0.5, 1], ValueError, r"candidates\[0\] is 0.5, expected whole numbers"),
        ([1, np.nan], ValueError, r"candidates\[1\] is nan"),
        (1, ValueError, r"candidates: expected at least 1 axes, got shape \(\)"),
        (["a"], TypeError, "candidates: expected integers or whole floats"),
        (np.array([1j]), TypeError, "candidates: .* complex128"),
        (np.array([1], object), TypeError, "candidates: .* object"),
    ],
)
def test_bad_input_is_named(candidates, error, message):
    with pytest.raises(error, match=message):
        BalancedSampler(4)(candidates)


def test_a_bad_rng_is_named():
    with pytest.raises(TypeError, match="rng"):
        BalancedSampler(4)([1, -1], rng="0")
    with pytest.raises(ValueError, match="rng"):
        BalancedSampler(4)([1, -1], rng=-1)

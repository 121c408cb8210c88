"""The sampler blocks decide as the operators do, and draw as uniformly."""

from itertools import combinations
from typing import Any

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mxnet.gluon.data import DataLoader

import refkernels
from refkernels import gluon
from refkernels.definition import sampler as definition

DTYPES = ["float16", "float32", "float64"]

# Quantiles of chi-square at 1 - 1e-6, as in tests/sampler/test_quota.py.
CHI_SQUARE = {19: 63.677, 399: 547.947}

OHEM = [
    {"ratio": 3},
    {"ratio": 0.3, "min_samples": 2},
    {"ratio": 1.5, "thresh": 0.25},
    {"ratio": 1, "min_samples": 10**20, "thresh": 1},
]
QUOTA = [
    {"num_sample": 8, "pos_thresh": 0.7, "neg_thresh_high": 0.3},
    {"num_sample": 5, "pos_thresh": 0.5, "neg_thresh_high": 0.5, "pos_ratio": 0.25},
    {"num_sample": 9, "pos_thresh": 1, "neg_thresh_high": 1, "neg_thresh_low": 0.2},
    {
        "num_sample": 10,
        "pos_thresh": 0.3,
        "neg_thresh_high": 0.7,
        "neg_thresh_low": -1e9,
        "pos_ratio": 0.1,
        "neg_ratio": 0.29,
        "fill_negative": False,
    },
]


@pytest.fixture(scope="module")
def ohem(run: Any) -> list[tuple[Any, Any]]:
    return [(gluon.OHEMSampler(**p), refkernels.OHEMSampler(**p)) for p in OHEM]


@pytest.fixture(scope="module")
def quota(run: Any) -> list[tuple[Any, dict[str, Any]]]:
    return [(gluon.QuotaSampler(**parameters), parameters) for parameters in QUOTA]


@st.composite
def inputs(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], ...]:
    lead = draw(st.sampled_from([(), (1,), (3,)]))
    shape = (*lead, draw(st.integers(1, 40)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matches = np.where(rng.random(shape) < draw(st.sampled_from([0, 0.1, 0.8])), 0, -1)
    ious = rng.integers(0, 11, (*shape, draw(st.integers(1, 3)))) / 10
    if draw(st.booleans()):
        ious = ious.max(-1)
    # Some rows of logits, far apart in score, so that only equal rows have equal scores.
    rows = rng.permutation(np.linspace(-12, 12, 7))[:, None] + rng.integers(0, 2, (7, 3)) / 8
    logits = np.insert(rows, 0, 0, axis=1)[rng.integers(0, 7, shape)]
    whole = st.sampled_from(["int32", "int64", "int8", *DTYPES])
    real = st.sampled_from(DTYPES)
    return matches.astype(draw(whole)), logits.astype(draw(real)), ious.astype(draw(real))


def test_naive_takes_every_match(run: Any) -> None:
    block = gluon.NaiveSampler()
    for dtype in ["int32", "int64", *DTYPES]:
        samples = run(block, np.array([[3, -1, 0], [-1, -1, 7]], dtype))
        assert samples.dtype == np.float32
        np.testing.assert_array_equal(samples, [[1, -1, 1], [-1, -1, 1]])


@given(drawn=inputs(), which=st.integers(0, len(OHEM) - 1))
def test_mining_decides_as_the_operator_does(run: Any, ohem: Any, drawn: Any, which: int) -> None:
    block, operator = ohem[which]
    samples = run(block, *drawn)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, operator(*drawn))


def test_the_lowest_index_wins_among_many_equal_scores(run: Any, dtype: Any) -> None:
    matches = np.full((2, 3000), -1, dtype)
    matches[:, 2500:2505] = 0
    logits, ious = np.zeros((2, 3000, 4), dtype), np.zeros((2, 3000), dtype)
    logits[0, 2900, 1] = 1
    samples = run(gluon.OHEMSampler(1), matches, logits, ious)
    np.testing.assert_array_equal(np.flatnonzero(samples[0] == -1), [0, 1, 2, 3, 2900])
    np.testing.assert_array_equal(np.flatnonzero(samples[1] == -1), [0, 1, 2, 3, 4])


def test_every_finite_logit_has_a_finite_score(run: Any, dtype: Any) -> None:
    largest = np.finfo(dtype).max
    harder = np.nextafter(largest, dtype.type(0))
    logits = np.array(
        [[largest, -largest], [-largest, harder], [-largest, largest], [0, -largest]], dtype
    )
    block, ious = gluon.OHEMSampler(1, min_samples=1), np.zeros(4, dtype)
    np.testing.assert_array_equal(run(block, np.full(4, -1.0), logits, ious), [0, 0, -1, 0])
    matches = np.array([-1.0, -1, 0, -1])
    np.testing.assert_array_equal(run(block, matches, logits, ious), [0, -1, 1, 0])


def test_a_ratio_of_a_count_is_that_of_double_precision(run: Any) -> None:
    matches = np.repeat([0.0, -1.0], 100)
    samples = run(gluon.OHEMSampler(0.29), matches, np.zeros((200, 2)), np.zeros(200))
    assert (samples == -1).sum() == 28


def test_thresholds_are_rounded_to_the_dtype_of_the_ious(run: Any, dtype: Any) -> None:
    ious = np.array([0.7, 0.3, 0.1], dtype)
    below = np.nextafter(ious, dtype.type(0))
    matches = np.full(3, -1.0)
    block = gluon.QuotaSampler(9, 0.7, 0.3, 0.1)
    np.testing.assert_array_equal(run(block, matches, ious), [1, 0, -1])
    np.testing.assert_array_equal(run(block, matches, below), [0, -1, 0])
    block = gluon.OHEMSampler(1, min_samples=3, thresh=0.7)
    np.testing.assert_array_equal(run(block, matches, np.zeros((3, 2)), ious), [0, -1, -1])
    np.testing.assert_array_equal(run(block, matches, np.zeros((3, 2)), below), [-1, -1, -1])


@given(drawn=inputs(), which=st.integers(0, len(QUOTA) - 1))
def test_samples_are_a_subset_that_fills_the_quotas_exactly(
    run: Any, quota: Any, drawn: Any, which: int
) -> None:
    (block, parameters), (matches, _, ious) = quota[which], drawn
    samples = run(block, matches, ious)
    candidates, max_pos, max_neg = definition.QuotaSampler(matches, ious, **parameters)
    assert samples.dtype == np.float32
    assert np.isin(samples, [-1, 0, 1]).all()
    np.testing.assert_array_equal(samples, np.where(samples == 0, 0, candidates))
    for kind, most in ((1, max_pos), (-1, max_neg)):
        kept, there = ((x == kind).sum(-1) for x in (samples, candidates))
        np.testing.assert_array_equal(kept, np.minimum(there, most))


def many(images: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Return images of 6 positives and 6 negatives for 3 places each, in turn."""
    return np.tile(np.float32([0, -1] * 6), (images, 1)), np.zeros((images, 12), np.float32)


def subset_numbers(samples: Any, kind: int) -> Any:
    """Return the number of the subset of each image that is kept, of all 20."""
    numbers = {subset: i for i, subset in enumerate(combinations(range(6), 3))}
    columns = samples[:, ::2] if kind == 1 else samples[:, 1::2]
    return np.array([numbers[tuple(np.flatnonzero(row))] for row in columns])


def assert_uniform(counts: Any) -> None:
    expected = counts.sum() / len(counts)
    assert ((counts - expected) ** 2 / expected).sum() < CHI_SQUARE[len(counts) - 1]


def test_every_subset_is_equally_likely_and_images_are_independent(run: Any) -> None:
    mx.random.seed(1)
    samples = run(gluon.QuotaSampler(6, 0.7, 0.3), *many(40_000))
    positives, negatives = subset_numbers(samples, 1), subset_numbers(samples, -1)
    assert_uniform(np.bincount(positives, minlength=20))
    assert_uniform(np.bincount(negatives, minlength=20))
    assert_uniform(np.bincount(positives * 20 + negatives, minlength=400))
    assert_uniform(np.bincount(positives[::2] * 20 + positives[1::2], minlength=400))


def test_every_subset_is_equally_likely_over_seeds_and_calls(run: Any) -> None:
    block, images, drawn = gluon.QuotaSampler(6, 0.7, 0.3), many(250), []
    run(block, *images)
    for seed in range(40):
        mx.random.seed(seed)
        drawn += [run(block, *images) for _ in range(2)]
    positives = np.stack([subset_numbers(samples, 1) for samples in drawn])
    assert_uniform(np.bincount(positives.ravel(), minlength=20))
    assert_uniform(np.bincount((positives[::2] * 20 + positives[1::2]).ravel(), minlength=400))


def test_an_image_draws_the_same_whatever_its_batch(run: Any) -> None:
    rng = np.random.default_rng(0)
    matches = rng.integers(-1, 1, (5, 20_000)).astype(np.float32)
    ious = np.zeros((5, 20_000), np.float32)
    block = gluon.QuotaSampler(100, 1, 1)
    run(block, matches, ious)  # an export draws too

    def draw(*arrays: Any) -> Any:
        mx.random.seed(3)
        return run(block, *arrays)

    together = draw(matches, ious)
    np.testing.assert_array_equal(draw(matches[:2], ious[:2]), together[:2])
    np.testing.assert_array_equal(draw(matches[0], ious[0]), together[0])
    others = matches.copy()
    others[[0, 1, 3, 4]] = -1
    np.testing.assert_array_equal(draw(others, ious)[2], together[2])


def test_draws_follow_mxnets_seed_and_differ_from_call_to_call(run: Any) -> None:
    block, images = gluon.QuotaSampler(6, 0.7, 0.3), many(50)
    run(block, *images)  # an export draws too

    def draw() -> Any:
        mx.random.seed(3)
        return run(block, *images), run(block, *images)

    first, second = draw()
    assert (first != second).any()
    np.testing.assert_array_equal(draw(), (first, second))


def test_no_gradient_flows_through_a_sampler() -> None:
    matches = mx.nd.array([[0, -1, -1, 2, -1]])
    logits, ious = mx.nd.random.normal(shape=(1, 5, 3)), mx.nd.random.uniform(shape=(1, 5, 2))
    for block, arrays in (
        (gluon.NaiveSampler(), (matches,)),
        (gluon.OHEMSampler(1), (matches, logits, ious)),
        (gluon.QuotaSampler(2, 0.5, 0.5, 0.1), (matches, ious)),
    ):
        for _ in ("imperative", "hybridised"):
            for array in arrays:
                array.attach_grad()
            with mx.autograd.record():
                loss = (block(*arrays) * 2).sum() + sum((array * 3).sum() for array in arrays)
            loss.backward()
            for array in arrays:
                np.testing.assert_array_equal(array.grad.asnumpy(), 3)
            block.hybridize()


def test_bad_parameters_are_those_of_the_operators() -> None:
    with pytest.raises(ValueError, match="ratio: expected a number of at least 0"):
        gluon.OHEMSampler(-1)
    with pytest.raises(ValueError, match="sum of at most 1"):
        gluon.QuotaSampler(10, 0.5, 0.5, pos_ratio=0.6, neg_ratio=0.5)
    with pytest.raises(ValueError, match="part_index"):
        gluon.SplitSampler(10, 2, 2)
    with pytest.raises(ValueError, match="sort_keys"):
        gluon.SplitSortedBucketSampler([], 2)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_reads_the_part(workers: int) -> None:
    data = [np.float32(10 * i) for i in range(23)]
    sampler = gluon.SplitSampler(23, 2, 1, remainder="spread", seed=0)
    loader = DataLoader(data, 4, sampler=sampler, last_batch="keep", num_workers=workers)
    epochs = [np.concatenate([batch.asnumpy() for batch in loader]) for _ in range(2)]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.arange(12, 23) * 10)
    assert (epochs[0] != epochs[1]).any()
    assert len(loader) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_a_data_loader_reads_the_batches(workers: int) -> None:
    keys = np.random.default_rng(0).integers(0, 50, 37)
    data = list(np.arange(37, dtype=np.float32))
    arguments = {"mult": 2, "num_parts": 2, "part_index": 1, "shuffle": True}
    sampler = gluon.SplitSortedBucketSampler(keys, 5, **arguments)
    loader = DataLoader(data, batch_sampler=sampler, num_workers=workers)
    expected = refkernels.SplitSortedBucketSampler(keys, 5, **arguments)
    for _ in range(2):
        assert [batch.asnumpy().tolist() for batch in loader] == list(expected)
    assert len(loader) == len(expected)

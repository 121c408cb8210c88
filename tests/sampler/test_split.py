from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refkernels import SplitSampler, SplitSortedBucketSampler
from refkernels.definition import sampler as definition

parts = st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))
seeds = st.integers(0, 2**40)


@given(st.integers(0, 40), parts, st.sampled_from(["drop", "spread"]), st.none() | seeds)
def test_an_epoch_yields_each_example_of_the_part_once(length, part, remainder, seed):
    sampler = SplitSampler(length, *part, remainder=remainder, seed=seed)
    expected = definition.SplitSampler(length, *part, remainder=remainder)
    for _ in range(2):
        examples = list(sampler)
        assert sorted(examples) == list(expected)
        assert len(sampler) == len(examples)
        assert all(type(example) is int for example in examples)


def test_the_remainder_is_dropped_or_spread():
    def split(remainder):
        return [sorted(SplitSampler(11, 4, i, remainder=remainder)) for i in range(4)]

    assert split("drop") == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert split("spread") == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10]]


def test_more_parts_than_examples_leave_some_empty():
    assert [len(SplitSampler(2, 3, i)) for i in range(3)] == [0, 0, 0]
    assert [list(SplitSampler(2, 3, i, remainder="spread")) for i in range(3)] == [[0], [1], []]


def test_the_same_seed_and_epoch_give_the_same_order():
    one, two = SplitSampler(50, seed=3), SplitSampler(50, seed=3)
    first, second = list(one), list(one)
    assert first != second
    assert [list(two), list(two)] == [first, second]
    assert list(SplitSampler(50, seed=4)) != first
    one.set_epoch(1)
    assert list(one) == second


def test_without_a_seed_two_samplers_differ():
    assert list(SplitSampler(50)) != list(SplitSampler(50))


def test_every_order_is_equally_likely():
    sampler = SplitSampler(4, seed=0)
    counts = Counter(tuple(sampler) for _ in range(12_000))
    assert len(counts) == 24
    # The quantile of chi-square with 23 degrees of freedom at 1 - 1e-6, as in test_quota.py.
    assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 70.55


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"length": -1}, ValueError, "length: expected an integer of at least 0, got -1"),
        ({"length": 3.5}, TypeError, "length"),
        ({"num_parts": 0}, ValueError, "num_parts: expected an integer of at least 1, got 0"),
        (
            {"part_index": 2, "num_parts": 2},
            ValueError,
            "part_index: expected an integer from 0 to 1",
        ),
        ({"part_index": -1}, ValueError, "part_index"),
        ({"remainder": "keep"}, ValueError, "remainder: expected 'drop' or 'spread', got 'keep'"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": 0.5}, TypeError, "seed"),
    ],
)
def test_bad_parameters_of_the_split_sampler(arguments, error, message):
    with pytest.raises(error, match=message):
        SplitSampler(**{"length": 10, **arguments})


def test_a_bad_epoch():
    with pytest.raises(ValueError, match="epoch"):
        SplitSampler(10).set_epoch(-1)


@st.composite
def bucket_cases(draw):
    keys = draw(st.lists(st.integers(0, 9), min_size=1, max_size=60))
    num_parts, part_index = draw(parts)
    arguments = {
        "batch_size": draw(st.integers(1, 12)),
        "mult": draw(st.sampled_from([1, 1.5, 2, 2.7, 32, 1e300])),
        "num_parts": num_parts,
        "part_index": part_index,
    }
    return keys, arguments


@given(bucket_cases(), seeds)
def test_in_order_batches_are_those_of_the_definition(case, seed):
    keys, arguments = case
    sampler = SplitSortedBucketSampler(keys, **arguments, seed=seed)
    for _ in range(2):
        batches = list(sampler)
        assert len(sampler) == len(batches)
        for up, down in definition.SplitSortedBucketSampler(keys, **arguments):
            bucket, batches = batches[: len(up)], batches[len(up) :]
            assert bucket in (up, down)
        assert not batches


@given(bucket_cases(), seeds)
def test_shuffled_batches_hold_a_part_of_a_permutation(case, seed):
    keys, arguments = case
    batch_size, num_parts = arguments["batch_size"], arguments["num_parts"]
    size = -(-len(keys) // num_parts)
    epochs = [[], []]
    for part in range(num_parts):
        sampler = SplitSortedBucketSampler(
            keys, **{**arguments, "part_index": part}, shuffle=True, seed=seed
        )
        for epoch in epochs:
            batches = list(sampler)
            assert len(sampler) == len(batches)
            assert {len(batch) for batch in batches} == {min(batch_size, size)}
            for batch in batches:
                assert len(set(batch)) == len(batch)
                order = [keys[example] for example in batch]
                assert sorted(order) in (order, order[::-1])
            examples = set(chain(*batches))
            assert len(examples) == size
            epoch.append(examples)
    for epoch in epochs:
        # Parts together hold every example, and overlap in no more than what is reached back for.
        assert set().union(*epoch) == set(range(len(keys)))
        whole = len(keys) // size
        assert len(set().union(*epoch[:whole])) == whole * size


def test_golden_batches():
    keys = [5, 1, 4, 2, 3, 9, 8, 7]
    # One part of 8 in buckets of 6 and 2; the second bucket has to reach back for a batch of 3.
    sampler = SplitSortedBucketSampler(keys, batch_size=3, mult=2)
    first, second, third = sampler
    assert [first, second] in ([[1, 3, 4], [2, 0, 5]], [[5, 0, 2], [4, 3, 1]])
    assert third in ([7, 6, 5], [5, 6, 7])
    # Parts of 3: the last one reaches back to example 5; a part shorter than a batch is one batch.
    for part, expected in enumerate([[1, 2, 0], [3, 4, 5], [7, 6, 5]]):
        (batch,) = SplitSortedBucketSampler(keys, 4, num_parts=3, part_index=part)
        assert batch in (expected, expected[::-1])
    # A short last batch reaches back inside its bucket, of 5: its examples are still the extremes.
    first, second, third = SplitSortedBucketSampler(keys, 3, mult=5 / 3)
    assert {tuple(first), tuple(second)} in (
        {(1, 3, 4), (4, 2, 0)},
        {(0, 2, 4), (4, 3, 1)},
    )
    assert sorted(third) == [5, 6, 7]


def test_both_directions_are_drawn():
    sampler = SplitSortedBucketSampler(range(4), 4)
    counts = Counter(tuple(batch) for _ in range(200) for batch in sampler)
    assert set(counts) == {(0, 1, 2, 3), (3, 2, 1, 0)}
    # The binomial distribution of 200 leaves this interval with a probability below 1e-6.
    assert 65 <= counts[0, 1, 2, 3] <= 135


def test_the_order_of_batches_is_drawn_too():
    firsts = Counter()
    sampler = SplitSortedBucketSampler(range(40), 10, mult=4, shuffle=True)
    for _ in range(100):
        batch = next(iter(sampler))
        firsts[min(batch) // 10] += 1
    assert len(firsts) == 4


def test_the_same_seed_and_epoch_give_the_same_batches():
    keys = np.random.default_rng(0).integers(0, 100, 50)

    def sampler(**arguments):
        return SplitSortedBucketSampler(keys, 5, mult=2, shuffle=True, **arguments)

    one, two = sampler(), sampler()
    first, second = list(one), list(one)
    assert first != second
    assert [list(two), list(two)] == [first, second]
    assert list(sampler(seed=234)) != first
    one.set_epoch(1)
    assert list(one) == second


def test_epochs_may_run_at_the_same_time():
    sampler = SplitSortedBucketSampler(range(20), 2, shuffle=True)
    expected = [list(sampler), list(sampler)]
    sampler.set_epoch(0)
    first, second = iter(sampler), iter(sampler)
    assert [list(second), list(first)] == expected[::-1]


@pytest.mark.parametrize(
    "keys",
    [
        [3, 1, 2],
        (3.5, 1.0, 2.0),
        np.array([3, 1, 2], np.float32),
        [(3, 1), (1, 9), (2, 0)],
        np.array([[3, 1], [1, 9], [2, 0]]),
        ["c", "a", "b"],
    ],
)
def test_keys_are_whatever_sorts(keys):
    (batch,) = SplitSortedBucketSampler(keys, 3)
    assert batch in ([1, 2, 0], [0, 2, 1])


def test_keys_that_change_later_do_not_matter():
    keys = [3, 1, 2]
    sampler = SplitSortedBucketSampler(keys, 3)
    keys[:] = [1, 2, 3]
    (batch,) = sampler
    assert batch in ([1, 2, 0], [0, 2, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"sort_keys": []}, ValueError, "sort_keys: expected a key for each example, got none"),
        ({"sort_keys": 3}, TypeError, "sort_keys: expected a sequence"),
        ({"sort_keys": "abc"}, TypeError, "sort_keys: expected a sequence"),
        ({"sort_keys": [1, "a"]}, TypeError, "sort_keys: the keys do not compare"),
        ({"sort_keys": [1, 2j]}, TypeError, "sort_keys: the keys do not compare"),
        ({"sort_keys": [1.0, np.nan]}, ValueError, r"sort_keys\[1\] is nan"),
        ({"batch_size": 0}, ValueError, "batch_size: expected an integer of at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size"),
        ({"mult": 0.5}, ValueError, "mult"),
        ({"mult": np.inf}, ValueError, "mult is inf"),
        ({"num_parts": 0}, ValueError, "num_parts"),
        ({"part_index": 1}, ValueError, "part_index: expected an integer from 0 to 0, got 1"),
        ({"shuffle": "False"}, TypeError, "shuffle: expected True or False"),
        ({"seed": -1}, ValueError, "seed"),
        ({"seed": None}, TypeError, "seed: expected an integer, got None"),
    ],
)
def test_bad_parameters_of_the_bucket_sampler(arguments, error, message):
    with pytest.raises(error, match=message):
        SplitSortedBucketSampler(**{"sort_keys": [1, 2, 3], "batch_size": 2, **arguments})

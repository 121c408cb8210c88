"""Laws of the samplers of examples: what no single epoch shows of orders that are drawn."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases.chance import chi_square
from refkernels.conformance.spec import Case, Law

__all__ = ["BUCKET_LAWS", "ORDER_LAWS"]

Run = Callable[[Case], tuple[Array, ...]]
Batches = list[list[int]]

SEEDS = 720


class _Strange(ValueError):
    """An epoch is none of those that can be drawn."""


def _law(name: str, check: Callable[[Run], str | None]) -> Law:
    def told(run: Run) -> str | None:
        try:
            return check(run)
        except _Strange as strange:
            return str(strange)

    return Law(name, told)


def _epochs(run: Run, **config: Any) -> Iterator[tuple[Batches, Batches]]:
    """Yield two epochs of a sampler with each of many seeds."""
    for seed in range(SEEDS):
        _, first, first_sizes, second, second_sizes, *_ = run(Case({**config, "seed": seed}, {}))
        yield _cut(first, first_sizes), _cut(second, second_sizes)


def _cut(examples: Array, sizes: Array) -> Batches:
    if (sizes < 1).any() or sizes.sum() != len(examples):
        raise _Strange(f"batches have lengths {sizes.tolist()}, of {len(examples)} examples")
    ends = np.cumsum(sizes)
    return [examples[end - size : end].tolist() for end, size in zip(ends, sizes, strict=True)]


def _numbered(drawn: Sequence[Any], possible: Iterable[Any]) -> Array:
    """Return the number of each thing that is drawn among those that are possible."""
    numbers = {thing: i for i, thing in enumerate(possible)}
    for thing in drawn:
        if thing not in numbers:
            raise _Strange(f"{thing} is drawn, expected one such as {next(iter(numbers))}")
    return np.array([numbers[thing] for thing in drawn])


def _even(numbers: Array, count: int, what: str) -> str | None:
    return chi_square(np.bincount(numbers, minlength=count), what)


def _even_by_epoch_and_seed(drawn: list[tuple[Any, ...]], possible: list[Any]) -> str | None:
    """Hold what two epochs draw to being even, and independent of each other and of the seeds'."""
    first, second = (_numbered(own, possible) for own in zip(*drawn, strict=True))
    count = len(possible)
    return (
        _even(first, count, "first epochs")
        or _even(second, count, "second epochs")
        or _even(first * count + second, count**2, "second epochs against first ones")
        or _even(first[1:] * count + first[:-1], count**2, "first epochs of neighbouring seeds")
    )


def _orders_are_even(run: Run) -> str | None:
    def drawn(count: int) -> list[Any]:
        return [
            tuple(tuple(batch[0] for batch in epoch) for epoch in epochs)
            for epochs in _epochs(run, length=count)
        ]

    return _permutations_are_even(drawn)


def _permutations_are_even(drawn: Callable[[int], list[Any]]) -> str | None:
    """Hold orders of three to being even and independent, and such of four to being even.

    Of three, each comes from any other by turning it round and beginning elsewhere.
    """
    wrong = _even_by_epoch_and_seed(drawn(3), list(permutations(range(3))))
    if wrong is not None:
        return wrong
    first = [epochs[0] for epochs in drawn(4)]
    return _even(_numbered(first, permutations(range(4))), 24, "orders of 4")


def _directions_are_even(run: Run) -> str | None:
    config = {"sort_keys": list(range(8)), "batch_size": 2, "mult": 2}
    numbers = []
    for epochs in _epochs(run, **config):
        # Of each bucket, two batches long, the first batch.
        ups = [batch[0] < batch[1] for epoch in epochs for batch in epoch[::2]]
        numbers.append(int(np.dot(ups, [1, 2, 4, 8])))
    return _even(np.array(numbers), 16, "directions of two buckets in two epochs")


def _batches_are_shuffled(run: Run) -> str | None:
    def drawn(count: int) -> list[Any]:
        config = {"sort_keys": list(range(2 * count)), "batch_size": 2, "mult": count}
        return [
            tuple(tuple(min(batch) // 2 for batch in epoch) for epoch in epochs)
            for epochs in _epochs(run, **config, shuffle=True)
        ]

    return _permutations_are_even(drawn)


def _parts_are_drawn(run: Run) -> str | None:
    config = {"sort_keys": [0] * 6, "batch_size": 2, "num_parts": 3, "shuffle": True}
    parts = [list(_epochs(run, **config, part_index=index)) for index in range(3)]
    drawn = []
    for seed, epochs in enumerate(zip(*parts, strict=True)):
        for name, own in zip(("first", "second"), zip(*epochs, strict=True), strict=True):
            together = sorted(example for part in own for batch in part for example in batch)
            if together != list(range(6)):
                return f"the parts of 6 examples have {together} in the {name} epoch of seed {seed}"
        drawn.append(tuple(tuple(sorted(epoch[0])) for epoch in epochs[0]))
    first, second = (_numbered(own, combinations(range(6), 2)) for own in zip(*drawn, strict=True))
    return (
        _even(first, 15, "examples of the first part")
        or _even(second, 15, "examples of the first part in second epochs")
        or _even(first % 3 * 3 + second % 3, 9, "second epochs against first ones")
    )


def _buckets_are_sorted(run: Run) -> str | None:
    """Look for batches whose keys reach into each other: of one bucket, none do."""
    buckets, size = 4, 4
    keys = np.random.default_rng(0).permutation(64).tolist()
    config = {"sort_keys": keys, "batch_size": size, "mult": 4, "shuffle": True}
    for epochs in _epochs(run, **config):
        for epoch in epochs:
            spans = sorted((min(own), max(own)) for own in ([keys[i] for i in b] for b in epoch))
            depth = max(sum(low <= at < high for low, high in spans) for at in range(64))
            if depth > buckets:
                return f"{depth} batches have keys on both sides of one, of {buckets} buckets"
    return None


ORDER_LAWS = (_law("every order is equally likely, in every epoch", _orders_are_even),)

BUCKET_LAWS = (
    _law("whether a bucket is sorted up or down is drawn", _directions_are_even),
    _law("with shuffle, every order of batches is equally likely", _batches_are_shuffled),
    _law("with shuffle, parts are drawn, and have no example in common", _parts_are_drawn),
    _law("with shuffle, batches of a bucket follow each other by key", _buckets_are_sorted),
)

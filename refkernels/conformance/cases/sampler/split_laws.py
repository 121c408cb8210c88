"""Laws of the samplers of examples: what no single epoch shows of orders that are drawn."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice, pairwise, permutations
from typing import Any

import numpy as np

from refkernels.arrays import Array
from refkernels.conformance.cases.sampler.chance import chi_square, even_subsets, fair_coin, rare
from refkernels.conformance.model.operator import Case, Law
from refkernels.conformance.model.parameters import Parameters, Untried
from refkernels.definition.sampler import SplitSortedBucketSampler

__all__ = ["BUCKET_LAWS", "ORDER_LAWS", "depth_of"]

Run = Callable[..., tuple[Array, ...]]
Batches = list[list[int]]

SEEDS = 720

# Examples, or batches, of which orders are looked at as a whole; and seeds of each.
SIZES = ((20, 40), (300, 20), (5000, 5))

# How many examples are looked at of a sampler that is given, in how many epochs at most.
LOOKED_AT, EPOCHS = 20_000, 200

# The parameters that say which examples a bucket has.
BUCKETS = ("sort_keys", "batch_size", "mult", "num_parts", "part_index")


class _Strange(ValueError):
    """An epoch is none of those that can be drawn."""


def _law(name: str, check: Callable[[Run], str | None]) -> Law:
    """Return a law that chooses the parameters itself, seeds among them."""

    def told(run: Run, parameters: Parameters) -> str | None:
        """Tell how the law is broken, if it is, where no parameters are fixed."""
        if parameters.fixed is not None:
            raise Untried("it takes parameters of its own")
        try:
            return check(run)
        except _Strange as strange:
            return str(strange)

    return Law(name, told)


def _law_of_orders(name: str, check: Callable[[Run, Parameters], str | None]) -> Law:
    def told(run: Run, parameters: Parameters) -> str | None:
        """Tell how the law is broken, if it is, also by an epoch that cannot be drawn."""
        try:
            return check(run, parameters)
        except _Strange as strange:
            return str(strange)

    return Law(name, told)


def _two_epochs(run: Run, config: Mapping[str, Any]) -> tuple[Batches, Batches]:
    _, first, first_sizes, second, second_sizes, *_ = run(Case(config, {}))
    return _cut(first, first_sizes), _cut(second, second_sizes)


def _many_epochs(run: Run, config: Mapping[str, Any]) -> list[Batches]:
    """Return epochs of one sampler, the more the shorter they are."""
    length = max(1, sum(len(batch) for batch in _two_epochs(run, config)[0]))
    epochs = min(max(LOOKED_AT // length, 2), EPOCHS)
    _, *parts = run(Case(config, {}), epochs=epochs)
    return [_cut(*parts[2 * i : 2 * i + 2]) for i in range(epochs)]


def _epochs(run: Run, **config: Any) -> Iterator[tuple[Batches, Batches]]:
    """Yield two epochs of a sampler with each of many seeds."""
    for seed in range(SEEDS):
        yield _two_epochs(run, {**config, "seed": seed})


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
        """Return the orders of `count` examples in two epochs, with each of the seeds."""
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


def _shuffled(orders: Sequence[Array], what: str) -> str | None:
    """Hold orders to having nothing in common with one another, and the first with a straight one.

    In a random order of n, how many things stand where they stand in another, and how many follow
    the same one, is as good as Poisson's, with a mean of 1. Where halves go tells coarser orders.
    """
    count = len(orders[0])
    if count < 2:
        raise Untried("there is one order alone")
    if any(len(order) != count for order in orders):
        raise _Strange(f"{what}: they are of {sorted({len(order) for order in orders})}")
    straight = np.arange(count)
    followed = kept = reversed_ = 0
    halves = np.zeros(4, np.int64)
    for order, other in zip(orders, [straight, *orders[:-1]], strict=True):
        places, others = np.argsort(order), np.argsort(other)
        kept += int((places == others).sum())
        steps = np.diff(order)
        followed += int((steps == 1).sum())
        reversed_ += int((steps == -1).sum())
        early = order < count // 2
        halves += np.bincount(2 * early + (straight < count // 2), minlength=4)
    draws, half = len(orders), count // 2
    # Of a random order, half of each half stays; counts vary as those of subsets do.
    expected = draws * half**2 / count
    deviation = abs(int(halves[3]) - expected)
    variance = draws * half**2 * (count - half) ** 2 / (count**2 * (count - 1))
    return (
        rare(kept, draws, f"{what}: places kept from the order before")
        or rare(followed, draws, f"{what}: steps to the next")
        or rare(reversed_, draws, f"{what}: steps to the last")
        or (
            None
            if deviation**2 <= 24 * variance + 1
            else f"{what}: {halves[3]} of the first half stay in it, expected {expected:.0f}"
        )
    )


def _orders_are_shuffled(run: Run, parameters: Parameters) -> str | None:
    """Look at whole orders, from some twenty examples to thousands, and of what is fixed."""

    def orders(epochs: Iterable[Batches]) -> list[Array]:
        """Return the order of the examples in each epoch, as ranks."""
        drawn = [np.array([batch[0] for batch in epoch], np.int64) for epoch in epochs]
        return [np.argsort(np.argsort(order)) for order in drawn]

    if parameters.fixed is not None:
        drawn = orders(_many_epochs(run, parameters.fixed))
        return _shuffled(drawn, f"{len(drawn)} epochs")
    for count, seeds in SIZES:
        drawn = [
            order
            for seed in range(seeds)
            for order in orders(
                _two_epochs(run, parameters.of_law({"length": count, "seed": seed}))
            )
        ]
        wrong = _shuffled(drawn, f"{len(drawn)} orders of {count}")
        if wrong is not None:
            return wrong
    return None


def _buckets_are_shuffled(run: Run, parameters: Parameters) -> str | None:
    """Look at whole orders of batches, and at the directions of many buckets, likewise."""

    def orders(keys: Sequence[float], epochs: Iterable[Batches]) -> list[Array]:
        """Return the order of the batches in each epoch, as ranks of their keys."""
        held = [[tuple(sorted(keys[i] for i in batch)) for batch in epoch] for epoch in epochs]
        if any(len(set(own)) < len(own) for own in held):
            raise Untried("batches have equal keys, by which they would be told apart")
        ranks = [{batch: rank for rank, batch in enumerate(sorted(own))} for own in held]
        return [
            np.array([rank[batch] for batch in own]) for rank, own in zip(ranks, held, strict=True)
        ]

    def directions(
        config: Mapping[str, Any], epochs: Iterable[Batches], buckets: Sequence[int]
    ) -> list[bool]:
        """Return of each bucket, of so many batches, whether it is sorted up, where keys tell."""
        keys, ups = config["sort_keys"], []
        for epoch in epochs:
            batches = iter(epoch)
            for size in buckets:
                ends = [(keys[batch[0]], keys[batch[-1]]) for batch in islice(batches, size)]
                ups += [first < last for first, last in ends if first != last][:1]
        return ups

    if parameters.fixed is not None:
        config = parameters.fixed
        epochs = _many_epochs(run, config)
        if config.get("shuffle", False):
            keys = config["sort_keys"]
            return _neighbours_are_any(keys, epochs) or _shuffled(
                orders(keys, epochs), f"{len(epochs)} epochs"
            )
        own = {name: value for name, value in config.items() if name in BUCKETS}
        buckets = [len(up) for up, _ in SplitSortedBucketSampler(**own)]
        ups = directions(config, epochs, buckets)
        turns = sum(one != other for one, other in pairwise(ups))
        return fair_coin(sum(ups), len(ups), "buckets that are sorted up") or fair_coin(
            turns, max(len(ups) - 1, 0), "buckets that are sorted otherwise than the last"
        )
    for count, seeds in SIZES:
        keys = list(range(2 * count))
        drawn, ups = [], []
        for seed in range(seeds):
            config = {"sort_keys": keys, "batch_size": 2, "mult": 1, "seed": seed}
            own = parameters.of_law(config)
            ups += directions(own, _two_epochs(run, own), [1] * count)
            shuffled = parameters.of_law({**config, "shuffle": True})
            drawn += orders(keys, _two_epochs(run, shuffled))
        wrong = _shuffled(drawn, f"{len(drawn)} orders of {count} batches") or fair_coin(
            sum(ups), len(ups), "buckets that are sorted up"
        )
        if wrong is not None:
            return wrong
    return None


def _neighbours_are_any(keys: Sequence[float], epochs: Sequence[Batches]) -> str | None:
    """Hold the first two batches of epochs to lying apart by key as often as any two do.

    Those of one bucket always do.
    """
    found = expected = variance = 0.0
    for epoch in epochs:
        held = [[keys[i] for i in batch] for batch in epoch[:1000]]
        low, high = np.array([min(own) for own in held]), np.array([max(own) for own in held])
        if len(held) < 3:
            continue
        apart = (low[:, None] > high) | (high[:, None] < low)
        share = float(apart.sum()) / (len(held) * (len(held) - 1))
        found += float(apart[0, 1])
        expected += share
        variance += share * (1 - share)
    if (found - expected) ** 2 <= 24 * variance + 1:
        return None
    return (
        f"the first two batches lie apart by key in {found:.0f} of {len(epochs)} epochs, "
        f"expected {expected:.0f}"
    )


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
        """Return the orders of `count` batches in two epochs, with each of the seeds."""
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


def _parts_are_any(run: Run, parameters: Parameters) -> str | None:
    """Look at which examples a part has in many epochs, where it is fixed."""
    config = parameters.fixed
    if config is None or not config.get("shuffle", False) or config.get("num_parts", 1) < 2:
        return None
    epochs, count = _many_epochs(run, config), len(config["sort_keys"])
    kept = np.zeros((len(epochs), count), bool)
    for own, epoch in zip(kept, epochs, strict=True):
        examples = [example for batch in epoch for example in batch]
        if not set(examples) <= set(range(count)):
            raise _Strange(f"{examples} are drawn, expected some of {count} examples")
        own[examples] = True
    counts = kept.sum(axis=1)
    if len(set(counts.tolist())) > 1:
        return f"a part has {counts.min()} examples in one epoch, {counts.max()} in another"
    return even_subsets(kept, f"examples of a part in {len(epochs)} epochs")


def depth_of(batches: Sequence[Sequence[float]]) -> int:
    """Return how many batches, given their keys, have keys on both sides of one at most."""
    lows, highs = sorted(map(min, batches)), sorted(map(max, batches))
    return max((bisect_right(lows, at) - bisect_right(highs, at) for at in lows), default=0)


def _buckets_are_sorted(run: Run) -> str | None:
    """Look for batches whose keys reach into each other: of one bucket, none do."""
    buckets, size = 4, 4
    keys = np.random.default_rng(0).permutation(64).tolist()
    config = {"sort_keys": keys, "batch_size": size, "mult": 4, "shuffle": True}
    for epochs in _epochs(run, **config):
        for epoch in epochs:
            depth = depth_of([[keys[i] for i in batch] for batch in epoch])
            if depth > buckets:
                return f"{depth} batches have keys on both sides of one, of {buckets} buckets"
    return None


ORDER_LAWS = (
    _law("every order is equally likely, in every epoch", _orders_are_even),
    _law_of_orders("long orders are shuffled too", _orders_are_shuffled),
)

BUCKET_LAWS = (
    _law("whether a bucket is sorted up or down is drawn", _directions_are_even),
    _law("with shuffle, every order of batches is equally likely", _batches_are_shuffled),
    _law("with shuffle, parts are drawn, and have no example in common", _parts_are_drawn),
    _law_of_orders("with shuffle, a part that is given has any examples", _parts_are_any),
    _law("with shuffle, batches of a bucket follow each other by key", _buckets_are_sorted),
    _law_of_orders("many batches and buckets are shuffled too", _buckets_are_shuffled),
)

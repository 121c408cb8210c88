"""Differences in the samplers of examples, of ``gluoncv.data``."""

from typing import Any

from refkernels.conformance.model.divergence import Divergence, witness
from refkernels.conformance.model.operator import Case
from refkernels.definition import sampler as definitions

__all__ = ["DIVERGENCES"]


def _buckets(case: Case) -> Any:
    config = {k: v for k, v in case.config.items() if k not in ("seed", "shuffle")}
    return definitions.SplitSortedBucketSampler(**config)


def _part(case: Case) -> tuple[int, int, int]:
    """Return where gluoncv's part begins and ends, and how long it should be."""
    length, parts = len(case.config["sort_keys"]), case.config.get("num_parts", 1)
    index, size = case.config.get("part_index", 0), -(-length // parts)
    stop = length if index == parts - 1 else size * (index + 1)
    return stop - size, stop, size


def _reads_beyond(case: Case) -> bool:
    return _part(case)[1] > len(case.config["sort_keys"])


def _sizes(case: Case) -> list[int]:
    """Return the lengths of gluoncv's batches of a part that is inside the examples."""
    size, batch = _part(case)[2], case.config["batch_size"]
    step = int(case.config.get("mult", 32) * batch)
    sizes = []
    for begin in range(0, size, step):
        stop = min(begin + step, size)
        bucket = list(range(size))[stop - batch if stop - begin < batch else begin : stop]
        for first in range(0, len(bucket), batch):
            last = min(first + batch, len(bucket))
            sizes.append(len(bucket[last - batch if last - first < batch else first : last]))
    return sizes


def _loses_examples(case: Case) -> bool:
    expected: list[int] = [len(batch) for up, _ in _buckets(case) for batch in up]
    return not _reads_beyond(case) and _sizes(case) != expected


def _length_is_off(case: Case) -> bool:
    batch: int = case.config["batch_size"]
    return -(-_part(case)[2] // batch) != len(_sizes(case))


def _is_drawn(case: Case) -> bool:
    """Tell whether lots decide anything."""
    if case.config.get("shuffle", False):
        return _part(case)[2] > 1
    return any(bool(up != down) for up, down in _buckets(case))


DIVERGENCES = (
    Divergence(
        "GCV-102",
        "SplitSampler",
        "There is no remainder='spread': of 5 examples in 2 parts the last is in none.",
        lambda case: "remainder" in case.config,
        witness({"length": 1, "remainder": "spread"}),
    ),
    Divergence(
        "GCV-103",
        "SplitSampler",
        "There is no seed: the order comes from Python's global generator.",
        lambda case: "seed" in case.config,
        witness({"length": 1, "seed": 0}),
    ),
    Divergence(
        "GCV-104",
        "SplitSortedBucketSampler",
        "The order and the direction of sorting come from global generators: equal seeds give "
        "other batches.",
        _is_drawn,
        witness({"sort_keys": list(range(20)), "batch_size": 1, "shuffle": True}),
    ),
    Divergence(
        "GCV-105",
        "SplitSortedBucketSampler",
        "len() is not the number of batches where buckets do not divide into batches evenly.",
        _length_is_off,
        witness({"sort_keys": [0] * 4, "batch_size": 2, "mult": 1.5}),
    ),
    Divergence(
        "GCV-106",
        "SplitSortedBucketSampler",
        "A part that begins or ends behind the last example, and is not the last part, raises an "
        "error, or shuffled has too few examples.",
        _reads_beyond,
        witness({"sort_keys": [0], "batch_size": 1, "num_parts": 3, "part_index": 1}),
    ),
    Divergence(
        "GCV-107",
        "SplitSortedBucketSampler",
        "A part that is shorter than a batch reaches back before its start, and loses examples.",
        _loses_examples,
        witness({"sort_keys": [0, 0], "batch_size": 3}),
    ),
)

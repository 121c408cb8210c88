"""Mistakes in the blocks that split a data set, which are the operators under another class."""

import inspect
import textwrap
from typing import Any

from refkernels import sampler
from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]


IMPORTS = "from collections.abc import Iterator\n\nimport numpy as np\n"


def _split(
    kind: Any, old: str, new: str, how: str, meaning: str, method: str = "__iter__"
) -> Mutant:
    """Return a block with a method of its own: that of the operator with one change."""
    source = textwrap.dedent(inspect.getsource(inspect.getattr_static(kind, method)))
    assert source.count(old) == 1, old
    own = textwrap.indent("\n" + source.replace(old, new), "    ")
    head = f"class {kind.__name__}(operators.{kind.__name__}, Sampler):\n"
    return Mutant("sampler.py", head, f"{IMPORTS}\n\n{head}{own}", how, meaning)


def _order(*arguments: str) -> Mutant:
    return _split(sampler.SplitSampler, *arguments)


def _buckets(*arguments: str) -> Mutant:
    return _split(sampler.SplitSortedBucketSampler, *arguments)


PERMUTED = "draw.permutation(len(self))"
DIRECTION = "reverse=bool(draw.integers(2)),"
SHUFFLED = "batches = [batches[i] for i in draw.permutation(len(batches))]"
PART = "examples = self._draw(epoch, 0).permutation(examples)"
BATCH = "batches.append(bucket[first : first + self._batch_size])"

MUTANTS = (
    _order(PERMUTED, "np.arange(len(self))", "no lots", "examples come in order"),
    _order(
        PERMUTED,
        "np.roll(np.arange(len(self)), draw.integers(max(1, len(self))))",
        "uneven lots",
        "an order begins anywhere and goes on from there",
    ),
    _order(
        PERMUTED,
        "np.concatenate([np.arange(min(1, len(self))), 1 + draw.permutation(max(0, len(self) - 1))])",
        "uneven lots",
        "the first example stays the first",
    ),
    _order(
        PERMUTED,
        "np.argsort(draw.integers(len(self) + 1, size=len(self)), kind='stable')",
        "uneven lots",
        "orders are by random keys, some of which are equal",
    ),
    _order("self._next_epoch()", "0", "stale state", "every epoch is the first"),
    _order(
        "draw = self._draw(self._next_epoch(), self._part_index)",
        "draw = np.random.default_rng(self._seed % 16 + self._next_epoch())",
        "uneven lots",
        "an epoch is the first one of the next seed",
    ),
    _buckets(DIRECTION, "reverse=False,", "no lots", "buckets are sorted up"),
    _buckets(
        DIRECTION,
        "reverse=begin > 0,",
        "no lots",
        "the first bucket is sorted up, the others down",
    ),
    _buckets(
        DIRECTION,
        "reverse=bool(self._draw(epoch, 1).integers(2)),",
        "uneven lots",
        "all buckets are sorted in one direction",
    ),
    _buckets(
        DIRECTION,
        "reverse=bool(draw.integers(4)),",
        "uneven lots",
        "buckets are sorted down three times out of four",
    ),
    _buckets(
        DIRECTION,
        "reverse=bool(epoch % 2),",
        "no lots",
        "buckets are sorted up in one epoch and down in the next",
    ),
    _buckets("self._next_epoch()", "0", "stale state", "every epoch is the first"),
    _buckets(SHUFFLED, "pass", "no lots", "batches come in order with shuffle too"),
    _buckets(
        SHUFFLED,
        "batches = batches[::-1] if draw.integers(2) else batches",
        "uneven lots",
        "shuffled batches come forwards or backwards",
    ),
    _buckets(
        SHUFFLED,
        "k = int(draw.integers(len(batches)))\n        batches = batches[k:] + batches[:k]",
        "uneven lots",
        "shuffled batches begin anywhere and go on from there",
    ),
    _buckets(PART, "pass", "no lots", "a shuffled part is a contiguous range"),
    _buckets(
        PART,
        "examples = self._draw(epoch, 1 + self._part_index).permutation(examples)",
        "batch leak",
        "each part is cut from a permutation of its own, so that parts overlap",
    ),
    _buckets(
        PART,
        "examples = self._draw(0, 0).permutation(examples)",
        "stale state",
        "parts are the same in all epochs",
    ),
    _buckets(
        BATCH,
        "rows = part[begin + first : begin + first + self._batch_size]\n"
        "            rows.sort(key=self._keys.__getitem__)\n"
        "            batches.append(\n"
        "                rows if self._shuffle else bucket[first : first + self._batch_size]\n"
        "            )",
        "ignored parameter",
        "with shuffle there are no buckets: batches alone are sorted",
    ),
    _buckets(
        BATCH,
        "batches.append(bucket[first // self._batch_size :: -(-len(bucket) // self._batch_size)])",
        "axis",
        "batches take turns in a bucket",
    ),
)

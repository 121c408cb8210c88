"""Samplers of a data set's examples: which examples this worker reads, and in what order (SPEC 3).

They are plain iterables; each `iter` is one epoch. `refkernels.gluon` makes
``mxnet.gluon.data.Sampler`` of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from refkernels.arrays import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    check_sortable,
    require,
)

__all__ = ["SplitSampler", "SplitSortedBucketSampler"]


class _Epochs:
    """What each `iter` is drawn from: a seed, and an epoch that counts them."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Make the next `iter` that of `epoch`; a new sampler starts at 0, and each `iter` adds 1.

        Parameters
        ----------
        epoch : int
            At least 0. Training that resumes sets it to draw what it would have drawn.
        """
        self._epoch = check_integer("epoch", epoch, low=0, high=None)

    def _next_epoch(self) -> int:
        self._epoch += 1
        return self._epoch - 1

    def _draw(self, epoch: int, part: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, epoch, part])


class SplitSampler(_Epochs):
    """Iterate, shuffled, over one of several contiguous parts of a data set.

    Parts have ``length // num_parts`` examples each. With several workers, each reads its part, and
    no example is read by two of them.

    Parameters
    ----------
    length : int
        The number of examples in the data set.
    num_parts : int, default 1
        The number of parts.
    part_index : int, default 0
        The part to read, in [0, num_parts).
    remainder : {'drop', 'spread'}, default 'drop'
        What becomes of the last ``length mod num_parts`` examples: they are in no part, or the
        first parts have one example more each, so that every example is in one part.
    seed : int, optional
        At least 0. The same seed and epoch give the same order; without one, a seed is drawn when
        the sampler is made.

    Raises
    ------
    TypeError
        If a parameter has the wrong type.
    ValueError
        If a parameter is out of range.

    Notes
    -----
    Each `iter` is the next epoch, in an order of its own; `set_epoch` names it. `len` is the number
    of examples that an epoch yields.

    References
    ----------
    SPEC section 3.

    Examples
    --------
    >>> sampler = SplitSampler(10, num_parts=3, part_index=2, remainder="spread", seed=0)
    >>> len(sampler), sorted(sampler)
    (3, [7, 8, 9])
    """

    def __init__(
        self,
        length: int,
        num_parts: int = 1,
        part_index: int = 0,
        *,
        remainder: str = "drop",
        seed: int | None = None,
    ) -> None:
        length = check_integer("length", length, low=0)
        num_parts, self._part_index = _check_part(num_parts, part_index)
        each, left = divmod(length, num_parts)
        if check_choice("remainder", remainder, ("drop", "spread")) == "drop":
            left = 0
        self._start = each * self._part_index + min(self._part_index, left)
        self._stop = self._start + each + (self._part_index < left)
        if seed is not None:
            seed = check_integer("seed", seed, low=0, high=None)
        super().__init__(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[int]:
        draw = self._draw(self._next_epoch(), self._part_index)
        return iter((self._start + draw.permutation(len(self))).tolist())


class SplitSortedBucketSampler(_Epochs):
    """Iterate over batches of examples with similar keys, such as images of similar shape.

    The data set is cut into parts, a part into buckets of ``int(mult * batch_size)`` examples, each
    sorted by key, and a bucket into batches. So the examples of a batch have similar keys, and
    padding them to a common shape wastes little.

    Parameters
    ----------
    sort_keys : sequence
        A key for each example of the data set: numbers, or anything that sorts, such as tuples.
    batch_size : int
        The number of examples in a batch, at least 1.
    mult : float, default 32
        How many batches make a bucket, at least 1.
    num_parts : int, default 1
        The number of parts. All have ``ceil(length / num_parts)`` examples; one that would pass the
        end of the data set reaches back instead.
    part_index : int, default 0
        The part to read, in [0, num_parts).
    shuffle : bool, default False
        Cut the part from a permutation of the whole data set, drawn from seed and epoch alone (so
        that parts that share a seed do not overlap but for the reach-back), and draw the order of
        its batches too. Without, the part is a contiguous range and its batches come in order.
    seed : int, default 233
        At least 0. The same seed and epoch give the same batches.

    Raises
    ------
    TypeError
        If a parameter has the wrong type, or keys do not compare with each other.
    ValueError
        If a parameter is out of range, there are no keys, or a key is nan or infinity.

    Notes
    -----
    Whether a bucket is sorted up or down is drawn, with `shuffle` or without; examples of equal key
    keep their order. A batch that would be short reaches back to a full one inside its bucket, and
    a bucket shorter than a batch reaches back inside its part, so some examples come twice in an
    epoch; a part shorter than a batch yields one short batch. Every example of the part comes at
    least once. `len` is the number of batches.

    Each `iter` is the next epoch; `set_epoch` names it.

    References
    ----------
    SPEC section 3.

    Examples
    --------
    >>> sampler = SplitSortedBucketSampler([5, 3, 4, 1, 2], batch_size=2, shuffle=True)
    >>> len(sampler), [len(batch) for batch in sampler]
    (3, [2, 2, 2])
    """

    def __init__(
        self,
        sort_keys: Sequence[Any],
        batch_size: int,
        mult: float = 32,
        num_parts: int = 1,
        part_index: int = 0,
        shuffle: bool = False,
        seed: int = 233,
    ) -> None:
        super().__init__(check_integer("seed", seed, low=0, high=None))
        self._keys = check_sortable("sort_keys", sort_keys)
        require(len(self._keys) > 0, "sort_keys: expected a key for each example, got none")
        self._batch_size = check_integer("batch_size", batch_size, low=1)
        mult = check_number("mult", mult, low=1)
        num_parts, self._part_index = _check_part(num_parts, part_index)
        length = len(self._keys)
        self._part_length = -(-length // num_parts)
        self._start = min(self._part_length * self._part_index, length - self._part_length)
        self._bucket_size = int(min(mult * self._batch_size, self._part_length))
        self._shuffle = check_flag("shuffle", shuffle)

    def __len__(self) -> int:
        buckets, rest = divmod(self._part_length, self._bucket_size)
        return buckets * -(-self._bucket_size // self._batch_size) + -(-rest // self._batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        epoch = self._next_epoch()
        examples = np.arange(len(self._keys))
        if self._shuffle:
            examples = self._draw(epoch, 0).permutation(examples)
        part = examples[self._start : self._start + self._part_length].tolist()
        draw = self._draw(epoch, 1 + self._part_index)
        batches = []
        for begin in range(0, self._part_length, self._bucket_size):
            begin = max(0, min(begin, self._part_length - self._batch_size))
            bucket = sorted(
                part[begin : begin + self._bucket_size],
                key=self._keys.__getitem__,
                reverse=bool(draw.integers(2)),
            )
            for first in range(0, len(bucket), self._batch_size):
                first = max(0, min(first, len(bucket) - self._batch_size))
                batches.append(bucket[first : first + self._batch_size])
        if self._shuffle:
            batches = [batches[i] for i in draw.permutation(len(batches))]
        return iter(batches)


def _check_part(num_parts: int, part_index: int) -> tuple[int, int]:
    num_parts = check_integer("num_parts", num_parts, low=1)
    return num_parts, check_integer("part_index", part_index, low=0, high=num_parts - 1)

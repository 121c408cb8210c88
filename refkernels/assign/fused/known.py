"""What the fused kernels know of each anchor while an image is assigned, and by which rules.

A kernel writes to `Scratch` what it learns of an anchor; an anchor that is not marked there is
unmatched, and its largest IoU is below `Rules.relevant`.
"""

from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.jit import jit

__all__ = [
    "BIPARTITE",
    "HIGH",
    "LOW",
    "MAXIMUM",
    "NONE",
    "POSITIVE",
    "SLACK",
    "SMALLEST_AREA",
    "THRESHOLD",
    "UNDECIDED",
    "Rules",
    "Scratch",
    "flags_of",
    "give",
    "is_marked",
    "lowest",
    "mark",
    "new_scratch",
]

MAXIMUM, BIPARTITE, THRESHOLD = 0, 1, 2

# The match of an anchor that is neither matched nor unmatched.
UNDECIDED = -2

# What is known of an anchor: the number of the matcher that matched it, or NONE, and flags for how
# its largest IoU compares to the sampler's thresholds.
NONE = 31
POSITIVE, HIGH, LOW = 32, 64, 128
_FLAGS = POSITIVE | HIGH | LOW

# What underflow can add to a computed IoU beyond its bound times UP, when no area is below
# `SMALLEST_AREA`: products below the normal numbers of float32, over such an area.
SLACK = 1e-14
SMALLEST_AREA = 1e-30

# Each run of 6 bits of a de Bruijn sequence is another one, so the top 6 of its product with a
# power of two tell which power that is (Leiserson, Prokop and Randall 1998).
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_BIT = np.zeros(64, np.int64)
_BIT[[((1 << i) * int(_DE_BRUIJN) & (2**64 - 1)) >> 58 for i in range(64)]] = np.arange(64)


class Rules(NamedTuple):
    """The thresholds of matchers and sampler, in the dtype of the boxes.

    Attributes
    ----------
    matchers : numpy.ndarray, (K, 4)
        For each matcher, in order of precedence: MAXIMUM or BIPARTITE, its threshold, and for a
        bipartite one eps and share_max. Or a single one: THRESHOLD, its upper threshold, the least
        quality, and how low quality is done (`refkernels.assign.fused.quality`).
    relevant : float
        The least positive threshold that an IoU is compared with; infinity if there is none.
    positive, high, low : float
        The sampler's thresholds; `high` is the lower one of a THRESHOLD.
    """

    matchers: Array
    relevant: float
    positive: float
    high: float
    low: float


class Scratch(NamedTuple):
    """What is known of each anchor, kept from call to call, since most of it is never written.

    Attributes
    ----------
    marks : numpy.ndarray, uint64, (ceil(N / 64),)
        A bit for each anchor of which anything is known; for all others the rest is stale.
    taken : numpy.ndarray, uint64, (ceil(N / 64),)
        A bit for each anchor that a bipartite matcher has given away, or that a sampler draws from.
    matches : numpy.ndarray, int32, (N,)
        The matched box, or -1, or UNDECIDED.
    known : numpy.ndarray, uint8, (N,)
        Which matcher did it, and flags.
    before : numpy.ndarray, int32, (ceil(N / 64),)
        How many anchors of a kind come before each word of bits.
    """

    marks: Array
    taken: Array
    matches: Array
    known: Array
    before: Array


def new_scratch(count: int) -> Scratch:
    """Make the scratch of `count` anchors: 5.3 bytes each."""
    words = -(-count // 64)
    return Scratch(
        np.zeros(words, np.uint64),
        np.zeros(words, np.uint64),
        np.empty(count, np.int32),
        np.empty(count, np.uint8),
        np.empty(words, np.int32),
    )


@jit
def is_marked(marks, row):  # type: ignore[no-untyped-def]
    """Return whether the bit of an anchor is set."""
    return (marks[row >> 6] >> np.uint64(row & 63)) & np.uint64(1) != 0


@jit
def lowest(word):  # type: ignore[no-untyped-def]
    """Return the number of the lowest bit that is set."""
    return _BIT[((word & (~word + np.uint64(1))) * _DE_BRUIJN) >> np.uint64(58)]


@jit
def mark(marks, row):  # type: ignore[no-untyped-def]
    """Set the bit of an anchor."""
    marks[row >> 6] |= np.uint64(1) << np.uint64(row & 63)


@jit
def give(rules, scratch, place, row, column):  # type: ignore[no-untyped-def]
    """Match an anchor by the matcher at `place`, unless one that goes before it has done so."""
    if not is_marked(scratch.marks, row):
        mark(scratch.marks, row)
        # Its largest IoU is below every threshold above 0, as 0 is.
        scratch.known[row] = NONE | flags_of(rules, rules.matchers.dtype.type(0))
    if scratch.known[row] & NONE > place:
        scratch.known[row] = scratch.known[row] & _FLAGS | place
        scratch.matches[row] = column


@jit
def flags_of(rules, value):  # type: ignore[no-untyped-def]
    """Return how an anchor's largest IoU compares to the sampler's thresholds."""
    flags = POSITIVE if value >= rules.positive else 0
    flags |= HIGH if value >= rules.high else 0
    flags |= LOW if value < rules.low else 0
    return flags

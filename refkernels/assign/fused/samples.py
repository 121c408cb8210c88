"""From what is known of each anchor to samples, bit for bit as the samplers draw them."""

from typing import NamedTuple

import numpy as np

from refkernels.arrays import Array
from refkernels.assign.fused.known import (
    HIGH,
    LOW,
    NONE,
    POSITIVE,
    SMALLEST_AREA,
    Rules,
    is_marked,
    lowest,
    mark,
)
from refkernels.assign.fused.matching import match
from refkernels.assign.fused.tiles import TILE, UP, coverage_bound
from refkernels.jit import jit
from refkernels.sampler.quota import below, image_state

__all__ = [
    "COMPOSE",
    "DONE",
    "EPS",
    "IGNORED",
    "LABELLED",
    "LARGEST_COORDINATE",
    "MEANS",
    "STDS",
    "Plan",
    "boxes_of",
    "rules_of",
    "solve",
]

# How an image went: as it should, or the composed operators have to do it, or to say what is wrong.
DONE, COMPOSE = 0, 1

# A label to which 1 cannot be added.
LARGEST = np.iinfo(np.int64).max


# Where what is in a plan's reals, and in its integers.
RELEVANT, POSITIVE_FROM, HIGH_FROM, LOW_BELOW, CROWD, EPS, LARGEST_COORDINATE, MEANS = range(8)
STDS = MEANS + 4
QUOTA, MAX_POS, MAX_NEG, FILLED, BASE, LABELLED, IGNORED = range(7)


class Plan(NamedTuple):
    """An assigner's parameters, packed: a kernel takes an array quicker than a number.

    Attributes
    ----------
    matchers : numpy.ndarray, (K, 4)
        As in `refkernels.assign.fused.known.Rules`.
    reals : numpy.ndarray, (15,)
        In the dtype of the boxes, at the places that `RELEVANT` to `STDS` name: relevant, positive,
        high and low of the `Rules`; crowd_thresh; the IoU's eps; the largest coordinate; means and
        stds of the box encoder.
    integers : numpy.ndarray, int64, (7,)
        At the places that `QUOTA` to `IGNORED` name: quota, max_pos, max_neg, filled and base of
        the `Choice`; whether class targets are labels, + 1, or signs; the class target of what is
        ignored.
    """

    matchers: Array
    reals: Array
    integers: Array


class Choice(NamedTuple):
    """How samples are chosen.

    Attributes
    ----------
    quota : int
        Whether there are quotas, and thresholds to be looked at.
    max_pos, max_neg : int
        The quotas.
    filled : int
        How many positives and negatives there may be together, or 0 not to fill with negatives.
    base : int
        The sample of an anchor of which nothing is known, before the quota: -1 or 0.
    crowd_thresh : float
        The share of an anchor that an ignored region must cover more than.
    """

    quota: int
    max_pos: int
    max_neg: int
    filled: int
    base: int
    crowd_thresh: float


# After `_settle`, what is known of a marked anchor is its sample, + 1.


@jit
def rules_of(plan):  # type: ignore[no-untyped-def]
    """Return the thresholds of a plan."""
    reals = plan.reals
    return Rules(
        plan.matchers, reals[RELEVANT], reals[POSITIVE_FROM], reals[HIGH_FROM], reals[LOW_BELOW]
    )


@jit
def boxes_of(given, kept, iou_eps, limit):  # type: ignore[no-untyped-def]
    """Return the boxes of an image that have an extent, filling `kept` with their numbers.

    Also returns whether the fused kernels can take them.
    """
    smallest = given.dtype.type(SMALLEST_AREA)
    boxes = np.empty((given.shape[0], 6), given.dtype)
    count, usable = 0, True
    for column in range(given.shape[0]):
        for k in range(4):
            usable &= abs(given[column, k]) <= limit  # false for nan too
        width = given[column, 2] - given[column, 0]
        height = given[column, 3] - given[column, 1]
        if width > 0 and height > 0:
            area = width * height
            usable &= area >= smallest
            for k in range(4):
                boxes[count, k] = given[column, k]
            boxes[count, 4] = area
            boxes[count, 5] = area + iou_eps
            kept[count] = column
            count += 1
    return boxes[:count], usable


@jit
def _settle(rules, choice, scratch, seed):  # type: ignore[no-untyped-def]
    """Turn what is known into samples; return that of all other anchors."""
    positives, negatives = 0, 0
    for word in range(scratch.marks.shape[0]):
        bits = scratch.marks[word]
        while bits != 0:
            row = word * 64 + lowest(bits)
            bits &= bits - np.uint64(1)
            known = scratch.known[row]
            positive = known & NONE != NONE or known & POSITIVE != 0
            negative = not positive and known & (HIGH | LOW) == 0
            scratch.known[row] = 1 + positive - negative
            positives += positive
            negatives += negative
    if choice.quota == 0:
        return -1
    if choice.base < 0:
        negatives += scratch.matches.shape[0] - _ones(scratch.marks)
    state = seed
    if positives > choice.max_pos:
        state = _draw(scratch, 2, 0, positives, choice.max_pos, state)
    max_neg = max(choice.max_neg, choice.filled - min(positives, choice.max_pos))
    if negatives <= max_neg:
        return choice.base
    _draw(scratch, 0, choice.base, negatives, max_neg, state)
    return 0


@jit
def _ones(words):  # type: ignore[no-untyped-def]
    """Count the bits that are set."""
    count = 0
    for word in words:
        count += _weight(word)
    return count


@jit
def _weight(word):  # type: ignore[no-untyped-def]
    """Count the bits of a word that are set (Warren, "Hacker's Delight", section 5-1)."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@jit
def _draw(scratch, kind, base, count, quota, state):  # type: ignore[no-untyped-def]
    """Keep a random `quota` of the `count` samples of a kind, as `QuotaSampler` draws them.

    That is by a partial shuffle of their list, of which only what is drawn is made here. `base` is
    -1 if anchors that are not marked are of the kind. Returns the next state.
    """
    own, before = scratch.taken, scratch.before
    total = 0  # how many of the kind there are before each word
    for word in range(own.shape[0]):
        mine = ~scratch.marks[word] if base < 0 else np.uint64(0)
        bits = scratch.marks[word]
        while bits != 0:
            row = word * 64 + lowest(bits)
            if scratch.known[row] == kind:
                scratch.known[row] = 1
                mine |= bits & (~bits + np.uint64(1))
            bits &= bits - np.uint64(1)
        own[word] = mine
        before[word] = total
        total += _weight(mine)
    # The list: whole, or where little is drawn only what is not in its own place, as place ->
    # entry by open addressing.
    whole = 16 * quota > count
    size = 1
    while size < 4 * quota:  # each draw looks at two places
        size *= 2
    keys = np.full(0 if whole else size, -1, np.int32)
    entries = np.empty(count if whole else size, np.int32)
    for i in range(count if whole else 0):
        entries[i] = i
    for i in range(quota):
        chosen, state = below(count - i, state)
        place = i + chosen
        if whole:
            slot, first = place, i
        else:
            slot = _slot(keys, entries, place)
            first = _slot(keys, entries, i)
        entry = entries[slot]
        entries[slot] = entries[first]
        row = _nth(own, before, entry)
        if not is_marked(scratch.marks, row):
            mark(scratch.marks, row)
            scratch.matches[row] = -1
        scratch.known[row] = kind
    return state


@jit
def _slot(keys, entries, place):  # type: ignore[no-untyped-def]
    """Return where the entry of a place of the list is; at first it is the place's number."""
    last = keys.shape[0] - 1
    slot = (place * 0x9E3779B1) & last
    while keys[slot] >= 0 and keys[slot] != place:
        slot = (slot + 1) & last
    if keys[slot] < 0:
        keys[slot] = place
        entries[slot] = place
    return slot


@jit
def _nth(marks, before, number):  # type: ignore[no-untyped-def]
    """Return the bit of that number, of those that are set."""
    # No word has more than 64, so it is not before `low`; and near it, if most are set.
    low, high = number >> 6, before.shape[0]
    step = 1
    while low + step < high:
        if before[low + step] > number:
            high = low + step
            break
        low += step
        step *= 2
    while high - low > 1:
        middle = (low + high) >> 1
        if before[middle] <= number:
            low = middle
        else:
            high = middle
    if marks[low] == ~np.uint64(0):
        return low * 64 + number - before[low]
    bits = marks[low]
    for _ in range(number - before[low]):
        bits &= bits - np.uint64(1)
    return low * 64 + lowest(bits)


@jit
def _ignore(tiles, regions, choice, scratch, default):  # type: ignore[no-untyped-def]
    """Set to 0 the negatives of which a region covers more than the threshold."""
    _, columns, rows, bounds, blocks, starts = tiles
    zero, up = columns.dtype.type(0), columns.dtype.type(UP)
    for k in range(regions.shape[0]):
        region = (regions[k, 0], regions[k, 1], regions[k, 2], regions[k, 3])
        for block in range(starts.shape[0] - 1):
            if coverage_bound(blocks, block, region) * up < choice.crowd_thresh:
                continue
            for tile in range(starts[block], starts[block + 1]):
                if coverage_bound(bounds, tile, region) * up < choice.crowd_thresh:
                    continue
                for i in range(TILE):
                    row = np.int64(rows[tile, i])
                    left, top = columns[tile, 0, i], columns[tile, 1, i]
                    right, bottom = columns[tile, 2, i], columns[tile, 3, i]
                    width = max(min(right, region[2]) - max(left, region[0]), zero)
                    height = max(min(bottom, region[3]) - max(top, region[1]), zero)
                    # The shares of the sides, whose product cannot overflow.
                    covered = (width / (right - left)) * (height / (bottom - top))
                    if row < 0 or not covered > choice.crowd_thresh:
                        continue
                    if is_marked(scratch.marks, row):
                        if scratch.known[row] == 0:
                            scratch.known[row] = 1
                    elif default < 0:
                        mark(scratch.marks, row)
                        scratch.matches[row] = -1
                        scratch.known[row] = 1


@jit
def solve(tiles, plan, given, labels, regions, seed, place, scratch, kept):  # type: ignore[no-untyped-def]
    """Find the samples of one image, and write those that differ from a default to `scratch`.

    Parameters
    ----------
    given, labels : (M, 4), (M,)
        The boxes; `kept` (M,) is filled with the numbers of those that have an extent.
    regions : (R, 4)
        Ignored regions.
    seed : uint64
        What draws depend on, with `place`, the image's place in a batch.

    Returns
    -------
    tuple of int
        DONE or COMPOSE; the number of boxes kept; the default sample; the numbers of positives and
        negatives.
    """
    reals, integers = plan.reals, plan.integers
    rules = rules_of(plan)
    choice = Choice(
        integers[QUOTA],
        integers[MAX_POS],
        integers[MAX_NEG],
        integers[FILLED],
        integers[BASE],
        reals[CROWD],
    )
    boxes, usable = boxes_of(given, kept, reals[EPS], reals[LARGEST_COORDINATE])
    for k in range(regions.shape[0]):
        for c in range(4):
            usable &= abs(regions[k, c]) <= reals[LARGEST_COORDINATE]
    for column in range(labels.shape[0]):
        usable &= labels[column] < LARGEST
    if not usable:
        return COMPOSE, len(boxes), 0, 0, 0
    match(tiles, boxes, rules, scratch)
    default = _settle(rules, choice, scratch, image_state(seed, place))
    if regions.shape[0]:
        _ignore(tiles, regions, choice, scratch, default)
    status, positives, negatives, marked = DONE, 0, 0, 0
    for word in range(scratch.marks.shape[0]):
        bits = scratch.marks[word]
        while bits != 0:
            row = word * 64 + lowest(bits)
            bits &= bits - np.uint64(1)
            marked += 1
            negatives += scratch.known[row] == 0
            if scratch.known[row] == 2:
                positives += 1
                if scratch.matches[row] < 0:
                    status = COMPOSE  # to raise what the encoders raise
    if default < 0:
        negatives += scratch.matches.shape[0] - marked
    return status, len(boxes), default, positives, negatives

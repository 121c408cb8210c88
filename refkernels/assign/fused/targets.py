"""From samples to targets, written where they differ from the default."""

import numpy as np

from refkernels.assign.fused.known import Scratch, lowest
from refkernels.assign.fused.samples import DONE, IGNORED, LABELLED, MEANS, STDS, Plan, solve
from refkernels.assign.fused.tiles import Tiles
from refkernels.coder.offsets import center_form, encode_box
from refkernels.jit import jit, next_number

__all__ = ["NEGATIVES", "OTHERS", "emit_sparse", "solve_dense", "solve_listed"]

# Anchors that are written in one go: some 100 kB of targets, a multiple of 64.
PIECE = 2048

# What anchors are that are listed beside positives: a sample, + 1, as `solve` leaves it.
NEGATIVES, OTHERS = 0, 1


@jit
def solve_dense(*arrays):  # type: ignore[no-untyped-def]
    """Assign images of a batch, until no number of one is left.

    Parameters
    ----------
    *arrays
        Those of `Tiles`, `Plan` and `Scratch`, one by one, since Numba takes longer to tell what is
        in a tuple than a small image takes; then:

        - boxes, labels, regions, (sum of M, 4), (sum of M,), (sum of R, 4): those of all images,
          one after the other;
        - places, uint64, (B + 1, 4): where each image's boxes and regions begin, its place in the
          batch, and the seed;
        - counter, int64, (1,): the number of the next image, shared by the threads that share the
          batch;
        - cls_targets, box_targets, box_masks, matches, samples, (B, N, ...): filled where they are
          those images';
        - results, int64, (B, 2): filled likewise, with DONE or COMPOSE, and the number of boxes
          that have no extent.

    Returns
    -------
    bool
        Whether there is no COMPOSE and no box without extent.
    """
    tiles, plan, scratch = Tiles(*arrays[:6]), Plan(*arrays[6:9]), Scratch(*arrays[9:14])
    boxes, labels, regions, places, counter = arrays[14:19]
    cls_targets, box_targets, box_masks, matches, samples, results = arrays[19:]
    fine = True
    one = box_targets.dtype.type(1)
    count = tiles.anchors.shape[0]
    while True:
        image = next_number(counter)
        if image >= results.shape[0]:
            return fine
        first, last = np.int64(places[image, 0]), np.int64(places[image + 1, 0])
        given, names = boxes[first:last], labels[first:last]
        kept = np.empty(last - first, np.int64)
        status, count_kept, default, _, _ = solve(
            tiles,
            plan,
            given,
            names,
            regions[np.int64(places[image, 1]) : np.int64(places[image + 1, 1])],
            places[image, 3],
            places[image, 2],
            scratch,
            kept,
        )
        results[image, 0] = status
        results[image, 1] = last - first - count_kept
        fine &= status == DONE and results[image, 1] == 0
        if status != DONE:
            continue
        background = _class_target(plan.integers, default, 0)
        # Piece by piece: what differs from the defaults is written while these are in cache.
        for start in range(0, count, PIECE):
            end = min(start + PIECE, count)
            cls_targets[image, start:end] = background
            box_targets[image, start:end] = 0
            box_masks[image, start:end] = 0
            matches[image, start:end] = -1
            samples[image, start:end] = default
            for word in range(start // 64, (end + 63) // 64):
                bits = scratch.marks[word]
                while bits != 0:
                    row = word * 64 + lowest(bits)
                    bits &= bits - np.uint64(1)
                    sample = np.int64(scratch.known[row]) - 1
                    column = np.int64(scratch.matches[row])
                    if sample == default and column == -1:
                        continue
                    label = 0
                    if column >= 0:
                        column = kept[column]
                        label = names[column]
                    samples[image, row] = sample
                    matches[image, row] = column
                    cls_targets[image, row] = _class_target(plan.integers, sample, label)
                    if sample > 0:
                        target = _box_target(tiles, plan, given, row, column)
                        for k in range(4):
                            box_targets[image, row, k] = target[k]
                            box_masks[image, row, k] = one


@jit
def emit_sparse(  # type: ignore[no-untyped-def]
    tiles,
    plan,
    given,
    labels,
    default,
    scratch,
    kept,
    positives,
    matches,
    cls_targets,
    box_targets,
    listed,
    kind,
):
    """Write what `solve` has left in `scratch`, in ascending order.

    That is the positives, and in `listed` the anchors of one more kind: NEGATIVES or OTHERS.
    """
    found, others = 0, 0
    count = tiles.anchors.shape[0]
    for word in range(scratch.marks.shape[0]):
        marked = scratch.marks[word]
        first, last = word * 64, min(word * 64 + 64, count)
        bits = marked
        if default + 1 == kind:
            if marked == 0:
                rest = listed[others : others + last - first]
                for i in range(last - first):
                    rest[i] = first + i
                others += last - first
                continue
            bits = ~np.uint64(0) >> np.uint64(64 - (last - first))
        while bits != 0:
            bit = bits & (~bits + np.uint64(1))
            row = first + lowest(bits)
            bits ^= bit
            sample = scratch.known[row] if marked & bit != 0 else kind
            if sample == 2:
                column = kept[scratch.matches[row]]
                positives[found] = row
                matches[found] = column
                cls_targets[found] = _class_target(plan.integers, 1, labels[column])
                target = _box_target(tiles, plan, given, row, column)
                for k in range(4):
                    box_targets[found, k] = target[k]
                found += 1
            elif sample == kind:
                listed[others] = row
                others += 1


@jit
def solve_listed(  # type: ignore[no-untyped-def]
    tiles, plan, boxes, labels, regions, places, first, last, kind, scratch
):
    """Assign the images of a batch from `first` to `last`, and write one after the other.

    Parameters
    ----------
    boxes, labels, regions, places
        As for `solve_dense`.
    kind : int
        Which anchors are listed beside positives: NEGATIVES or OTHERS.

    Returns
    -------
    results : int64, (last - first, 4)
        DONE or COMPOSE, the number of boxes that have no extent, and those of positives and listed
        anchors, which are 0 with COMPOSE.
    positives, matches, cls_targets, box_targets, listed
        As in `SparseTargets`, of all these images; with room at their ends.
    """
    results = np.zeros((last - first, 4), np.int64)
    positives = np.empty(0, np.int64)
    matches = np.empty(0, np.int64)
    cls_targets = np.empty(0, np.int64)
    box_targets = np.empty((0, 4), boxes.dtype)
    listed = np.empty(0, np.int64)
    found, others = 0, 0
    for image in range(first, last):
        start, end = np.int64(places[image, 0]), np.int64(places[image + 1, 0])
        given, names = boxes[start:end], labels[start:end]
        kept = np.empty(end - start, np.int64)
        status, count, default, positive, negative = solve(
            tiles,
            plan,
            given,
            names,
            regions[np.int64(places[image, 1]) : np.int64(places[image + 1, 1])],
            places[image, 3],
            places[image, 2],
            scratch,
            kept,
        )
        own = results[image - first]
        own[0], own[1] = status, end - start - count
        if status != DONE:
            continue
        own[2] = positive
        own[3] = negative if kind == NEGATIVES else len(tiles.anchors) - positive - negative
        to, upto = found + own[2], others + own[3]
        positives, matches = _with_room(positives, to), _with_room(matches, to)
        cls_targets, box_targets = _with_room(cls_targets, to), _with_room(box_targets, to)
        listed = _with_room(listed, upto)
        emit_sparse(
            tiles,
            plan,
            given,
            names,
            default,
            scratch,
            kept,
            positives[found:to],
            matches[found:to],
            cls_targets[found:to],
            box_targets[found:to],
            listed[others:upto],
            kind,
        )
        found, others = to, upto
    return results, positives, matches, cls_targets, box_targets, listed


@jit
def _with_room(array, length):  # type: ignore[no-untyped-def]
    """Return an array of at least this length that begins like `array`."""
    if length <= array.shape[0]:
        return array
    larger = np.empty((max(length, 2 * array.shape[0]), *array.shape[1:]), array.dtype)
    larger[: array.shape[0]] = array
    return larger


@jit
def _class_target(integers, sample, label):  # type: ignore[no-untyped-def]
    if sample > 0:
        return label + 1 if integers[LABELLED] != 0 else 1
    return 0 if sample < 0 else integers[IGNORED]


@jit
def _box_target(tiles, plan, given, row, column):  # type: ignore[no-untyped-def]
    return encode_box(
        center_form(tiles.anchors[row]),
        center_form(given[column]),
        plan.reals[MEANS:STDS],
        plan.reals[STDS : STDS + 4],
    )

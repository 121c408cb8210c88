"""What an assignment gives: the targets of every anchor, or of those that are positive."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from refkernels.arrays import Array, shown

__all__ = [
    "SparseTargets",
    "Targets",
    "arrays_of",
    "empty_arrays",
    "empty_sparse",
    "layout_of",
    "owner",
    "sparse_of",
    "targets_of",
]


@dataclass(slots=True, eq=False)
class Targets:
    """The targets of every anchor; all arrays begin with B if a batch was given.

    Attributes
    ----------
    cls_targets : numpy.ndarray, int64, (N,)
        What the class encoder gives.
    box_targets, box_masks : numpy.ndarray, (N, 4)
        What the box encoder gives, in the assigner's dtype.
    matches : numpy.ndarray, int64, (N,)
        The number of the matched box among those given, or -1.
    samples : numpy.ndarray, int64, (N,)
        1 positive, -1 negative, 0 ignored.
    dropped : int or numpy.ndarray of int64, (B,)
        How many boxes had no extent.
    """

    cls_targets: Array
    box_targets: Array
    box_masks: Array
    matches: Array
    samples: Array
    dropped: Any = 0


@dataclass(slots=True, eq=False)
class SparseTargets:
    """The targets of one image's positive anchors, and which anchors are negative.

    Attributes
    ----------
    positives : numpy.ndarray, int64, (P,)
        Ascending indices of anchors.
    matches, cls_targets : numpy.ndarray, int64, (P,)
        Those of the positives.
    box_targets : numpy.ndarray, (P, 4)
        Those of the positives, in the assigner's dtype.
    negatives : numpy.ndarray, int64, (Q,)
        Ascending indices of anchors. What is neither positive nor negative is ignored.
    dropped : int
        How many boxes had no extent.
    """

    positives: Array
    matches: Array
    cls_targets: Array
    box_targets: Array
    negatives: Array
    dropped: int = 0


def arrays_of(
    out: Targets, layouts: dict[str, tuple[tuple[int, ...], np.dtype[Any]]], image: bool
) -> list[Array]:
    """Return the arrays of `out`, with a batch axis.

    Parameters
    ----------
    out : Targets
    layouts : dict of str to (tuple of int, numpy.dtype)
        The shape, with a batch axis, and the dtype that each must have.
    image : bool
        Whether they are those of one image, without a batch axis.

    Returns
    -------
    list of numpy.ndarray

    Raises
    ------
    TypeError, ValueError
        If they are not what a kernel can write to, or share memory.
    """
    if not isinstance(out, Targets):
        raise TypeError(f"out: expected Targets, got {type(out).__name__}")
    arrays = {}
    for name, (layout, dtype) in layouts.items():
        array = getattr(out, name)
        shape = layout[1:] if image else layout
        real = isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)
        fits = (
            real
            and (array.shape, array.dtype) == (shape, dtype)
            and array.flags.carray  # contiguous, aligned and writeable
        )
        if not fits:
            found = f"{array.dtype} of shape {array.shape}" if real else shown(array)
            raise ValueError(
                f"out.{name}: expected a C-contiguous array of {dtype} of shape {shape} that "
                f"can be written, got {found}"
            )
        arrays[name] = np.asarray(array).reshape(layout)
    # Arrays share memory only if they are of the same one, and telling that is quick.
    owners = [owner(array) for array in arrays.values()]
    for (i, one), (j, other) in combinations(enumerate(arrays), 2):
        if owners[i] is owners[j] and np.may_share_memory(arrays[one], arrays[other]):
            raise ValueError(f"out.{other}: expected memory of its own, got that of out.{one}")
    return list(arrays.values())


def layout_of(
    size: int, count: int, dtype: np.dtype[Any]
) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return shapes and dtypes of the targets of `size` images and `count` anchors, by name."""
    rows, whole = (size, count), np.dtype(np.int64)
    return {
        "cls_targets": (rows, whole),
        "box_targets": ((*rows, 4), dtype),
        "box_masks": ((*rows, 4), dtype),
        "matches": (rows, whole),
        "samples": (rows, whole),
    }


def empty_arrays(size: int, count: int, dtype: np.dtype[Any]) -> list[Array]:
    """Make arrays of these shapes, in that order."""
    # Two blocks: memory that is given back in one piece is kept for the next call, while five
    # arrays of some MB each go back to the system, and cost ten times as much to get again.
    whole = np.empty((3, size, count), np.int64)
    real = np.empty((2, size, count, 4), dtype)
    return [whole[0], real[0], real[1], whole[1], whole[2]]


def targets_of(arrays: Any, dropped: Any) -> Targets:
    """Return targets of such arrays, in that order."""
    cls_targets, box_targets, box_masks, matches, samples = arrays
    return Targets(cls_targets, box_targets, box_masks, matches, samples, dropped)


def empty_sparse(
    positives: int, negatives: int, dtype: np.dtype[Any]
) -> tuple[Array, Array, Array, Array, Array]:
    """Make the arrays of `SparseTargets`, for so many anchors."""
    return (
        np.empty(positives, np.int64),
        np.empty(positives, np.int64),
        np.empty(positives, np.int64),
        np.empty((positives, 4), dtype),
        np.empty(negatives, np.int64),
    )


def sparse_of(
    cls_targets: Array, box_targets: Array, box_masks: Array, matches: Array, samples: Array
) -> SparseTargets:
    """Return the sparse form of an image's targets."""
    rows, negatives = np.flatnonzero(samples > 0), np.flatnonzero(samples < 0)
    return SparseTargets(rows, matches[rows], cls_targets[rows], box_targets[rows], negatives)


def owner(array: Array) -> Any:
    """Return what the memory of an array belongs to."""
    return array if array.base is None else array.base

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
    "owner",
    "sparse_of",
    "targets_of",
]


WHOLE = np.dtype(np.int64)


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
    out: Targets, size: int, count: int, dtype: np.dtype[Any], *, image: bool
) -> tuple[list[Array], list[int]]:
    """Return the arrays of `out`, with a batch axis, and the ids of what their memory belongs to.

    Parameters
    ----------
    out : Targets
    size, count : int
        How many images and anchors they must be of.
    dtype : numpy.dtype
        That of the boxes.
    image : bool
        Whether they are those of one image, without a batch axis.

    Returns
    -------
    list of numpy.ndarray, list of int

    Raises
    ------
    TypeError, ValueError
        If they are not what a kernel can write to, or share memory.
    """
    if not isinstance(out, Targets):
        raise TypeError(f"out: expected Targets, got {type(out).__name__}")
    rows = (count,) if image else (size, count)
    boxes = (*rows, 4)
    layouts = (
        ("cls_targets", rows, WHOLE),
        ("box_targets", boxes, dtype),
        ("box_masks", boxes, dtype),
        ("matches", rows, WHOLE),
        ("samples", rows, WHOLE),
    )
    arrays, owners = [], []
    for name, shape, kind in layouts:
        array = getattr(out, name)
        if type(array) is not np.ndarray and _is_plain(array):
            array = np.asarray(array)
        # Those that have the flag are contiguous, aligned and writeable.
        if (
            type(array) is not np.ndarray
            or array.shape != shape
            or array.dtype != kind
            or not array.flags.carray
        ):
            real = type(array) is np.ndarray
            found = f"{array.dtype} of shape {array.shape}" if real else shown(array)
            raise ValueError(
                f"out.{name}: expected a C-contiguous array of {kind} of shape {shape} that "
                f"can be written, got {found}"
            )
        base = array.base
        owners.append(id(array if base is None else base))
        arrays.append(array[None] if image else array)
    # Arrays share memory only if they are of the same one, and telling that is quick.
    if len(set(owners)) < len(owners):
        for i, j in combinations(range(len(arrays)), 2):
            if owners[i] == owners[j] and np.may_share_memory(arrays[i], arrays[j]):
                one, other = layouts[i][0], layouts[j][0]
                raise ValueError(f"out.{other}: expected memory of its own, got that of out.{one}")
    return arrays, owners


def _is_plain(array: Any) -> bool:
    """Return whether an array, of whatever class, has no mask."""
    return isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)


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

"""Which anchors an image's objects got, as the assigners of several packages say it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refkernels.arrays import Array, shown

__all__ = ["Assigned", "assigned_of"]


@dataclass(frozen=True, eq=False)
class Assigned:
    """The matched anchors of one image.

    Attributes
    ----------
    anchors : numpy.ndarray, int32, (P,)
        Their numbers, ascending.
    objects : numpy.ndarray, int32, (P,)
        The object of each.
    """

    anchors: Array
    objects: Array

    def drift(self, earlier: "Assigned") -> float:
        """Return which share of the anchors matched in either is not matched alike in both."""
        both, own, other = np.intersect1d(
            self.anchors, earlier.anchors, assume_unique=True, return_indices=True
        )
        same = int((self.objects[own] == earlier.objects[other]).sum())
        either = len(self.anchors) + len(earlier.anchors) - len(both)
        return 1 - same / either if either else 0.0


def assigned_of(result: Any) -> list[Assigned]:
    """Read what an assigner returned, as one or several images.

    Parameters
    ----------
    result : object
        Matches (N,) or (B, N), the object of each anchor or a negative number, as torchvision's
        matchers give them; `Targets` of this package; what mmdetection's assigners return, which
        count objects from 1 (``gt_inds``); the five tensors of ultralytics' assigners; or for each
        image the matched queries and their objects, as DETR's matchers do.

    Returns
    -------
    list of Assigned

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if hasattr(result, "gt_inds"):
        return _dense(_array(result.gt_inds) - 1)
    if hasattr(result, "matches") and hasattr(result, "samples"):
        samples, matches = _array(result.samples), _array(result.matches)
        return _dense(np.where(samples > 0, matches, -1))
    if isinstance(result, (list, tuple)):
        if len(result) == 5 and _array(result[3]).dtype == bool:
            return _dense(np.where(_array(result[3]), _array(result[4]), -1))
        if all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in result):
            return [_pairs(*pair) for pair in result]
    found = _array(result)
    if found.dtype.kind in "iu" and found.ndim in (1, 2):
        return _dense(found)
    raise TypeError(
        "expected matches (N,) or (B, N), or the result of an assigner of torchvision, "
        f"mmdetection, ultralytics or DETR, got {shown(result)}"
    )


def _dense(matches: Array) -> list[Assigned]:
    rows: Iterable[Array] = matches.astype(np.int32, copy=False)
    if matches.ndim == 1:
        rows = [matches.astype(np.int32, copy=False)]
    found = []
    for row in rows:
        anchors = np.flatnonzero(row >= 0).astype(np.int32)
        found.append(Assigned(anchors, row[anchors]))
    return found


def _pairs(anchors: Any, objects: Any) -> Assigned:
    own = _array(anchors).astype(np.int32)
    order = np.argsort(own)
    return Assigned(own[order], _array(objects).astype(np.int32)[order])


def _array(value: Any) -> Array:
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)

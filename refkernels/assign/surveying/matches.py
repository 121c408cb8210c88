"""How many anchors each object is matched with, and its best IoU with any, of many images."""

from dataclasses import replace
from typing import Any

import numpy as np

from refkernels.arrays import Array, rounded_to_computing
from refkernels.assign.assigner import TargetAssigner
from refkernels.assign.fused.counts import best_ious, count_matches
from refkernels.assign.fused.known import new_scratch
from refkernels.assign.fused.plan import are_usual, largest_coordinate, make_plan
from refkernels.assign.fused.samples import DONE
from refkernels.assign.fused.tiles import build_tiles
from refkernels.assign.threads import Workers
from refkernels.assign.unguarded import UnguardedMatcher
from refkernels.bbox import BBoxBatchIOU
from refkernels.matcher import ThresholdMatcher
from refkernels.sampler import NaiveSampler

__all__ = ["Matches"]

# Anchors for which IoUs are made at once, where it has to be by the matrix.
ROWS = 65536


class Matches:
    """What an assigner matches, before its sampler draws.

    Parameters
    ----------
    assigner : TargetAssigner
    threads : int, default 1
        How many threads share the images of a call.

    Raises
    ------
    ValueError
        If the assigner looks at predictions, which annotations have none of.

    Examples
    --------
    >>> assigner = TargetAssigner([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 8.0]])
    >>> counts, best = Matches(assigner)([np.array([[0, 0, 10, 10], [5, 5, 9, 9]], np.float32)])
    >>> counts, best
    (array([1, 1]), array([1.  , 0.16], dtype=float32))
    """

    def __init__(self, assigner: TargetAssigner, threads: int = 1) -> None:
        if assigner.predicts:
            raise ValueError(
                f"{assigner.name}: looks at predictions, and a survey of annotations has none"
            )
        self.assigner = assigner
        self._tiles = build_tiles(assigner.anchors)
        self._free = np.zeros(-(-len(assigner) // 64), np.uint64)
        self._workers = Workers(threads)
        operators = assigner.operators
        # What is unguarded differs only where a box overlaps nothing.
        self._guarded = type(operators.matcher) is UnguardedMatcher
        if self._guarded:
            bare: Any = operators.matcher
            operators = replace(operators, matcher=ThresholdMatcher(**vars(bare)))
        self._plan = make_plan(operators, self._tiles, assigner.dtype)
        self._undrawn: TargetAssigner | None = None

    @property
    def fused(self) -> bool:
        """Whether kernels do many images at once."""
        return self._plan is not None

    def __call__(self, boxes: list[Array]) -> tuple[Array, Array]:
        """Count the matches of the boxes of some images.

        Parameters
        ----------
        boxes : list of numpy.ndarray, (M, 4)
            Those of each image, finite, in the anchors' unit and the assigner's dtype.

        Returns
        -------
        counts : numpy.ndarray, int64, (sum of M,)
            How many anchors each is matched with; 0 of one without extent.
        best : numpy.ndarray, (sum of M,)
            The largest IoU of each with any anchor, in the assigner's dtype; likewise.
        """
        starts = np.cumsum([0, *map(len, boxes)])
        joined = np.concatenate([np.empty((0, 4), self.assigner.dtype), *boxes])
        counts = np.zeros(len(joined), np.int64)
        best = np.zeros(len(joined), self.assigner.dtype)
        status = np.full(len(boxes), DONE + 1, np.int64)
        if self._plan is not None:

            def count_some(counter: Array) -> None:
                """Count in images until the shared counter has given out all."""
                count_matches(
                    self._tiles, self._plan, joined, starts, counter,
                    new_scratch(len(self.assigner)), self._free, counts, best, status,
                )  # fmt: skip

            self._workers.share(count_some, len(boxes))
            if self._guarded:
                real = (joined[:, 2:] > joined[:, :2]).all(axis=1)
                image = np.repeat(np.arange(len(boxes)), np.diff(starts))
                status[image[real & (best == 0)]] = DONE + 1
        for index in np.flatnonzero((status != DONE) & (np.diff(starts) > 0)):
            own = slice(starts[index], starts[index + 1])
            counts[own] = self._composed(boxes[index])
            best[own] = self._best(boxes[index])
        return counts, best

    def _composed(self, boxes: Array) -> Array:
        """Count the matches of an image by the assigner itself."""
        if self._undrawn is None:
            own, old = self.assigner.operators, self.assigner
            self._undrawn = TargetAssigner(
                old.anchors, own.matcher, NaiveSampler(), own.box_encoder, own.class_encoder,
                dtype=old.dtype, layout=own.layout, size=own.size, name=old.name,
            )  # fmt: skip
        found = self._undrawn.sparse(boxes, np.zeros(len(boxes), np.int64))
        counts: Array = np.bincount(found.matches, minlength=len(boxes))
        return counts

    def _best(self, boxes: Array) -> Array:
        """Return the largest IoU of each box of an image."""
        anchors, dtype = self.assigner.anchors, self.assigner.dtype
        best = np.zeros(len(boxes), dtype)
        eps, limit = rounded_to_computing(BBoxBatchIOU().eps, dtype), largest_coordinate(dtype)
        given = np.ascontiguousarray(boxes)
        if are_usual(anchors) and best_ious(self._tiles, given, eps, limit, self._free, best):
            return best
        real = np.flatnonzero((boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        for first in range(0, len(anchors), ROWS):
            ious = BBoxBatchIOU()(anchors[first : first + ROWS], boxes[real])
            best[real] = np.maximum(best[real], ious.max(axis=0))
        return best
